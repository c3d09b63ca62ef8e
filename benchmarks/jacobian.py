"""Time the singular vectors of a generator's Jacobian, d image / d w at one code, in forward and in reverse mode.

Forward mode takes one pass for every coordinate of w, reverse mode one for every number of the image, as published
code does; both in blocks of rows in a loop of Python. "sketch" is the randomised way: passes in
both modes for a few random directions, three times over. `agree` holds the largest relative differences of the ten
leading squared singular values from forward mode's.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _timing import arguments, interleave, once, report

import jaxgan as jg
from jaxgan.directions.calibrate import outputs
from jaxgan.directions.products import COLUMNS, gram, sketch

LEADING, RANK = 10, 20
MORE = (("model", dict(nargs="?", default="scenes64", help="a generator with w (scenes64)")),)


@partial(jax.jit, static_argnames="side")
def pulled(g, code, start, side: int):
    """Return derivatives of `COLUMNS` numbers of the image from `start` on, in reverse mode."""
    image, pull = jax.vjp(outputs(g, code, "image"), code.value)
    one = lambda i: pull(jax.nn.one_hot(start + i, image.size).reshape(image.shape))[0][0]
    return jax.vmap(one)(jnp.arange(side))


def reverse(g, code):
    """Return J^T J by reverse mode."""
    size = g.resolution**2 * g.arch.channels
    total = 0.0
    for start in range(0, size, COLUMNS):
        rows = pulled(g, code, start, COLUMNS)
        total = total + rows.T @ rows
    return total


def main() -> None:
    args = arguments(__doc__, 3, *MORE)
    g = jg.models.stylegan2.arch(16, channel_base=64, z_dim=16, w_dim=16).init(jax.random.key(0))
    g = g if args.quick else jg.load(args.model)
    code = g.to(g.sample(jax.random.key(1), 1), "w")
    whole = {
        "forward": lambda: gram(g, code)[0],
        "sketch": lambda: sketch(g, code, "image", jax.random.key(2), RANK)[0],
        "reverse": lambda: reverse(g, code),
    }
    values = {name: np.linalg.eigvalsh(run())[::-1][:LEADING] for name, run in whole.items()}
    agree = {n: float(f"{np.abs(v / values['forward'] - 1).max():.2g}") for n, v in values.items() if n != "forward"}
    ways = {name: lambda run=run: once(lambda: jnp.linalg.eigh(run())) for name, run in whole.items()}
    case = f"{g.resolution} px, {code.value.shape[1]} coordinates of w, {'a toy' if args.quick else args.model}"
    report("jacobian", case, interleave(ways, args.rounds), agree=agree)


if __name__ == "__main__":
    main()
