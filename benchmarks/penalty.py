"""Time the Hessian Penalty of a DCGAN against its published form in PyTorch, on the same weights, codes and probes.

The published form is a central difference, 1 + 2k passes one after the other; jaxgan's are the same difference with all
passes in one program ("jaxgan"), and the exact second derivative by nested forward mode ("jaxgan, exact"). Each as
value, and with the gradient of all weights, as in training. The penalty is summed over all levels and the image, each a
mean over its numbers, of a network without batch statistics. `agree` is PyTorch's value over jaxgan's.

python benchmarks/penalty.py --peer-python a/python/that/has/torch
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import jax
import numpy as np
from _peer import FLAGS, Peer
from _timing import arguments, compiled, interleave, once, report

import jaxgan as jg
from jaxgan.core import Code

EPS, PROBES = 0.1, 2
# (resolution, width of the finest level, codes)
CASES = ((32, 32, 16), (64, 32, 8))
QUICK = ((16, 4, 2),)


def main() -> None:
    args = arguments(__doc__, 7, FLAGS[1])
    other = Peer("", args.peer_python)
    for resolution, width, batch in QUICK if args.quick else CASES:
        g = jg.models.dcgan.arch(resolution, width=width).init(jax.random.key(0))
        # Away from where training starts, where weights are so small that the penalty drowns in rounding.
        louder = lambda path, x: x if "norm" in jax.tree_util.keystr(path) else 4 * x
        params = jax.tree_util.tree_map_with_path(louder, g.params)
        z, key = jax.random.normal(jax.random.key(1), (batch, *g.arch.shape("z"))), jax.random.key(2)
        names = (*g.arch.taps, "image")

        def penalty(params, z, mode, g=g, key=key, names=names):
            fn = lambda z: g.replace(params=params).read(Code(z, "z"), names)
            return jg.directions.hessian_penalty(fn, z, key, PROBES, mode, EPS).mean()

        with tempfile.TemporaryDirectory() as folder:
            file, answer = Path(folder) / "network.npz", Path(folder) / "answer.npy"
            v = jax.random.rademacher(key, (PROBES, *z.shape), z.dtype)
            np.savez(file, z=z, v=v, **exported(params["draw"]))
            theirs = other.timers("hessian_penalty", file=str(file), answer=str(answer), eps=EPS)
            agree = float(np.load(answer)) / float(jax.jit(penalty, static_argnums=2)(params, z, "fd"))
        for what in ("value", "gradient"):
            f = penalty if what == "value" else jax.grad(penalty)
            ways, seconds = {}, {}
            for name, mode in (("jaxgan", "fd"), ("jaxgan, exact", "exact")):
                program, spent = compiled(lambda p, z, f=f, mode=mode: f(p, z, mode), params, z)
                ways[name] = lambda program=program, p=params, z=z: once(lambda: program(p, z))
                seconds[name] = round(spent, 2)
            ways["pytorch"] = theirs[what]
            case = f"{what}, {resolution} px, width {width}, batch {batch}, {PROBES} probes"
            times = interleave(ways, args.rounds)
            report("penalty", case, times, compile_s=seconds, agree=round(agree, 5), peer=other.versions)


def exported(params) -> dict[str, np.ndarray]:
    """Return a DCGAN's arrays in PyTorch's form: transposed convolutions are [in, out, k, k]."""
    arrays = {}
    for name, layer in params.items():
        if name.startswith("norm"):
            arrays |= {f"{name}_{part}": np.asarray(layer[part]) for part in ("weight", "bias")}
        else:
            weight = np.asarray(layer["weight"])
            arrays[name] = np.ascontiguousarray(weight.transpose(2, 3, 0, 1) if weight.ndim == 4 else weight)
    return arrays


if __name__ == "__main__":
    main()
