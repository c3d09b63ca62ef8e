"""Profile StyleGAN3's filtered activation: its arithmetic, its memory traffic and its share of synthesis.

For T and R, forward and with the gradient of what goes in: the whole synthesis (w+ to images), all its filtered
activations by themselves (as band matrices, which is what runs on a CPU; with --library as depthwise convolutions
too), and all its convolutions by themselves. `ratio` of a part is its share of the whole. `counts` gives what
XLA counts for each program and, as "filters", the multiplications and additions that the taps of the filters ask for
in one forward pass, in billions. The peer (a checkout of stylegan3) runs its reference implementation, as on every CPU.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from _peer import FLAGS, peer
from _timing import arguments, compiled, interleave, once, report

import jaxgan as jg
from jaxgan.nn.alias_free import Layer
from jaxgan.ops.alias_free import filtered_lrelu
from jaxgan.ops.modconv import normalised_modulated_conv

# (resolution, channel base, layers, batch): narrow, as a CPU can run them.
CASES = ((64, 2048, 14, 2), (256, 4096, 14, 1))
QUICK = ((16, 64, 3, 2),)
VARIANTS = {"T": {}, "R": {"kernel": 1, "radial": True}}


def filter_operations(layer: Layer, batch: int) -> int:
    """Multiplications and additions of one layer's filters, applied as polyphase filters along one axis at a time."""
    how, side = layer.resampling(), layer.size[0] + layer.kernel - 1
    high, out = how.supersampled(side), layer.size[1]
    up = 0 if how.up_filter is None else len(how.up_filter) // how.up * (side * high + high * high)
    down = 0
    if how.down_filter is not None:
        taps = len(how.down_filter)
        down = taps * (high * out + out * out) if how.down_filter.ndim == 1 else taps * taps * out * out
    return 2 * batch * layer.channels[1] * (up + down)


def inputs(layers: tuple[Layer, ...], batch: int, convolved: bool) -> list:
    """Random activations as each layer's activation (or convolution) gets them."""
    shapes = ((l.size[0] + l.kernel - 1, l.channels[1]) if convolved else (l.size[0], l.channels[0]) for l in layers)
    return [jax.random.normal(jax.random.key(i), (batch, s, s, c)) for i, (s, c) in enumerate(shapes)]


def with_gradient(f):
    """Return f, and the gradient of the sum of squares of what it returns."""
    squares = lambda *values: sum(jnp.sum(jnp.square(y)) for y in jax.tree.leaves(f(*values)))
    return {"forward": f, "backward": jax.grad(squares)}


def main() -> None:
    args = arguments(
        __doc__, 5, *FLAGS, ("--library", dict(action="store_true", help="time depthwise convolutions too"))
    )
    other = peer(args)
    for resolution, base, depth, batch in QUICK if args.quick else CASES:
        for variant, how in VARIANTS.items():
            width = 16 if args.quick else 512
            wide = 1 if variant == "T" else 2
            sizes = dict(channel_base=wide * base, channel_max=wide * 512, layers=depth, z_dim=width, w_dim=width)
            g = jg.models.stylegan3.arch(resolution, **sizes, **how).init(jax.random.key(0))
            layers = jg.models.stylegan3.schedule(
                resolution, channel_base=wide * base, channel_max=wide * 512, layers=depth, **how
            )
            codes = jax.random.normal(jax.random.key(1), (batch, *g.arch.shape("w+")))
            weights = [g.params["synthesis"][l.name]["weight"] for l in layers]
            styles = [jnp.ones((batch, l.channels[0])) for l in layers]
            after, before = inputs(layers, batch, True), inputs(layers, batch, False)

            def activation(xs, matrices, layers=layers):
                pairs = zip(xs, layers, strict=True)
                return [filtered_lrelu(x, None, l.resampling(), matrices=matrices) for x, l in pairs if not l.rgb]

            def convolution(xs, weights, styles):
                return [normalised_modulated_conv(*values) for values in zip(xs, weights, styles, strict=True)]

            parts = {
                "synthesis": (with_gradient(lambda codes, g: g(jg.Code(codes, "w+"))), (codes, g)),
                "activation": (with_gradient(lambda xs: activation(xs, True)), (after,)),
                "convolution": (with_gradient(convolution), (before, weights, styles)),
            }
            if args.library:
                parts["activation, library"] = (with_gradient(lambda xs: activation(xs, False)), (after,))
            peers = {}
            if other:
                peers = other.timers(
                    "alias_free", resolution=resolution, batch=batch, width=width, layers=depth, base=wide * base,
                    limit=wide * 512, radial=variant == "R",
                )  # fmt: skip
            for phase in ("forward", "backward"):
                ways, counts, seconds = {}, {}, {}
                for name, (programs, values) in parts.items():
                    program, seconds[name] = compiled(programs[phase], *values)
                    ways[name] = lambda program=program, values=values: once(lambda: program(*values))
                    counted = program.cost_analysis() or {}
                    counts[name] = {
                        "gigaflop": float(f"{counted.get('flops', np.nan) / 1e9:.3g}"),
                        "gigabyte": float(f"{counted.get('bytes accessed', np.nan) / 1e9:.3g}"),
                    }
                needed = sum(filter_operations(l, batch) for l in layers if not l.rgb)
                counts["filters"] = {"gigaflop": float(f"{needed / 1e9:.3g}")}
                if other:
                    ways |= {f"pytorch {name}": timer for name, timer in peers.items() if name.startswith(phase)}
                case = f"{variant}, {phase}, {resolution} px, channel base {base}, batch {batch}"
                spent = {name: round(value, 2) for name, value in seconds.items()}
                extra = {"peer": other.versions} if other else {}
                report("alias_free", case, interleave(ways, args.rounds), counts=counts, compile_s=spent, **extra)


if __name__ == "__main__":
    main()
