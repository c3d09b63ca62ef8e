"""Two pictures in one: inversions of what stands in one place of the one and in another place of the other."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, chain
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.losses.degrade import hole, observed


def crossover(
    others: Float[ArrayLike, "#n h w c"],
    mask: Float[ArrayLike, ...],
    objective: Objective | None = None,
    steps: int = 500,
    *,
    noise_steps: int = 0,
    space: str = "w+",
    lr: float = 0.1,
) -> Inverter:
    """Invert two images at once, one inside a mask and one outside.

        minimise over the code, then over the noise maps   objective(G, (1 - m) image + m other)

    With squared differences this is (1 - m) ||G - image||^2 + m ||G - other||^2 but for what no code changes.

    Args:
        others: Images that count where the mask is 1: as many as are inverted, or one for all.
        mask: [H, W] or [H, W, 1] in [0, 1]; a soft edge lets both have a say there.
        objective: Compares images; `perceptual() + pixel()` when None.
        steps: Iterations in the space.
        noise_steps: Iterations over the noise maps afterwards; they can draw what no code can, and do not edit.
        space: Space to search.
        lr: Step size in spreads of the population.

    Source: Abdal et al., "Image2StyleGAN++: How to Edit the Embedded Images?" (2020), section 5.2: 1000 steps in W+,
    then 1000 over noise with squared differences alone. Different: the objective judges both times, and it judges the
    composite, where the published one judges each image through its mask.
    """
    judge = judged(objective)
    search = refine(judge, optax.adam(lr), steps, space, start="mean")
    if noise_steps:
        search = chain(search, refine(judge, optax.adam(lr), noise_steps, space, start="given", noise=True))
    return pasted(others, mask, search)


def diffusion(
    others: Float[ArrayLike, "#n h w c"],
    mask: Float[ArrayLike, ...],
    objective: Objective | None = None,
    steps: int = 300,
    inside_steps: int = 100,
    *,
    space: str = "w+",
    lr: float = 0.1,
    inside_lr: float = 0.02,
) -> Inverter:
    """Paste a part of other images into images, and let the generator draw surroundings that fit.

        c0 = argmin over the generator's own population   objective(G(c), (1 - m) image + m other)
        c  = argmin from c0                               objective(m G(c), m other)

    Only the first search sees the surroundings; the second keeps what is pasted and leaves them to the generator.

    Args:
        others: Images whose part is pasted: as many as are inverted, or one for all.
        mask: 1 where it is pasted, [H, W] or [H, W, 1].
        objective: Compares images; `perceptual() + pixel()` when None.
        steps: Iterations of the first search.
        inside_steps: Iterations of the second one.
        space: Space of the second search; the first one's is the same without rows ("w" for "w+").
        lr, inside_lr: Step sizes in spreads of the population.

    Source: Zhu et al., "In-Domain GAN Inversion for Real Image Editing" (2020), section 4.4. Different: a search in W
    keeps the composite within the domain, where the paper trains an encoder for it; with such an encoder it is
    `papers.idinvert(network, mask=mask)` of the composite.
    """
    judge = judged(objective)
    first = refine(judge, optax.adam(lr), steps, space.removesuffix("+"), start="mean")
    inside = refine(observed(judge, hole(mask)), optax.adam(inside_lr), inside_steps, space, start="given")
    return pasted(others, mask, chain(first, inside))


def pasted(others: Float[ArrayLike, "#n h w c"], mask: Float[ArrayLike, ...], search: Inverter) -> Inverter:
    """Let an inverter see other images where a mask is 1."""
    mask = jnp.asarray(mask, jnp.float32)
    mask = mask[..., None] if mask.ndim == 2 else mask

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        return search(found, (1 - mask) * jnp.asarray(images) + mask * jnp.asarray(others), key)

    return inverter
