"""What an encoder must know of the generator whose codes it names."""

from __future__ import annotations

from typing import Any

from jaxtyping import Array, Float

from jaxgan.core.generator import Arch
from jaxgan.ops.similarity import halve


def sizes(arch: Arch, space: str = "w+") -> dict[str, Any]:
    """Return the arguments of an encoder that a generator decides: resolution, channels, and the codes' shape.

    Args:
        arch: The generator's.
        space: "w+" gives `rows` and `w_dim`; "s" gives `layers`, the widths of all layers.

    Raises:
        ValueError: The generator has no such space.

    Example:
        >>> from jaxgan import encoders
        >>> encoders.psp.encoder(**encoders.sizes(g.arch), widths=(4, 8, 8), units=(1, 1, 1)).rows
        4
    """
    if space not in arch.spaces:
        raise ValueError(f"{arch.name} has no codes in {space!r}; it has {', '.join(arch.spaces)}.")
    shape, own = arch.shape(space), {"resolution": arch.resolution, "channels": arch.channels}
    if space == "s":
        return own | {"layers": tuple(one[0] for one in shape)}
    return own | {"rows": shape[0], "w_dim": shape[1]}


def reduced(images: Float[Array, "n h w c"], resolution: int) -> Float[Array, "n h2 w2 c"]:
    """Halve images by averages until they have the encoder's resolution.

    Raises:
        ValueError: Their size is not a power of two times it.
    """
    size = images.shape[1:3]
    while min(images.shape[1:3]) > resolution and not any(side % 2 for side in images.shape[1:3]):
        images = halve(images)
    if images.shape[1:3] != (resolution, resolution):
        raise ValueError(
            f"Images are {size[0]}x{size[1]}, this encoder takes squares of {resolution} pixels or 2, 4, 8 ... times "
            "as many. Resize them first."
        )
    return images
