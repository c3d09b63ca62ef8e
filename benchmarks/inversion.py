"""Time inversion: an image-step of Adam at several micro-batches, beside a PyTorch loop over images with the same
network and loss; and Levenberg-Marquardt against Adam to equal loss, as a search and as a polish.

The images are drawn by the generator itself from codes that the inversion does not see, so that an exact answer
exists. `ms` is the time of one step of one image in the first part, and of one whole image in the second, where Adam
goes first: a ratio below 1 says that the other way was faster to the loss that Adam reached.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from _peer import FLAGS, peer
from _timing import arguments, interleave, once, report

import jaxgan as jg
from jaxgan.inversion import Found, chain, nearest, refine
from jaxgan.losses.reconstruct import pixel

SAMPLES = 1000  # behind mean, spread and axes
LENGTHS = (1, 2, 4, 8, 16)  # of the second-order searches: the first that is as good as Adam is timed


def psnr(loss):
    """Of images in [-1, 1]: the median over images of 10 log10(4 / mse)."""
    return float(jnp.median(10 * jnp.log10(4 / jnp.maximum(loss, 1e-12))))


def per(count: int, times):
    return {name: [(wall / count, cpu / count) for wall, cpu in spent] for name, spent in times.items()}


def image_steps(args, other) -> None:
    """Time an image-step of Adam in w+ at several micro-batches."""
    resolution, base, width, count, steps = (16, 128, 8, 2, 2) if args.quick else (64, 4096, 512, 8, 4)
    sizes = dict(channel_base=base, z_dim=width, w_dim=width, mapping_layers=2)
    g = jg.models.stylegan2.arch(resolution, **sizes).init(jax.random.key(0))
    images = g(g.sample(jax.random.key(1), count))
    ways, seconds, known = {}, {}, {}
    if other:
        known = {"peer": other.versions}
        shape = dict(resolution=resolution, channel_base=base, width=width, mapping_layers=2)
        ways["pytorch, one by one"] = other.timers("inversion", count=count, steps=steps, **shape)["loop"]
    for size in [c for c in (1, 2, 4, 8) if c <= count]:
        search = refine(pixel(), steps=steps - 1, space="w+", chunk=size, samples=64)  # and a look at the last step
        run = lambda search=search: search(Found(g), images, jax.random.key(2))[1]
        seconds[f"chunk {size}"] = round(once(run)[0] / 1e3, 2)
        ways[f"chunk {size}"] = lambda run=run: once(run)
    case = f"image-step of Adam in w+, {count} images, {resolution} px, channel base {base}"
    report("inversion", case, per(count * steps, interleave(ways, args.rounds)), first_call_s=seconds, **known)


def equal_loss(args) -> None:
    """Time Adam, and whatever of Levenberg-Marquardt reaches as low a loss, from a nearest draw."""
    g, count = jg.load(args.generator), 1 if args.quick else args.images
    images = g(g.sample(jax.random.key(1), count))
    start, _ = nearest(64 if args.quick else 1000)(Found(g), images, jax.random.key(3))
    options = dict(wander=0.0, samples=SAMPLES, chunk=count)
    cases = (("w", None), ("w", 32), ("w", 64), ("w+", None), ("w+", 32))
    adam_steps, lengths = (4, (1,)) if args.quick else (args.steps, LENGTHS)
    for space, rank in cases[:1] if args.quick else cases:
        how = dict(space=space, rank=rank, **options)
        first = refine(pixel(), optax.adam(0.05), steps=adam_steps, **how)
        half = refine(pixel(), optax.adam(0.05), steps=max(adam_steps // 4, 1), **how)
        named = {f"adam, {adam_steps} steps": first}
        goal = float(jnp.median(first(start, images, jax.random.key(2))[1]["final"]))
        for name, before, solver in (("lm", (), "lm"), ("lm-cg", (), "lm-cg"), ("a quarter, then lm", (half,), "lm")):
            for steps in lengths:
                search = chain(*before, refine(pixel(), steps=steps, solver=solver, **how))
                final = search(start, images, jax.random.key(2))[1]["parts"][-1]["final"]
                if float(jnp.median(final)) <= goal:
                    named[f"{name}, {steps} steps"] = search
                    break
        runs = {name: lambda s=s: s(start, images, jax.random.key(2))[1] for name, s in named.items()}
        last = lambda info: info["parts"][-1]["final"] if "parts" in info else info["final"]
        reached = {name: round(psnr(last(run())), 1) for name, run in runs.items()}
        times = interleave({name: lambda run=run: once(run) for name, run in runs.items()}, args.rounds)
        case = f"image of {args.generator} to Adam's loss in {space}" + (f" along {rank} axes" if rank else "")
        report("inversion", f"{case}, {count} images", per(count, times), psnr_db=reached)


def main() -> None:
    more = (
        ("--generator", dict(default="scenes64", help="of the second part: bundled name or file (scenes64)")),
        ("--images", dict(type=int, default=4, help="of the second part (4)")),
        ("--steps", dict(type=int, default=200, help="of Adam in the second part (200)")),
        ("--part", dict(type=int, choices=(1, 2), help="only this part")),
    )
    args = arguments(__doc__, 5, *more, *FLAGS)
    if args.part != 2:
        image_steps(args, peer(args))
    if args.part != 1:
        equal_loss(args)


if __name__ == "__main__":
    main()
