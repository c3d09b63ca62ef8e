"""Time the singular vectors of a generator's Jacobian, d image / d w at one code, in forward and in reverse mode.

Forward mode takes one pass for every coordinate of w, reverse mode one for every number of the image, as published code
does; both in blocks of rows in a loop of Python. "sketch" is the randomised way: passes in both modes for a few random
directions, three times over. Reverse mode is timed for a part of the image and the time multiplied. `agree` holds the
largest relative differences from forward mode: of the ten leading squared singular values, and of reverse mode's part.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _timing import arguments, interleave, once, report, rounded

import jaxgan as jg
from jaxgan.directions.calibrate import outputs
from jaxgan.directions.products import COLUMNS, gram, pushed, sketch

LEADING, RANK = 10, 20
MORE = (
    ("model", dict(nargs="?", default="scenes64", help="a generator with w (scenes64)")),
    ("--part", dict(type=int, default=16, help="reverse mode is timed for one pixel in as many (16)")),
)


@partial(jax.jit, static_argnames="side")
def pulled(g, code, start, side: int):
    """Return derivatives of `COLUMNS` numbers of the image from `start` on, in reverse mode."""
    image, pull = jax.vjp(outputs(g, code, "image"), code.value)
    one = lambda i: pull(jax.nn.one_hot(start + i, image.size).reshape(image.shape))[0][0]
    return jax.vmap(one)(jnp.arange(side))


def reverse(g, code, part: int):
    """Return the rows of the Jacobian for one number of the image in `part`, by reverse mode."""
    size = g.resolution**2 * g.arch.channels // part
    return jnp.concatenate([pulled(g, code, start, COLUMNS) for start in range(0, size, COLUMNS)])


def main() -> None:
    args = arguments(__doc__, 3, *MORE)
    g = jg.models.stylegan2.arch(16, channel_base=64, z_dim=16, w_dim=16).init(jax.random.key(0))
    g = g if args.quick else jg.load(args.model)
    code = g.to(g.sample(jax.random.key(1), 1), "w")
    ways = {
        "forward": lambda: jnp.linalg.eigh(gram(g, code)[0]),
        "sketch": lambda: jnp.linalg.eigh(sketch(g, code, "image", jax.random.key(2), RANK)[0]),
    }
    leading = [np.asarray(way()[0])[::-1][:LEADING] for way in ways.values()]
    rows = reverse(g, code, args.part)
    columns = pushed(g, code, "image", jnp.eye(rows.shape[1])).reshape(rows.shape[1], -1).T[: len(rows)]
    agree = {
        "sketch": rounded(float(np.abs(leading[1] / leading[0] - 1).max())),
        "reverse": rounded(float(np.abs(rows - columns).max() / np.abs(columns).max())),
    }

    def part():
        return tuple(args.part * spent for spent in once(lambda: (lambda r: r.T @ r)(reverse(g, code, args.part))))

    timers = {name: lambda way=way: once(way) for name, way in ways.items()} | {"reverse": part}
    case = f"{g.resolution} px, {code.value.shape[1]} coordinates of w, {'a toy' if args.quick else args.model}"
    report("jacobian", case, interleave(timers, args.rounds), agree=agree, part=args.part)


if __name__ == "__main__":
    main()
