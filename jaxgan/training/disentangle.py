"""Penalties on a generator whose latent axes interact, as part of the generator's move."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxgan.core import Code, Generator
from jaxgan.core.generator import Arch, known
from jaxgan.losses.disentangle import curvature, hessian_penalty, orojar


@dataclass(frozen=True)
class Disentangle:
    """The Hessian penalty or OroJaR on activations of the generator, ramped up from zero.

        loss(images) = weight min(max(images - start, 0) / ramp, 1) sum over taps  reduce over codes  penalty

    Give generators no noise, or constant noise: what is penalised draws with constant noise and in float32. Batch
    normalisation takes the statistics of the penalised batch, so that weights cannot make the penalty smaller by
    becoming small. It can fall in this way, without anything becoming disentangled, where taps follow no normalisation:
    take those that do, and deep ones.

    Args:
        form: "hessian" (Hessian penalty) or "orojar" (orthogonal columns of the Jacobian; it grows with the square of
            the number of activations, published weights are 1e-4 to 1e-11).
        weight: At the end of the ramp, the published lambda; 0 turns it off.
        taps: Activations that count, "image" for the images; when empty all taps but those of the full resolution, or
            all but the last where there are no resolutions.
        space: Where the axes are that shall not interact: "z", or "w" where there is one.
        mode: "fd", the published finite differences, or "exact" (for OroJaR one jvp a probe). On piecewise linear
            activations an exact Hessian penalty is 0 and does nothing.
        eps: Step of the finite differences; the penalty grows with 1 / eps^4.
        probes: Random directions a code, at least 2.
        reduce: "max" over activations and codes, as published, or "mean"; OroJaR sums over activations.
        start_kimg: Thousands of images before it begins.
        ramp_kimg: Thousands of images until it has its full weight; 0 from the start, when training from scratch.
        shrink: The batch is divided by this.

    Source: Peebles et al., "The Hessian Penalty" (2020), equations 4 to 6, and their published training code; Wei et
    al., "Orthogonal Jacobian Regularization" (2021), equation 3. Different: codes of their own instead of those of the
    adversarial loss; the unbiased variance in both (their TensorFlow code divides by the number of probes).
    """

    form: Literal["hessian", "orojar"] = "hessian"
    weight: float = 0.1
    taps: tuple[str, ...] = ()
    space: str = "z"
    mode: Literal["fd", "exact"] = "fd"
    eps: float = 0.1
    probes: int = 2
    reduce: Literal["max", "mean"] = "max"
    start_kimg: float = 0.0
    ramp_kimg: float = 10_000.0
    shrink: int = 1

    def chosen(self, arch: Arch) -> tuple[str, ...]:
        """Taps that count in a generator with all its resolutions."""
        if self.taps:
            return self.taps
        sides = [r for r in (side_of(t) for t in arch.taps) if r is not None]
        return tuple(t for t in arch.taps if side_of(t) != max(sides)) if sides else arch.taps[:-1]

    def factor(self, images: Any) -> Any:
        """Weight after so many images."""
        passed = images - 1000.0 * self.start_kimg
        ramp = 1000.0 * self.ramp_kimg
        return self.weight * (jnp.clip(passed / ramp, 0.0, 1.0) if ramp else jnp.float32(passed >= 0))


def side_of(tap: str) -> int | None:
    """Resolution in the name of a tap such as "b32", "b32_conv0" or "rgb32"; None if there is none."""
    digits = tap.removeprefix("rgb").removeprefix("b").split("_")[0]
    return int(digits) if digits.isdigit() else None


def disentangled(move: Callable, settings: Disentangle | None, arch: Arch, at: Callable | None = None) -> Callable:
    """Add the penalty to the loss of a generator's move.

    Args:
        move: Loss of the move, as for `Move`.
        settings: None leaves the move as it is.
        arch: The generator, with all its resolutions.
        at: `at(stats, batch) -> (arch, {tap: factor})` for one that grows: as it is now, and how far its newest taps
            are faded in.

    Returns:
        The loss of the move. Its stats need `unseen(settings)`.

    Raises:
        ValueError: A tap or the space is not one of the generator's, or the penalty has fewer than 2 probes.

    Warns:
        UserWarning: An exact Hessian penalty is identically 0 at a tap.
    """
    if settings is None or not settings.weight:
        return move
    for name in settings.taps:
        known(name, (*arch.taps, "image"), "tap")
    known(settings.space, [s for s in arch.spaces if isinstance(arch.shape(s)[0], int)], "space")
    taps = settings.chosen(arch)
    if not taps:
        raise ValueError(f"{arch.name} has the one tap {', '.join(arch.taps)}; say which are to be disentangled.")
    if settings.form == "hessian" and settings.mode == "exact":
        flat = flat_taps(arch, taps, settings.space)
        if flat:
            warnings.warn(
                f"{', '.join(flat)} of {arch.name} are piecewise linear in {settings.space}: their exact Hessian "
                'penalty is 0 and does nothing. Take mode="fd".',
                stacklevel=3,
            )

    def penalised(params, stats, batch, key):
        own = jax.random.fold_in(key, 1)
        loss, (metrics, stats) = move(params, stats, batch, key)
        now, faded = at(stats, batch) if at else (arch, {})
        g = Generator(params["G"], stats["buffers"]["G"], now)
        weights = {t: faded.get(t, 1.0) for t in taps if t in (*now.taps, "image")}  # those that it has grown to
        penalty = interaction(settings, g, batch, weights, own) if weights else jnp.zeros(())
        seen = stats["disentangle"]
        weight = settings.factor(seen)
        stats = {**stats, "disentangle": seen + len(batch["image"])}
        return loss + weight * penalty, ({**metrics, settings.form: penalty, "lambda": weight}, stats)

    return penalised


def interaction(settings: Disentangle, g: Generator, batch: Any, weights: dict[str, Any], key) -> Any:
    """Return the penalty of a generator at random codes, a scalar, summed over taps with their weights."""
    of_codes, of_probes, of_labels = jax.random.split(key, 3)
    n = max(len(batch["image"]) // settings.shrink, 1)
    cond = jax.random.permutation(of_labels, batch["label"])[:n] if g.arch.classes else None
    start = Code(g.arch.prior(of_codes, (n, *g.arch.shape(g.arch.stages[0].source))), g.arch.stages[0].source, cond)
    code = g.to(start, settings.space)
    code = code.replace(value=jax.lax.stop_gradient(code.value))
    fn = lambda value: g.read(code.replace(value=value), tuple(weights), train=True)
    shared = (fn, code.value, of_probes, settings.probes, settings.mode, settings.eps)
    if settings.form == "hessian":
        found = hessian_penalty(*shared, reduce=settings.reduce, separate=True)
    else:
        found = orojar(*shared, separate=True)
    over = jnp.max if settings.reduce == "max" else jnp.mean
    return jnp.stack([weight * over(found[t]) for t, weight in weights.items()]).sum()


def flat_taps(arch: Arch, taps: tuple[str, ...], space: str) -> list[str]:
    """Names of the taps that have no second derivative wherever they have one, by trying a few codes."""
    g = arch.init(jax.random.key(0))
    code = g.to(g.sample(jax.random.key(1), 4), space)
    direction = jax.random.rademacher(jax.random.key(2), code.value.shape, jnp.float32)
    second = curvature(lambda value: g.read(code.replace(value=value), taps), code.value, direction)
    return [t for t in taps if not jnp.any(second[t])]


def unseen(settings: Disentangle | None) -> dict[str, Any]:
    """Return what the statistics of a game with the penalty hold besides: how many images it has seen."""
    return {"disentangle": jnp.int32(0)} if settings is not None and settings.weight else {}


def shrunk(settings: Disentangle | None) -> Disentangle | None:
    """Return settings for the small generator of a smoke run, which lacks the taps of the large one."""
    return None if settings is None else replace(settings, taps=())
