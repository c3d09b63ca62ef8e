"""Time inversion: an image-step of Adam at several micro-batches, and Levenberg-Marquardt against Adam to equal PSNR.

The images are drawn by the generator itself from codes that the inversion does not see, so that an exact answer
exists. `ms` is the time of one step of one image in the first part, and of one whole image in the second.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from _timing import arguments, interleave, once, report

import jaxgan as jg
from jaxgan.inversion import Found, refine
from jaxgan.losses.reconstruct import pixel

SAMPLES = 64  # behind the mean, from which every search starts


def psnr(loss):
    """Of images in [-1, 1]: the median over images of 10 log10(4 / mse)."""
    return float(jnp.median(10 * jnp.log10(4 / jnp.maximum(loss, 1e-12))))


def per(count: int, times):
    return {name: [(wall / count, cpu / count) for wall, cpu in spent] for name, spent in times.items()}


def first_call(run) -> float:
    return round(once(run)[0] / 1e3, 2)


def main() -> None:
    args = arguments(__doc__, 5)
    resolution, base, width, count, steps = (16, 128, 8, 2, 2) if args.quick else (64, 4096, 512, 8, 4)

    g = jg.models.stylegan2.arch(resolution, channel_base=base, z_dim=width, w_dim=width).init(jax.random.key(0))
    images = g(g.sample(jax.random.key(1), count))
    sizes = [c for c in (1, 2, 4, 8) if c <= count]
    runs, seconds = {}, {}
    for size in sizes:
        search = refine(pixel(), steps=steps, space="w+", chunk=size, samples=SAMPLES)
        runs[f"chunk {size}"] = lambda search=search: search(Found(g), images, jax.random.key(2))[1]
        seconds[f"chunk {size}"] = first_call(runs[f"chunk {size}"])
    times = interleave({name: lambda run=run: once(run) for name, run in runs.items()}, args.rounds)
    case = f"image-step of Adam in w+, {count} images, {resolution} px, channel base {base}"
    report("inversion", case, per(count * steps, times), first_call_s=seconds)

    # A space narrow enough to solve in: the family of small data, 32 dimensions.
    resolution, base, width, count, goal = (16, 128, 8, 2, 20.0) if args.quick else (64, 1024, 32, 4, 40.0)
    arch = jg.models.stylegan2.arch(resolution, channel_base=base, z_dim=width, w_dim=width, mapping_layers=2)
    g = arch.init(jax.random.key(0))
    images = g(g.sample(jax.random.key(1), count))
    ways, reached, seconds = {}, {}, {}
    for solver, lengths in (("lm", (4, 8, 16)), ("adam", (50, 100, 200, 400))):
        for steps in lengths:
            search = refine(pixel(), steps=steps, space="w", solver=solver, chunk=1, samples=SAMPLES)
            run = lambda search=search: search(Found(g), images, jax.random.key(2))[1]
            spent = first_call(run)
            quality = psnr(run()["final"])
            if quality >= goal:
                break
        name = f"{solver}, {steps} steps"
        ways[name] = lambda run=run: once(run)
        reached[name], seconds[name] = round(quality, 1), spent
    case = f"image to {goal:g} dB in w, {width} unknowns, {count} images, {resolution} px, channel base {base}"
    times = per(count, interleave(ways, args.rounds))
    report("inversion", case, times, psnr_db=reached, first_call_s=seconds)


if __name__ == "__main__":
    main()
