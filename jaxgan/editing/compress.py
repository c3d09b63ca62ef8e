"""Compression as an edit: codes far out on the leading axes of the population come nearer, and stay different."""

from __future__ import annotations

import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.editing.base import Edit
from jaxgan.latents.charts import Whitening


def compress(chart: Whitening, limit=1.0, leading: int | None = None) -> Edit:
    """Compress what lies beyond a limit on the leading principal axes of P logarithmically.

        q = sign(p_n) limit (1 + log(|p_n| / limit))   where |p_n| > limit,    p_n elsewhere

    Artefacts come from codes far out on few axes. Truncation pulls all axes alike and makes pictures alike; this leaves
    what is typical alone, and no two codes become one.

    Args:
        chart: The population's chart, `latents.stats.population(g, key)`.
        limit: In standard deviations, a leaf; the larger, the less changes.
        leading: How many axes, those of the largest spread; all when None.

    Returns:
        An edit to "p", or to "p+" for codes in w+ and p+.

    Source: Wulff and Torralba, "Improving Inversion and Generation Diversity in StyleGAN using a Gaussianized Latent
    Space" (2020), which compresses dominant components logarithmically; the form with a limit, continuous with its
    slope, is ours.
    """

    def edit(g: Generator, code: Code) -> Code:
        if "p" not in g.spaces:
            raise ValueError(f"compress acts in 'p', {g.arch.name} offers {', '.join(g.spaces)}.")
        code = g.to(code, "p+" if code.space in ("w+", "p+") else "p")
        whitened = chart.forward(code.value)
        size = jnp.abs(whitened)
        far = limit * (1 + jnp.log(jnp.maximum(size, limit) / limit))
        compressed = jnp.where(size > limit, jnp.sign(whitened) * far, whitened)
        if leading is not None:
            rank = jnp.argsort(jnp.argsort(-chart.std))
            compressed = jnp.where(rank < leading, compressed, whitened)
        return code.replace(value=chart.inverse(compressed))

    return edit
