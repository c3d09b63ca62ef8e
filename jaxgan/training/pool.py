"""A pool of what a player made before, from which its opponent is shown some again."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def opening(size: int, shape: tuple[int, ...]) -> dict:
    """Return an empty pool for `size` items of a shape, to be kept in a game's stats."""
    return {"items": jnp.zeros((size, *shape)), "count": jnp.int32(0)}


def exchange(pool: dict, items: Float[Array, "n ..."], key) -> tuple[Float[Array, "n ..."], dict]:
    """Put items into the pool, one after the other, and return what to show in their place.

    While the pool is not full an item is kept and shown. Afterwards it is shown with probability 1/2; otherwise it
    takes the place of a random old one, which is shown instead.

    Returns:
        As many items, and the pool.

    Source: Shrivastava et al., "Learning from Simulated and Unsupervised Images" (2017), section 2.3, in the form of
    the published code of CycleGAN and e4e.
    """
    size = len(pool["items"])

    def one(pool, given):
        item, key = given
        of_coin, of_place = jax.random.split(key)
        full = pool["count"] >= size
        place = jnp.where(full, jax.random.randint(of_place, (), 0, size), pool["count"])
        swap = full & jax.random.bernoulli(of_coin)
        old = pool["items"][place]
        items = pool["items"].at[place].set(jnp.where(swap | ~full, item, old))
        return {"items": items, "count": jnp.minimum(pool["count"] + 1, size)}, jnp.where(swap, old, item)

    pool, shown = jax.lax.scan(one, pool, (items, jax.random.split(key, len(items))))
    return shown, pool
