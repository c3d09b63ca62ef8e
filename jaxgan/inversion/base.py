"""What every inverter is: `(Found, images, key) -> (Found, info)`, a guess turned into a better guess."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.inversion.march import traced


@struct.dataclass
class Found:
    """A guess: the generator and the codes with which it draws the images.

    Args:
        generator: The generator; tuning moves it.
        code: Codes of the images, or None before the first inverter has made some.
        stacked: Whether the generator's arrays have a leading axis of one generator per image (static).
    """

    generator: Generator
    code: Code | None = None
    stacked: bool = struct.field(pytree_node=False, default=False)

    def __getitem__(self, i: int) -> Found:
        """Take one image's guess, with its own generator if there is one per image."""
        generator = jax.tree.map(lambda x: x[i], self.generator) if self.stacked else self.generator
        return Found(generator, None if self.code is None else self.code[i])

    def images(self, **options) -> Float[Array, "n h w c"]:
        """Draw the images of the codes, each with its own generator if there is one per image."""
        if self.code is None:
            raise ValueError("This guess has no code yet: run an inverter first.")
        if not self.stacked:
            return self.generator(self.code, **options)
        each = jax.vmap(lambda g, code: g(code, **options)[0])
        return each(self.generator, ones(self.code))


Inverter = Callable[[Found, Any, Any], tuple[Found, dict]]


class Chain(NamedTuple):
    """Inverters that run one after the other; is itself an inverter. See `chain`."""

    parts: tuple[Inverter, ...]

    def __call__(self, found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        losses, infos = [jnp.zeros((0, len(images)))], []
        for i, part in enumerate(self.parts):
            found, info = part(found, images, jax.random.fold_in(key, i))
            losses.append(info["loss"])
            infos.append(info)
        return found, {"loss": jnp.concatenate(losses), "parts": infos}


def chain(*inverters: Inverter) -> Chain:
    """Run inverters one after the other: each starts from what the one before found.

    Chains within a chain are unrolled, so that `chain(a, chain(b, c))` is `chain(a, b, c)` to the bit.

    Returns:
        An inverter whose `info["loss"]` [steps, N] is that of its parts, concatenated; `info["parts"]` holds theirs.
    """
    return Chain(tuple(p for i in inverters for p in (i.parts if isinstance(i, Chain) else (i,))))


def ones(code: Code) -> Code:
    """Put a batch axis of one behind the batch axis of a code: `vmap` then sees codes of one image."""
    return jax.tree.map(lambda x: x[:, None], code.separate())


def untuned(found: Found, verb: str) -> None:
    """Raise ValueError if there is one generator per image, which `verb` cannot use."""
    if found.stacked:
        raise ValueError(f"{verb} needs one generator, this Found holds one per image: take found[i] first.")


def finite(tree: Any) -> Bool[Array, " n"]:
    """Whether everything about each member of a batch is finite [N]."""
    leaves = jax.tree.leaves(tree)
    return jnp.stack([jnp.isfinite(x).reshape(x.shape[0], -1).all(1) for x in leaves]).all(0)


def choose(keep: Bool[Array, " n"], a: Any, b: Any) -> Any:
    """Take members of `a` where `keep` [N], of `b` elsewhere."""
    return jax.tree.map(lambda x, y: jnp.where(keep.reshape(-1, *[1] * (x.ndim - 1)), x, y), a, b)


def in_chunks(fn: Callable, size: int | None, *batched: Any) -> Any:
    """Apply `fn` to a batch, at most `size` members at a time; the last chunk is padded, so that all have one shape.

    Chunks follow one another in a loop of Python, or in a compiled one where the batch is traced.

    Args:
        fn: Function of pytrees batched along the first axis to a pytree batched likewise.
        size: Members at a time; None for all at once.
        *batched: Its arguments, all with the same first axis.
    """
    leaves = jax.tree.leaves(batched)
    n = leaves[0].shape[0]
    if size is None or size == n:
        return fn(*batched)
    count = -(-n // size)
    take = jnp.arange(count * size).reshape(count, size) % n
    if traced(leaves):
        done = jax.lax.map(lambda part: fn(*part), jax.tree.map(lambda x: x[take], batched))
        return jax.tree.map(lambda x: x.reshape(count * size, *x.shape[2:])[:n], done)
    parts = [fn(*jax.tree.map(partial(jnp.take, indices=some, axis=0), batched)) for some in take]
    return jax.tree.map(lambda *xs: jnp.concatenate(xs)[:n], *parts)
