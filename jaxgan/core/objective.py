"""Objectives: named, weighted, per-sample losses that add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import struct
from jax.tree_util import Partial


@struct.dataclass
class Target:
    """What an objective compares with: the target images and whatever each term computed from them once.

    Args:
        images: Target images [N, H, W, C] in [-1, 1].
        prepared: For each term of the objective, in order, the result of its `prepare`, or None.
    """

    images: Any
    prepared: tuple = ()

    def __getitem__(self, index) -> Target:
        return jax.tree.map(lambda x: x[index], self)


@struct.dataclass
class Term:
    """One loss. `fn(images, target, code, generator, prepared) -> [N]`; `prepare(target_images) -> prepared`.

    `couples` says that members of a batch look at one another, so that the batch must not be cut.
    """

    fn: Partial
    prepare: Partial | None
    weight: Any
    name: str = struct.field(pytree_node=False)
    couples: bool = struct.field(pytree_node=False, default=False)

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Term: ...


@struct.dataclass
class Objective:
    """A weighted sum of named per-sample losses.

        total_n = sum_k weight_k * term_k(images, target, code)_n

    Objectives add (`a + b`) and scale (`0.1 * a`). A term sees one batch member at a time, unless it `couples` them.
    """

    terms: tuple[Term, ...] = ()

    def __add__(self, other: Objective) -> Objective:
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(self.terms + other.terms)

    def __mul__(self, scale) -> Objective:
        return Objective(tuple(t.replace(weight=t.weight * scale) for t in self.terms))

    __rmul__ = __mul__

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(t.name for t in self.terms)

    @property
    def couples(self) -> bool:
        """Whether a term looks at several members of a batch at once."""
        return any(t.couples for t in self.terms)

    def prepare(self, images) -> Target:
        """Compute once what the terms need of the target images (their perceptual features, say)."""
        return Target(images, tuple(t.prepare(images) if t.prepare is not None else None for t in self.terms))

    def __call__(self, images, target, code=None, generator=None):
        """Compare images with the target.

        Args:
            images: Rendered images [N, H, W, C].
            target: Target images [N, H, W, C], or the `Target` that `prepare` made of them.
            code: The Code that was rendered; terms on latent codes need it.
            generator: The Generator that rendered it; terms that use its statistics need it.

        Returns:
            The weighted total [N] and the unweighted terms {name: [N]}.
        """
        if not isinstance(target, Target):
            target = self.prepare(target)
        total, parts = jnp.zeros(images.shape[0]), {}
        for t, prepared in zip(self.terms, target.prepared, strict=True):
            value = t.fn(images, target.images, code, generator, prepared)
            total, parts[t.name] = total + t.weight * value, parts.get(t.name, 0.0) + value
        return total, parts


def term(name: str, fn: Callable, *leaves, prepare: Callable | None = None, couples: bool = False) -> Objective:
    """Make an objective of one term with weight 1.

    Args:
        name: Name under which the term is reported.
        fn: `fn(*leaves, images, target_images, code, generator, prepared) -> [N]`.
        *leaves: Arrays or pytrees (a feature Network, statistics) passed to `fn` and `prepare` first; they stay
            arguments of the compiled program instead of constants baked into it.
        prepare: `prepare(*leaves, target_images) -> prepared`, evaluated once per set of targets.
        couples: Whether members of a batch look at one another, as the frames of a film do.
    """
    return Objective((Term(Partial(fn, *leaves), Partial(prepare, *leaves) if prepare else None, 1.0, name, couples),))
