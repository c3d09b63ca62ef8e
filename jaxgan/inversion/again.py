"""Another attempt for the images that an inverter failed on."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.inversion.base import Found, Inverter, untuned
from jaxgan.inversion.march import traced


def again(how: Inverter, tries: int, until: float) -> Inverter:
    """Invert; try again, with other random numbers, the images whose loss is still too high; keep each one's best.

    Args:
        how: An inverter whose result depends on its key, such as `chain(nearest(), refine(...))`, and whose info has
            "final" [N]; of a chain, its last part.
        tries: Attempts in all, at least 1.
        until: Total below which an image is done.

    Returns:
        An inverter. Every attempt starts from what was given. `info`: "loss" [steps, N] and the rest of the first
        attempt, "final" [N] of the codes that are returned, "tries" [N] how many attempts each image had.
    """
    if tries < 1:
        raise ValueError(f"tries must be at least 1, got {tries}.")

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        if traced((found, images)):
            raise ValueError("again decides by the losses which images to repeat: it cannot be compiled as a whole.")
        untuned(found, "again")
        images = jnp.asarray(images)
        best, info = how(found, images, jax.random.fold_in(key, 0))
        code, final = separate(best), np.array(final_of(info))
        counts = np.ones(len(images), int)
        for i in range(1, tries):
            left = np.flatnonzero(~(final < until))  # NaN is not done either
            if not len(left):
                break
            given = found if found.code is None else Found(found.generator, found.code[left])
            other, facts = how(given, images[left], jax.random.fold_in(key, i))
            lower = np.asarray(final_of(facts)) < final[left]
            better, rest = left[lower], np.flatnonzero(lower)
            code = jax.tree.map(partial(replaced, better, rest), code, separate(other))
            final[better] = np.asarray(final_of(facts))[rest]
            counts[left] += 1
        best = Found(best.generator, code)
        return best, {**info, "final": jnp.asarray(final), "tries": jnp.asarray(counts)}

    return inverter


def separate(found: Found) -> Code:
    """Return the codes of a guess, each with noise maps and features of its own."""
    untuned(found, "again")
    if found.code is None:
        raise ValueError("again compares codes, this inverter gave none.")
    return found.code.separate()


def replaced(where, rest, x, y):
    return x.at[where].set(y[rest])


def final_of(info: dict) -> Array:
    """Return the totals of the codes that an inverter returned."""
    while "final" not in info:
        if not info.get("parts"):
            raise ValueError(
                "again compares info['final'], which this inverter does not give: end it with refine(...)."
            )
        info = info["parts"][-1]
    return info["final"]
