"""StyleFlow's network: a continuous normalising flow from codes of w to normal codes z, given what is to be seen."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.network import Network
from jaxgan.latents.charts import Whitening

NAME = "flow"
STEPS = 1024  # of the solver; a flow that needs more has become too stiff to be of use


class Flow(nn.Module):
    """Carry codes of w to z and back, given attributes; the fields are those of `flow`.

    x(0) = e^k whitened(w) + b,   dx/dt = T f(x, T t, a),   z = e^l x(1) + c
    """

    w_dim: int
    names: tuple[str, ...]
    hidden: tuple[int, ...]
    tolerance: float
    generator: str

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.w_dim), (1, len(self.names))]

    def setup(self) -> None:
        d, a = self.w_dim, len(self.names)
        widths = (d, *self.hidden, d)
        self.layers = [
            self.param(f"layer{i}", squash, before, after, 1 + a, float(i < len(self.hidden)))
            for i, (before, after) in enumerate(pairwise(widths))
        ]
        flat = lambda key, width: {"log_scale": jnp.zeros(width), "shift": jnp.zeros(width)}
        self.entry, self.exit = self.param("entry", flat, d), self.param("exit", flat, d)
        self.log_time = self.param("log_time", nn.initializers.zeros, ())
        held = lambda name, value: self.variable("buffers", name, lambda: value).value
        self.white = Whitening(held("mean", jnp.zeros(d)), held("basis", jnp.eye(d)), held("std", jnp.ones(d)))
        self.usual, self.unit = held("usual", jnp.zeros(a)), held("unit", jnp.ones(a))

    def __call__(self, w: Float[Array, "n d"], attributes: Float[Array, "n a"]) -> Float[Array, "n d"]:
        """Carry w to z."""
        start = affine(self.entry, self.white.forward(w))
        return affine(self.exit, self.carried(start, attributes, 0.0, 1.0)[0])

    def decode(self, z: Float[Array, "n d"], attributes: Float[Array, "n a"]) -> Float[Array, "n d"]:
        """Carry z back to w."""
        end = inverse(self.exit, z)
        return self.white.inverse(inverse(self.entry, self.carried(end, attributes, 1.0, 0.0)[0]))

    def log_density(
        self, w: Float[Array, "n d"], attributes: Float[Array, "n a"], probes: Float[Array, "n d"] | None = None
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Return log p(w | a), and how much of it the equation's divergence is.

            log N(z) + int_0^1 tr(df/dx) dt + sum(k + l) - sum log std

        Args:
            w, attributes: Codes and attributes.
            probes: e of the estimate e^T (df/dx) e of the trace, one for the whole way; None takes the exact trace.
        """
        start = affine(self.entry, self.white.forward(w))
        end, divergence = self.carried(start, attributes, 0.0, 1.0, trace=True, probes=probes)
        z = affine(self.exit, end)
        normal = -0.5 * (jnp.square(z) + jnp.log(2 * jnp.pi)).sum(-1)
        ends = self.entry["log_scale"].sum() + self.exit["log_scale"].sum() - jnp.log(self.white.std).sum()
        return normal + divergence + ends, divergence

    def carried(self, x, attributes, begin: float, end: float, *, trace: bool = False, probes=None):
        """Solve the equation for every code by itself; return where it leads, and the integral of the divergence."""
        if self.is_initializing():
            return x, jnp.zeros(len(x))
        a = (jnp.asarray(attributes, x.dtype) - self.usual) / self.unit
        way = partial(solved, self.layers, jnp.exp(self.log_time), begin, end, self.tolerance, trace)
        return jax.vmap(way, (0, 0, None if probes is None else 0))(x, a, probes)


def squash(key, before: int, after: int, context: int, gain: float) -> dict[str, Any]:
    """Draw a layer: weights uniform to gain / sqrt(fan in)."""
    keys = jax.random.split(key, 4)
    draw = lambda key, fan, shape: jax.random.uniform(key, shape, minval=-1, maxval=1) * gain / jnp.sqrt(fan)
    return {
        "weight": draw(keys[0], before, (before, after)),
        "bias": draw(keys[1], before, (after,)),
        "gate": draw(keys[2], context, (context, after)),
        "gate_bias": jnp.zeros(after),
        "shift": draw(keys[3], context, (context, after)),
    }


def velocity(layers, x: Float[Array, " d"], t, a: Float[Array, " a"]) -> Float[Array, " d"]:
    """Return f(x, t, a): layers (x W + b) sigmoid([t, a] G + g) + [t, a] H with tanh between them."""
    context = jnp.concatenate([jnp.reshape(t, (1,)).astype(a.dtype), a])
    for i, layer in enumerate(layers):
        x = jnp.tanh(x) if i else x
        gate = jax.nn.sigmoid(context @ layer["gate"] + layer["gate_bias"])
        x = (x @ layer["weight"] + layer["bias"]) * gate + context @ layer["shift"]
    return x


def divergence(fn, x: Float[Array, " d"], probe: Float[Array, " d"] | None):
    """Return fn(x) and the trace of its Jacobian: exact, or e^T J e for a probe e."""
    if probe is not None:
        value, along = jax.jvp(fn, (x,), (probe,))
        return value, along @ probe
    value, push = jax.linearize(fn, x)
    return value, jnp.trace(jax.vmap(push)(jnp.eye(len(x), dtype=x.dtype)))


def solved(layers, time, begin: float, end: float, tolerance: float, trace: bool, x, a, probe):
    """Solve the equation for one code; NaN where the solver does not arrive."""
    solver = diffrax()

    def slope(t, state, _):
        fn = lambda x: time * velocity(layers, x, time * t, a)
        return divergence(fn, state[0], probe) if trace else (fn(state[0]), jnp.zeros(()))

    found = solver.diffeqsolve(
        solver.ODETerm(slope),
        solver.Dopri5(),
        begin,
        end,
        None,
        (x, jnp.zeros((), x.dtype)),
        stepsize_controller=solver.PIDController(rtol=tolerance, atol=tolerance),
        max_steps=STEPS,
        throw=False,
    )
    arrived = found.result == solver.RESULTS.successful
    return jax.tree.map(lambda v: jnp.where(arrived, v[-1], jnp.nan), found.ys)


def diffrax() -> Any:
    """Import the solver, or say how to come by it."""
    try:
        import diffrax
    except ImportError as error:
        raise ImportError("Flows are solved by diffrax: pip install 'jaxgan[flow]'") from error
    return diffrax


def affine(part, x):
    return x * jnp.exp(part["log_scale"]) + part["shift"]


def inverse(part, x):
    return (x - part["shift"]) * jnp.exp(-part["log_scale"])


@partial(jax.jit, static_argnames="method")
def run(network: Network, method: str, *args) -> Any:
    """Apply a method of a network's module, compiled."""
    return network.module.apply({"params": network.params, "buffers": network.buffers}, *args, method=method)


def encode(network: Network, w: Float[Array, "*b d"], attributes: Float[Array, "n a"]) -> Float[Array, "*b d"]:
    """Carry codes to z (joint reverse encoding); rows [N, L, D] one by one, all under the attributes of their code."""
    return by_rows(network, "__call__", w, attributes)


def decode(network: Network, z: Float[Array, "*b d"], attributes: Float[Array, "n a"]) -> Float[Array, "*b d"]:
    """Carry z to codes (conditional forward editing): the inverse of `encode` under the same attributes."""
    return by_rows(network, "decode", z, attributes)


def by_rows(network: Network, method: str, x, attributes):
    rows = x.reshape(-1, x.shape[-1])
    return run(network, method, rows, jnp.repeat(attributes, len(rows) // len(attributes), axis=0)).reshape(x.shape)


def flow(
    w_dim: int = 512,
    *,
    names: tuple[str, ...],
    hidden: tuple[int, ...] = (512,) * 5,
    tolerance: float = 1e-5,
    generator: str = "",
) -> Flow:
    """Describe a flow.

    Args:
        w_dim: Width of w.
        names: Of the attributes, in order.
        hidden: Widths of the layers between.
        tolerance: Of the solver, absolute and relative.
        generator: Fingerprint of the generator whose codes it knows.

    Source: Abdal et al., "StyleFlow" (2021), and the facts of its code: one block of concat-squash layers with tanh,
    the solver of Dormand and Prince, a time that is learned. Different: in front stands the population's whitening,
    known from the beginning, and behind an affine map, where the code has running batch statistics on both sides: an
    encoding is then the same in training and afterwards. The last layer starts at zero, the flow as the identity. Every
    code has steps of its own, so that those of a batch do not couple. Attributes are standardised by the population's
    mean and deviation.
    """
    if not names or len(set(names)) < len(names):
        raise ValueError(f"A flow needs attributes of different names, got {', '.join(names) or 'none'}.")
    if not hidden or min(hidden) < 1 or tolerance <= 0:
        raise ValueError(f"hidden holds widths, tolerance is above 0; got {hidden} and {tolerance:g}.")
    return Flow(w_dim, tuple(names), tuple(hidden), float(tolerance), generator)
