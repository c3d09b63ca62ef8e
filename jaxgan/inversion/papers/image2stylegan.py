"""Image2StyleGAN and Image2StyleGAN++: inversion in W+, then of the noise maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, chain
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.losses.degrade import hole, observed
from jaxgan.losses.reconstruct import pixel


def image2stylegan(
    objective: Objective | None = None,
    steps: int = 5000,
    *,
    lr: float = 0.02,
    layers: Iterable[int] | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Embed images in W+, a style of its own for every layer: nearly any picture can be drawn.

    Args:
        objective: Compares images; the paper's is `pixel()` and squares of conv1_1, conv1_2, conv3_2 and conv4_2 of
            VGG16, all of weight 1.
        steps: Iterations.
        lr: Step size in spreads of W.
        layers: Rows that move; all when None.
        chunk, progress: As for `refine`.

    Source: Abdal et al., "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?" (2019), section 3: Adam
    0.01, 5000 steps from the mean of w, about 7 minutes an image. Different: steps scale with the population's
    spread, and the best code is kept.
    """
    optimizer = optax.adam(lr)
    more = {"start": "mean", "wander": 0.0, "schedule": "constant", "chunk": chunk, "progress": progress}
    return refine(judged(objective), optimizer, steps, "w+", layers=layers, **more)


def image2stylegan_pp(
    objective: Objective | None = None,
    steps: int = 5000,
    noise_steps: int = 3000,
    *,
    lr: float = 0.02,
    noise_lr: float = 0.02,
    noise: float = 1e-3,
    mask: Float[ArrayLike, ...] | None = None,
    layers: Iterable[int] | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Embed images in W+, then let the noise maps draw what is left; the code does not move any more.

        first   minimise over w+     objective(mask G(w+, n), mask image)
        then    minimise over n      mean (G(w+, n) - y)^2,    y = mask image + (1 - mask) G(w+, n_0)

    - Reconstruction: no mask. Crossover of two images: the image is `mask * a + (1 - mask) * b`.
    - Inpainting: the mask is 0 in the hole, and `layers` leaves out the middle rows (of 18, the paper moves 0 to 8, 16
      and 17), which would copy the border of the hole.
    - Local style transfer: `objective` with `observed(gram(network), hole(1 - mask))` in it.

    A code's maps have a value for nearly every pixel: the second part can memorise any image. Judge and edit codes
    without them.

    Args:
        objective: Compares images in the first part.
        steps, noise_steps: Iterations of the two parts.
        lr: Step size in spreads of W.
        noise_lr: Step size of the maps, whose deviation is 1.
        noise: Weight of the regulariser of the maps; the paper has none.
        mask: 1 where the image counts, [H, W] or [H, W, 1]; everything when None.
        layers: Rows of w+ that move; all when None.
        chunk, progress: As for `refine`.

    Source: Abdal et al., "Image2StyleGAN++: How to Edit the Embedded Images?" (2020), sections 3 and 4: published PSNR
    of 19 to 22 dB with w+ and of 39 to 45 dB with noise. Different: means for sums, so that weights do not depend on
    the resolution; maps keep mean 0 and deviation 1.
    """
    objective = judged(objective)
    if mask is not None:
        objective = observed(objective, hole(mask))
    first = image2stylegan(objective, steps, lr=lr, layers=layers, chunk=chunk, progress=progress)
    more = {"layers": (), "noise": noise, "schedule": "constant", "chunk": chunk, "progress": progress}
    rest = refine(pixel(), optax.adam(noise_lr), noise_steps, "w+", start="given", **more)

    def then(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        return rest(found, filled(found, images, mask), key)

    return chain(first, then)


def filled(found: Found, images: Float[Array, "n h w c"], mask) -> Float[Array, "n h w c"]:
    """Return images whose hole is filled with what the guess draws there."""
    if mask is None:
        return images
    seen = hole(mask)
    share = seen(jnp.ones_like(images))
    return seen(images) + (1 - share) * found.images()
