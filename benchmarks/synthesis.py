"""Time StyleGAN2's synthesis: w+ to images (forward), and with the gradient of codes and weights (backward).

The peer is given the same shapes and runs as shipped; that both compute the same images is what tests/golden shows.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from _peer import FLAGS, peer
from _timing import arguments, compiled, interleave, once, report

import jaxgan as jg

# (resolution, channel base, batch): the published width, and the narrow one of a generator for small data.
CASES = ((64, 16384, 2), (64, 2048, 8), (256, 16384, 1), (256, 4096, 2))
QUICK = ((16, 128, 2),)


def main() -> None:
    args = arguments(__doc__, 7, *FLAGS)
    other = peer(args)
    for resolution, base, batch in QUICK if args.quick else CASES:
        width, layers = (16, 2) if args.quick else (512, 2)
        sizes = dict(channel_base=base, z_dim=width, w_dim=width, mapping_layers=layers)
        g = jg.models.stylegan2.arch(resolution, **sizes).init(jax.random.key(0))
        codes = jax.random.normal(jax.random.key(1), (batch, *g.arch.shape("w+")))
        probe = jax.random.normal(jax.random.key(2), (batch, resolution, resolution, 3))

        def forward(g, codes):
            return g(jg.Code(codes, "w+"))

        def backward(g, codes, probe):
            loss = lambda params, codes: jnp.mean(g.replace(params=params)(jg.Code(codes, "w+")) * probe)
            return jax.grad(loss, argnums=(0, 1))(g.params, codes)

        peers = {}
        if other:
            peers = other.timers(
                "synthesis", resolution=resolution, channel_base=base, batch=batch, width=width, mapping_layers=layers
            )
        for name, f, values in (("forward", forward, (g, codes)), ("backward", backward, (g, codes, probe))):
            program, seconds = compiled(f, *values)
            ways = {"jaxgan": lambda program=program, values=values: once(lambda: program(*values))}
            if other:
                ways["pytorch"] = peers[name]
            case = f"{name}, {resolution} px, channel base {base}, batch {batch}"
            extra = {"peer": other.versions} if other else {}
            report("synthesis", case, interleave(ways, args.rounds), compile_s=round(seconds, 2), **extra)


if __name__ == "__main__":
    main()
