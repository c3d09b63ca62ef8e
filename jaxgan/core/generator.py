"""A generator is a chain of stages named by the latent space they start from."""

from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.tree_util import Partial

from jaxgan.core.code import Code

NOISE_MODES = ("const", "random", "none")


@struct.dataclass
class Context:
    """What a stage may use besides its input; every stage is called as `module(value, context)`.

    Args:
        cond: Class condition [N, c] or None.
        psi: Truncation strength; None leaves codes alone.
        noise: Noise maps by layer name, or None for the mode.
        key: Random key for noise mode "random".
        features: {tap name: array}, in place of the activation of that name.
        patches: {tap name: callable pytree or array}, applied to the activation of that name, or to its feature.
        cutoff: Number of layers that truncation acts on; None means all (static).
        mode: Noise mode, one of "const", "random", "none" (static).
        train: Whether batch statistics are used and buffers may move (static).
    """

    cond: Any = None
    psi: Any = None
    noise: Any = None
    key: Any = None
    features: Any = None
    patches: Any = None
    cutoff: int | None = struct.field(pytree_node=False, default=None)
    mode: str = struct.field(pytree_node=False, default="const")
    train: bool = struct.field(pytree_node=False, default=False)

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Context: ...


class Stage(NamedTuple):
    """One link of the chain: a Linen module (with an explicit `name`) from codes of `source` to codes of `target`."""

    source: str
    target: str
    module: nn.Module


class Chart(NamedTuple):
    """Another coordinate system of a space: `forward` maps `base` to `target`, `inverse` maps back."""

    base: str
    target: str
    forward: Callable
    inverse: Callable


class Affine(NamedTuple):
    """A first linear map that reads the latent: row `row` of w+ through `params[path]` [D, C] to layer `layer`.

    A map that reads a part of the latent, or more than the latent, says by `reads` = (a, b, n) that its inputs from
    a on are the n coordinates of the latent from b on.
    """

    layer: str
    row: int
    path: tuple[str, ...]
    rgb: bool = False
    reads: tuple[int, int, int] | None = None


class Axis(NamedTuple):
    """A direction that the family itself learns: coordinate `index` of the codes of a space."""

    name: str
    space: str
    index: int


def normal(key, shape):
    """Draw from the standard normal prior."""
    return jax.random.normal(key, shape)


class Arch(NamedTuple):
    """What a generator is, without its numbers: hashable, so that it can be a static argument of jit.

    Args:
        name: Family, a key of `jaxgan.models.FAMILIES`.
        config: The factory's keyword arguments as sorted pairs, enough to make this Arch again.
        stages: The chain.
        shapes: (space, shape of one code without the batch) for each space that a code can start from.
        resolution: Side of the square images.
        channels: Channels of the images.
        classes: Width of the condition, 0 if there is none.
        charts: Other coordinates of the spaces.
        affines: First maps that read the latent (for SeFa).
        taps: Names of the activations that can be read and patched, coarse to fine.
        truncates: Space that psi acts on, "" if none.
        prior: `prior(key, shape)` draws codes of the first space.
        axes: Directions that the family itself learns, coarse to fine (for `directions.native`).
        styles: Names by which the styles of modulated layers can be patched, in the order of "s".
    """

    name: str
    config: tuple
    stages: tuple[Stage, ...]
    shapes: tuple
    resolution: int
    channels: int = 3
    classes: int = 0
    charts: tuple[Chart, ...] = ()
    affines: tuple[Affine, ...] = ()
    taps: tuple[str, ...] = ()
    truncates: str = ""
    prior: Callable = normal
    axes: tuple[Axis, ...] = ()
    styles: tuple[str, ...] = ()

    @property
    def spaces(self) -> tuple[str, ...]:
        """Spaces that a code can be in, along the chain, then the charts."""
        return tuple(s.source for s in self.stages) + tuple(c.target for c in self.charts)

    def shape(self, space: str) -> Any:
        """Shape of one code of the space, without the batch axis (for "s", a tuple of shapes)."""
        base = next((c.base for c in self.charts if c.target == space), space)
        return dict(self.shapes)[base]

    def init(self, key) -> Generator:
        """Draw the parameters of every stage and return a Generator."""
        return initialise(self, key)


@partial(jax.jit, static_argnums=0)
def initialise(arch: Arch, key) -> Generator:
    params, buffers = {}, {}
    value = jnp.zeros((1, *arch.shape(arch.stages[0].source)))
    context = Context(cond=jnp.zeros((1, arch.classes)) if arch.classes else None)
    for i, stage in enumerate(arch.stages):
        value, variables = stage.module.init_with_output(jax.random.fold_in(key, i), value, context)
        params[stage.module.name] = variables.get("params", {})
        buffers[stage.module.name] = variables.get("buffers", {})
    return Generator(params, buffers, arch)


@struct.dataclass
class Generator:
    """A generator: parameters, buffers (w_mean, constant noise) and its Arch. A pytree; `arch` is static.

    Example:
        >>> import jax, jaxgan as jg
        >>> arch = jg.models.stylegan2.arch(resolution=32, channel_base=256, z_dim=16, w_dim=16)
        >>> g = arch.init(jax.random.key(0))
        >>> g(g.sample(jax.random.key(1), 2)).shape
        (2, 32, 32, 3)
    """

    params: Any
    buffers: Any
    arch: Arch = struct.field(pytree_node=False)

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Generator: ...

    @property
    def spaces(self) -> tuple[str, ...]:
        return self.arch.spaces

    @property
    def resolution(self) -> int:
        return self.arch.resolution

    def sample(self, key, n: int, cond=None) -> Code:
        """Draw n codes from the prior of the first space.

        Args:
            key: Random key.
            n: Number of codes.
            cond: Conditions [n, c] or one for all [c]; drawn uniformly over the classes when the generator needs one.
        """
        first = self.arch.stages[0].source
        draw, classes = jax.random.split(key)
        if cond is None and self.arch.classes:
            cond = jax.nn.one_hot(jax.random.randint(classes, (n,), 0, self.arch.classes), self.arch.classes)
        if cond is not None:
            cond = jnp.broadcast_to(jnp.asarray(cond, jnp.float32), (n, self.arch.classes))
        return Code(self.arch.prior(draw, (n, *self.arch.shape(first))), first, cond)

    def to(self, code: Code, space: str, *, psi=None, cutoff: int | None = None) -> Code:
        """Carry a code along the chain to another space.

        Args:
            code: Where to start.
            space: Where to go: a later space of the chain, or a chart of one.
            psi: Truncation strength in [0, 1], applied where the chain passes w: w_mean + psi (w - w_mean).
            cutoff: How many layers psi acts on; all when None.

        Raises:
            ValueError: If the generator lacks the space, or the chain does not lead from here to there.
        """
        check(self, code, psi, goal=space)
        return _to(self, code, Context(cond=code.cond, psi=psi, cutoff=cutoff), space)

    def __call__(
        self, code: Code, *, psi=None, cutoff: int | None = None, noise: str = "const", key=None, patches=None
    ):
        """Draw the images of a code.

        Args:
            code: Codes in any of `spaces`.
            psi, cutoff: Truncation, as in `to`.
            noise: "const" (the stored maps), "random" (needs `key`) or "none"; maps in `code.noise` come first.
            key: Random key of the random noise.
            patches: {tap: array or callable}: replaces, or maps, the activation of that name on its way; the code's
                own features come before. Under a name of `arch.styles` a callable `(style [N, C], x) -> [N, h, w, C]`
                says by what the layer's input x [N, h, w, C] is scaled, place by place, instead of by its style; the
                layer's demodulation stays that of the style.

        Returns:
            Images [N, H, W, C] float32, not clipped.
        """
        return _render(self, code, context(self, code, psi, cutoff, noise, key, patches), ())[0]

    def in_training(self, code: Code, *, noise: str = "const", key=None) -> tuple[Any, Any]:
        """Draw images as a training step does: with the statistics of this batch, and with buffers that move.

        Args:
            code: Codes in any of `spaces`.
            noise, key: As in `__call__`.

        Returns:
            Images [N, H, W, C], and the buffers after this batch (running statistics, spectral vectors).
        """
        ctx = context(self, code, None, None, noise, key, None).replace(train=True)
        return _render_in_training(self, code, ctx)

    def read(
        self,
        code: Code,
        taps: Sequence[str],
        *,
        psi=None,
        cutoff: int | None = None,
        noise="const",
        key=None,
        patches=None,
        train: bool = False,
    ) -> dict[str, jax.Array]:
        """Return activations by name, [N, H, W, C] each; "image" is the image. What lies behind is not computed.

        With `train` the statistics are those of this batch, as in a training step, and none is kept.
        """
        for name in taps:
            known(name, (*self.arch.taps, "image"), "tap")
        ctx = context(self, code, psi, cutoff, noise, key, patches).replace(train=train)
        image, read = _render(self, code, ctx, tuple(taps))
        return {name: image if name == "image" else read[name] for name in taps}


def known(name: str, allowed: Sequence[str], what: str) -> None:
    """Raise ValueError, naming the nearest allowed name, unless the name is allowed."""
    if name not in allowed:
        near = difflib.get_close_matches(name, allowed, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"There is no {what} {name!r}; allowed: {', '.join(map(repr, allowed))}.{hint}")


def check(g: Generator, code: Code, psi=None, goal: str | None = None) -> None:
    """Check at the door that a code fits the generator; shapes are not looked at again inside."""
    arch = g.arch
    if code.space not in arch.spaces:
        raise ValueError(
            f"Code is in {code.space!r}, {arch.name} offers {', '.join(arch.spaces)}. "
            "Start from g.sample(...) or use g.to(...)."
        )
    shape, got = arch.shape(code.space), jax.tree.map(lambda v: tuple(v.shape[1:]), code.value)
    if got != shape:
        raise ValueError(f"A code of {arch.name} in {code.space!r} has shape [N, *{shape}], got [N, *{got}].")
    order = [s.source for s in arch.stages] + [arch.stages[-1].target]
    at = order.index(base(arch, code.space))
    if arch.classes and code.cond is None and at == 0:
        raise ValueError(f"{arch.name} is conditional: give Code(..., cond=[N, {arch.classes}]).")
    if code.cond is not None and tuple(code.cond.shape) != (len(code), arch.classes):
        raise ValueError(f"cond has shape {tuple(code.cond.shape)}, {arch.name} takes [{len(code)}, {arch.classes}].")
    for tap, activation in (code.features or {}).items():
        known(tap, arch.taps, "tap")
        if jnp.ndim(activation) != 4 or activation.shape[0] not in (1, len(code)):
            allowed = f"[{len(code)} or 1, h, w, c]"
            raise ValueError(f"The feature {tap!r} has shape {list(jnp.shape(activation))}, needed is {allowed}.")
    if psi is not None and (not arch.truncates or at > order.index(arch.truncates)):
        where = f"in {arch.truncates!r}" if arch.truncates else "nowhere"
        raise ValueError(
            f"psi acts {where}, the code is in {code.space!r}. Use jg.editing.truncate on the code instead."
        )
    if goal is not None:
        known(goal, arch.spaces, "space")
        if order.index(base(arch, goal)) < at:
            raise ValueError(
                f"Code is in {code.space!r}, which lies behind {goal!r}: stages are not inverted, jg.invert is."
            )


def base(arch: Arch, space: str) -> str:
    """Space of the chain that a chart belongs to; a space of the chain is its own."""
    return next((c.base for c in arch.charts if c.target == space), space)


def context(g, code, psi, cutoff, noise, key, patches) -> Context:
    """Check rendering arguments and put them into the form that stages take."""
    check(g, code, psi)
    known(noise, NOISE_MODES, "noise mode")
    if noise == "random" and key is None:
        raise ValueError("noise='random' needs key=.")
    for name in patches or {}:
        known(name, (*g.arch.taps, *g.arch.styles), "tap")
    # A plain function is no pytree; Partial makes it a static part of one.
    patches = {k: Partial(p) if inspect.isroutine(p) else p for k, p in (patches or {}).items()}
    return Context(code.cond, psi, code.noise, key, code.features, patches, cutoff, noise)


def walk(g: Generator, code: Code, ctx: Context, goal: str, taps: tuple[str, ...] = ()) -> tuple[Any, dict[str, Any]]:
    """Run the stages from the code's space to the goal; return the value there and the taps that were read."""
    arch, value, at, read = g.arch, code.value, code.space, {}
    charts = {c.target: c for c in arch.charts}
    if at == goal:
        return value, read
    if at in charts:
        at, value = charts[at].base, charts[at].inverse(value)
    end = base(arch, goal)
    for stage in arch.stages:
        if at == end:
            break
        if stage.source == at:
            name = stage.module.name
            variables = {"params": g.params.get(name, {}), "buffers": g.buffers.get(name, {})}
            if taps:
                mutable = ["taps", "buffers"] if ctx.train else ["taps"]
                value, state = stage.module.apply(variables, value, ctx, mutable=mutable)
                read.update(flatten_taps(state.get("taps", {})))
            else:
                value = stage.module.apply(variables, value, ctx)
            at = stage.target
    return (charts[goal].forward(value) if goal in charts else value), read


@jax.jit
def _render_in_training(g: Generator, code: Code, ctx: Context):
    value, at, buffers = code.value, code.space, dict(g.buffers)
    charts = {c.target: c for c in g.arch.charts}
    if at in charts:
        at, value = charts[at].base, charts[at].inverse(value)
    for stage in g.arch.stages:
        if stage.source == at:
            name = stage.module.name
            variables = {"params": g.params.get(name, {}), "buffers": g.buffers.get(name, {})}
            value, state = stage.module.apply(variables, value, ctx, mutable=["buffers"])
            buffers[name] = state.get("buffers", g.buffers.get(name, {}))
            at = stage.target
    return value.astype(jnp.float32), buffers


def flatten_taps(tree: Any) -> dict[str, jax.Array]:
    flat = {}
    for name, value in tree.items():
        flat.update(flatten_taps(value) if isinstance(value, Mapping) else {name: value})
    return flat


@partial(jax.jit, static_argnames="space")
def _to(g: Generator, code: Code, ctx: Context, space: str) -> Code:
    return code.replace(value=walk(g, code, ctx, space)[0], space=space)


@partial(jax.jit, static_argnames="taps")
def _render(g: Generator, code: Code, ctx: Context, taps: tuple[str, ...]):
    images, read = walk(g, code, ctx, g.arch.stages[-1].target, taps)
    return images.astype(jnp.float32), {k: v for k, v in read.items() if k in taps}


def fingerprint(g: Generator) -> str:
    """Return the sha256 of family, configuration and every array: files made with a generator name it by this."""
    digest = hashlib.sha256(repr((g.arch.name, g.arch.config)).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path((g.params, g.buffers)):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
