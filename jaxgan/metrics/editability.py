"""Editability: do codes that draw given images behave like the generator's own when they are edited?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, base
from jaxgan.core.moments import covariance
from jaxgan.latents.charts import Whitening, whitening
from jaxgan.latents.spaces import rows, styled
from jaxgan.latents.stats import SAMPLES, moments, typical_distance

FLOOR = 0.05

Edit = Callable[[Generator, Code], Code]


def charts(g: Generator, key, samples: int = SAMPLES, floor: float = FLOOR) -> dict[str, Whitening]:
    """Return the charts in which `mahalanobis` measures: of "p" and "w" where there are such spaces, else the first.

    Args:
        g: Generator.
        key: Random key of the population.
        samples: Size of the population.
        floor: Smallest standard deviation, as a fraction of the largest. A mapping network's last layer leaves a few
            directions of P almost flat (a thousandth of the widest): a search steps off them without any effect on
            the image, and without a floor the distance would tell of nothing else.
    """
    spaces = [space for space in ("p", "w") if space in g.spaces] or [styled(g)]
    keep = {}
    for space in spaces:
        m = moments(g, key, space, samples)
        keep[space] = whitening(m.mean, covariance(m), floor)
    return keep


def mahalanobis(g: Generator, code: Code, charts: Mapping[str, Whitening]) -> dict[str, Float[Array, " n"]]:
    """Return how far codes lie from the population's middle, in each of the charts' spaces; 1 is typical.

        sqrt(mean_ld p_n^2) = sqrt((p - mean)^T covariance^-1 (p - mean) / D), over all rows

    Args:
        g: Generator.
        code: Codes [N]. Spaces that lie before theirs (of "s", say) cannot be measured and are left out.
        charts: Charts by space, as `charts` makes them.

    Returns:
        {space: [N]}.

    Source: Wulff and Torralba, "Improving Inversion and Generation Diversity in StyleGAN using a Gaussianized Latent
    Space", 2020, eq. 4; the mean over D makes widths comparable.
    """
    white = whitened(g, code, charts)
    return {space: jnp.sqrt(jnp.square(value).mean((1, 2))) for space, value in white.items()}


def rows_apart(g: Generator, code: Code, charts: Mapping[str, Whitening]) -> dict[str, Float[Array, " n"]]:
    """Return how far the rows of codes lie from each other, in each of the charts' spaces.

        sqrt(mean_ld (p_n,l - mean_l p_n)^2)

    All rows of the population's codes are equal: 0. Two codes that have nothing in common give 1 / sqrt(2) where half
    of the rows is the one's and half the other's, many such codes 1.

    Args:
        g, code, charts: As in `mahalanobis`; codes without rows have 0.

    Source: the distance from W to W+ that Tov et al., "Designing an Encoder for StyleGAN Image Manipulation" (2021),
    section 3.3, hold small by the norms of their offsets.
    """
    return {space: jnp.sqrt(jnp.var(value, axis=1).mean(1)) for space, value in whitened(g, code, charts).items()}


def whitened(g: Generator, code: Code, charts: Mapping[str, Whitening]) -> dict[str, Float[Array, "n l d"]]:
    """Carry codes to the charts' whitened coordinates, row by row; one row for a code without rows."""
    found = {}
    for space, chart in charts.items():
        there = space + "+" if code.space.endswith("+") and space + "+" in g.spaces else space
        if reaches(g, code.space, there):
            value = chart.forward(g.to(code, there).value[..., : len(chart.mean)])
            found[space] = value.reshape(len(code), -1, len(chart.mean))
    return found


def reaches(g: Generator, here: str, there: str) -> bool:
    """Whether the chain leads from codes of one space to another."""
    if here not in g.spaces:  # of a generator put together for the inversion
        return False
    order = [stage.source for stage in g.arch.stages]
    return order.index(base(g.arch, here)) <= order.index(base(g.arch, there))


def drift(
    draw: Callable[[Code], Any],
    g: Generator,
    code: Code,
    edits: Sequence[Edit],
    compare: Callable[[Any, Any], Float[Array, " n"]],
) -> Float[Array, " n"]:
    """Return how far edits carry the images of codes: the mean distance between before and after.

        mean_edits d(draw(edit(code)), draw(code))

    Divided by the same of the population's codes it tells codes that answer edits as those do (1) from codes that do
    not answer (0) and from codes that fall apart (far above 1).

    Args:
        draw: Codes to images; of a tuned generator if there is one.
        g: Generator that the edits belong to.
        code: Codes [N].
        edits: Such as moves along principal components, to either side.
        compare: Distance of images, pair by pair: `partial(lpips.distance, network)` or an objective's total.
    """
    if not edits:
        raise ValueError("drift needs at least one edit.")
    before = draw(code)
    return jnp.stack([compare(draw(edit(g, code)), before) for edit in edits]).mean(0)


def consistency(
    draw: Callable[[Code], Any],
    g: Generator,
    code: Code,
    there: Edit,
    back: Edit,
    again: Callable[[Any], Code],
    key,
) -> Float[Array, " n"]:
    """Return the latent editing consistency: what is left when an edit is drawn, inverted and undone; 0 is best.

        ||code - back(E(draw(there(code))))|| / typical distance,   E the inverter that found the code

    Args:
        draw, g, code: As in `drift`.
        there: An edit.
        back: The edit that undoes it.
        again: Images to codes, by the inverter that found `code`: one pass of an encoder, or a whole optimisation.
        key: Random key of the population whose spread is the unit.

    Source: Tov et al., "Designing an Encoder for StyleGAN Image Manipulation", 2021, section 5.3, for encoders there.
    Different: for any inverter, in spreads of the population over all rows (so that w and w+ compare), image by image.
    """
    undone = back(g, again(draw(there(g, code))))
    if undone.space != code.space:
        undone = g.to(undone, code.space)
    length = jnp.linalg.norm(rows(code.value) - rows(undone.value), axis=1)
    return length / typical_distance(g, key, code.space)
