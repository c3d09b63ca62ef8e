"""jaxgan discover: find directions of a latent space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

# What each method can be told.
METHODS = {
    "pca": ("space", "samples", "tap"),
    "sefa": ("layers", "samples"),
    "hessian": ("space", "tap", "steps"),
    "jacobian": ("space", "tap", "samples"),
    "native": ("samples",),
}

HELP = """Find directions of a latent space, and draw what they do: one row of the picture for each direction.

pca (GANSpace): where the population varies most. sefa: what the first layers amplify most, in closed form.
hessian (Hessian Penalty): axes that do not interact. jacobian: what changes the images most.
native: what the family has learned itself (EigenGAN).

examples:
  jaxgan discover scenes64 --method pca --k 10 --out pca.safetensors
  jaxgan discover scenes64 --method sefa --layers 0-3
  jaxgan discover network.pkl --method hessian --steps 2000 --by -2:2:9"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    method: Annotated[Literal["pca", "sefa", "hessian", "jacobian", "native"], arg(help="How to search.")] = "pca"
    k: Annotated[int, arg(help="Number of directions.")] = 10
    space: Annotated[str | None, arg(metavar="SPACE", help="Space of the directions; w where there is one.")] = None
    samples: Annotated[int | None, arg(metavar="INT", help="Codes that are looked at.")] = None
    layers: Annotated[str | None, arg(metavar="0-3,7", help="Layers that count and move (sefa).")] = None
    tap: Annotated[str | None, arg(metavar="TAP", help="Activation that is looked at; see jaxgan info MODEL.")] = None
    steps: Annotated[int | None, arg(metavar="INT", help="Steps of learning (hessian).")] = None
    seed: Annotated[int, arg(help="Fixes every draw, and the code of the picture.")] = 0
    by: Annotated[str, arg(metavar="-3:3:7", help="Strengths of the picture, in standard deviations.")] = "-3:3:7"
    psi: Annotated[float, arg(help="Truncation of the picture's code.")] = 0.7
    out: Annotated[Path | None, arg(metavar="FILE", help="METHOD.safetensors if None; the picture lies beside.")] = None
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan discover", HELP)
    given = {name: getattr(options, name) for names in METHODS.values() for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    wrong = [name for name in given if name not in METHODS[options.method]]
    if wrong:
        takes = ", ".join(f"--{name}" for name in METHODS[options.method])
        raise words.Mistake(f"--{wrong[0]} is not for --method {options.method}, which takes {takes}")
    if "layers" in given:
        given["layers"] = words.numbers(given["layers"], "layers")
    by = words.steps(options.by)
    out = options.out or Path(f"{options.method}.safetensors")
    if out.suffix != ".safetensors":
        raise words.Mistake(f"--out is {out}; directions are written as .safetensors")
    picture = out.with_suffix(".png")
    words.unwritten([out, picture], options.overwrite)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, directions, io
    from jaxgan.editing import move, sweep
    from jaxgan.latents.walks import seeded

    g = models.generator(options.model)
    found = api.discover(g, getattr(directions, options.method)(**given), jax.random.key(options.seed), options.k)
    io.save(found, out, {"model": options.model, "command": " ".join(["jaxgan discover", *args])})
    code, psi = seeded(g, [options.seed]), options.psi if g.arch.truncates else None
    if found.space != code.space:
        code, psi = g.to(code, found.space, psi=psi), None
    strengths = jnp.array(by)
    rows = [
        np.stack(list(models.drawn(g, sweep(lambda s, d=d: move(d, s), strengths)(g, code), psi=psi)))
        for d in each(found)
    ]
    io.save_grid(picture, np.concatenate(rows), len(by))
    for name, scale in zip(found.names, np.asarray(found.scales), strict=True):
        words.say(f"{name:<12}standard deviation {scale:.4g}")
    words.say(f"{len(found)} directions of {found.space!r} in {out}, {picture}")


def each(found):
    """Return directions one by one."""
    return [found[i] for i in range(len(found))]
