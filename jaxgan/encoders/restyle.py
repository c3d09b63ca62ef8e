"""ReStyle: an encoder that looks at the image and at its own reconstruction, and says how the code should change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core import Code, Generator, Network
from jaxgan.encoders.styles import StyleEncoder, checked

NAME = "restyle"


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    rows: int = 18,
    w_dim: int = 512,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    units: tuple[int, ...] = (3, 4, 14, 3),
    trunk: str = "irse",
    pyramid: bool = False,
    deltas: bool = False,
) -> StyleEncoder:
    """Describe ReStyle's encoder, (images, reconstructions) -> the change of the w+ code from one to the other.

    Called as a function it answers with `w_mean` added: the first code if the reconstructions are of the mean. Use
    `step` for one iteration and `jaxgan.inversion.restyle` for all.

    Args:
        resolution, channels, rows, w_dim, widths, units, trunk, pyramid: As for `psp.encoder`; all styles read the
            last map by default.
        deltas: Whether the rows are those of `e4e`.

    Source: Alaluf et al., "ReStyle" (2021), sections 3 and 4.1.
    """
    config = dict(locals())
    checked(resolution, widths, units, rows, w_dim, trunk, 3 if pyramid else 1)
    return StyleEncoder(**config, guesses=2)


def start(network: Network, n: int) -> Code:
    """Return n codes at the mean of w that the encoder was trained with, in w+."""
    mean = network.buffers["w_mean"]
    return Code(jnp.broadcast_to(mean, (n, *mean.shape)), "w+")


def step(network: Network, g: Generator, code: Code, images: Float[Array, "n h w c"], **how) -> Code:
    """Look once at images and at what the code draws; return the code that the encoder would take instead.

        w <- w + E(x, G(w))

    Args:
        network: A "restyle.encoder".
        g: The generator.
        code: In w+, where it stands.
        images: What it should draw.
        how: Noise mode and key of the drawing.
    """
    return code.replace(value=code.value + change(network, images, g(code, **how)))


@jax.jit
def change(network: Network, images, drawn) -> Float[Array, "n l d"]:
    """Return the change of the code that the encoder asks for."""
    variables = {"params": network.params, "buffers": network.buffers}
    changed: Any = network.module.apply(variables, images, drawn, method="residual")
    return changed
