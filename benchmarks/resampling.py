"""Time the resampling convolutions as phases of matrix products against the library convolution.

Three programs each: the value; its gradient by input and weight; and the gradient of the squared gradient, which is
what the path-length and R1 penalties take. "phases" is what the library runs on a CPU.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from _timing import arguments, compiled, interleave, once, report

from jaxgan.ops.resample import conv_down2, conv_up2

# (channels, side of the smaller image), batch 4
CASES = ((32, 64), (128, 16), (256, 16))
QUICK = ((4, 8),)


def programs(f):
    loss = lambda x, w: jnp.sum(jnp.square(jax.nn.leaky_relu(f(x, w), 0.2)))
    gradient = jax.grad(loss, argnums=(0, 1))
    penalty = lambda x, w: jnp.sum(jax.grad(loss)(x, w) ** 2)
    return {"value": f, "gradient": gradient, "gradient of the gradient": jax.grad(penalty, argnums=1)}


def compare(operation, channels: int, side: int, rounds: int) -> None:
    x = jax.random.normal(jax.random.key(0), (4, side, side, channels))
    w = jax.random.normal(jax.random.key(1), (3, 3, channels, channels)) / channels**0.5
    forms = {
        "phases": programs(lambda x, w: operation(x, w, phases=True)),
        "library": programs(lambda x, w: operation(x, w, phases=False)),
    }
    for what in forms["phases"]:
        ways, seconds = {}, {}
        for name, form in forms.items():
            program, spent = compiled(form[what], x, w)
            seconds[name] = round(spent, 2)
            ways[name] = lambda program=program: once(lambda: program(x, w))
        case = f"{operation.__name__}, {what}, {channels} channels, input 4x{side}x{side}"
        report("resampling", case, interleave(ways, rounds), compile_s=seconds)


def main() -> None:
    args = arguments(__doc__, 5)
    for operation in (conv_up2, conv_down2):
        for channels, side in QUICK if args.quick else CASES:
            compare(operation, channels, side if operation is conv_up2 else 2 * side, args.rounds)


if __name__ == "__main__":
    main()
