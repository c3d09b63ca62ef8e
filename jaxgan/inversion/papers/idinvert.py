"""Hybrids: an encoder guesses, optimisation refines, within the encoder's domain or within a mask."""

from __future__ import annotations

from collections.abc import Callable

import optax
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Inverter, chain
from jaxgan.inversion.encode import encode
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.losses.degrade import hole, observed
from jaxgan.losses.latent import domain
from jaxgan.losses.latent import near_mean_w as near_mean


def idinvert(
    network: Network,
    objective: Objective | None = None,
    steps: int = 100,
    *,
    space: str = "w+",
    weight: float = 2.0,
    mask: Float[ArrayLike, ...] | None = None,
    lr: float = 0.02,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Encode, then refine within the encoder's domain; with a mask, diffuse what it shows into its surroundings.

        minimise  objective(G(c), image) + weight mean (c - E(G(c)))^2,    from c = E(image)
        minimise  objective(mask G(c), mask image),                        from c = E(image)

    For semantic diffusion the images are composites of what is pasted (mask 1) and its surroundings; the code that
    comes out draws the pasted part in a setting that the generator finds fit.

    Args:
        network: Encoder, images to codes of `space`.
        objective: Compares images; the paper's is `pixel() + 5e-5 * (squares of conv4_3 of VGG16)`.
        steps: Iterations of refinement.
        space: Space that is refined in.
        weight: Weight of the domain term (the paper's 2); it is left out with a mask, as in the published code.
        mask: For diffusion, 1 where the image counts: [H, W], [H, W, 1] or [N, H, W, 1].
        lr: Step size in spreads of the space.
        chunk, progress: As for `refine`.

    Source: Zhu et al., "In-Domain GAN Inversion for Real Image Editing" (2020), eq. 4 and section 4.4: Adam 0.01, 100
    steps, 8 s an image. Published for FFHQ at 256 px: MSE 0.030 and FID 42.6, against 0.026 and 58.0 by pixels alone.
    Different: steps scale with the population's spread.
    """
    objective = judged(objective)
    if mask is None:
        objective = objective + weight * domain(network, space)
    else:
        objective = observed(objective, hole(mask))
    search = refine(
        objective, optax.adam(lr), steps, space, start="given", schedule="constant", chunk=chunk, progress=progress
    )
    return chain(encode(network), search)


def stylegan_encoder(
    network: Network,
    objective: Objective | None = None,
    steps: int = 100,
    *,
    space: str = "w+",
    mask: Float[ArrayLike, ...] | None = None,
    near_mean_w: float = 1e-2,
    std: Float[Array, "*d"] | float | None = None,
    lr: float = 0.02,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Encode by a residual network, then refine what a mask shows, drawn to the mean of w.

        minimise  objective(mask G(c), mask image) + near_mean_w mean ((c - w_mean) / std)^2,    from c = E(image)

    Args:
        network: Encoder, images to codes.
        objective: Compares images; the project's is a mixture of VGG16, pixels, MS-SSIM and LPIPS.
        steps: Iterations of refinement.
        space: Space that is refined in.
        mask: 1 where the image counts (the face, there); everything when None.
        near_mean_w, std: Weight of the pull to the mean of w, and its unit; see `losses.near_mean_w`.
        lr: Step size in spreads of the space.
        chunk, progress: As for `refine`.

    Source: the project pbaylies/stylegan-encoder: ResNet guess, 100 steps. Different: squares instead of log-cosh and
    absolute values, no adversarial term (its sign there pulls towards images that look false), no redrawing of
    coordinates beyond 2, no sharpening of the input, the best code instead of a mixture of the best two.
    """
    objective = judged(objective)
    if mask is not None:
        objective = observed(objective, hole(mask))
    if near_mean_w:
        objective = objective + near_mean_w * near_mean(std)
    return chain(
        encode(network), refine(objective, optax.adam(lr), steps, space, start="given", chunk=chunk, progress=progress)
    )
