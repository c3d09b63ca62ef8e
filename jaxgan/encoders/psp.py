"""pSp: a pyramid of features, and a small network for every style, from coarse maps the coarse ones."""

from __future__ import annotations

from jaxgan.encoders.styles import StyleEncoder, checked

NAME = "psp"


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    rows: int = 18,
    w_dim: int = 512,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    units: tuple[int, ...] = (3, 4, 14, 3),
    trunk: str = "irse",
    pyramid: bool = True,
) -> StyleEncoder:
    """Describe pixel2style2pixel's encoder, images -> w+.

    Styles 0 to 2 are read from the trunk's last map, 3 to 6 from the sum of it and the one before, the others from
    that sum and the third last. The answer is a difference from the mean of w.

    Args:
        resolution: Side of the images that it looks at; larger ones are reduced to it.
        channels: Of the images.
        rows, w_dim: Shape of a code; `encoders.sizes(g.arch)` says what a generator needs.
        widths, units: Channels and residual units of the trunk's stages, each of which halves the resolution.
        trunk: "irse" (of face recognition, with channel attention), "ir" (without) or "resnet34".
        pyramid: False lets every style read the last map.

    Source: Richardson et al., "Encoding in Style" (2021), section 3.1 and figure 2; sizes of the published code, whose
    bilinear enlargement keeps the corners. Different: the mean of w is a buffer of the encoder, not of the program
    around it.
    """
    config = dict(locals())
    checked(resolution, widths, units, rows, w_dim, trunk, 3 if pyramid else 1)
    return StyleEncoder(**config)
