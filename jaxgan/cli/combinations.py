"""What `jaxgan combine` makes, a function for each task: from codes to images, and to codes where these say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxgan.cli import given, models, words

if TYPE_CHECKING:
    from jaxgan.cli.combine import Options
    from jaxgan.core import Code, Generator


class Made(NamedTuple):
    """What a task made: images [N, H, W, C] for a picture with so many columns, and codes where they are codes."""

    images: Any
    columns: int
    code: Code | None = None


def mask(options: Options, g: Generator):
    """Return the mask of --box."""
    return models.box(str(options.box), g.resolution, options.soft)


def taps(options: Options, g: Generator) -> tuple[str, ...] | None:
    """Return the taps up to --until."""
    if options.until is None:
        return None
    side = lambda tap: int(found[1]) if (found := re.match(r"[a-z]+(\d+)", tap)) else 0
    chosen = tuple(tap for tap in g.arch.taps if side(tap) <= options.until)
    if not chosen:
        raise words.Mistake(f"--until is {options.until}; {g.arch.name} begins at {min(map(side, g.arch.taps))}")
    return chosen


def beside(g: Generator, code: Code, *more) -> Made:
    """Return the codes' own images followed by what was made of them, in one row."""
    images = np.concatenate([np.stack(list(models.drawn(g, code))), *map(np.asarray, more)])
    return Made(images, len(images))


def morph(options: Options, g: Generator, code: Code) -> Made:
    import jax.numpy as jnp

    from jaxgan.editing import morph, sweep

    by = jnp.array(words.steps(options.by or "0:1:7"))
    a, b = code[np.arange(len(code) - 1)], code[np.arange(1, len(code))]
    way = sweep(lambda t: morph(b, t, options.path), by)(g, a)
    way = way[np.arange(len(by) * len(a)).reshape(len(by), -1).T.reshape(-1)]  # a row for each pair
    return Made(np.stack(list(models.drawn(g, way))), len(by), way)


def expression(options: Options, g: Generator, code: Code) -> Made:
    import jax.numpy as jnp

    from jaxgan.editing import sweep, transfer

    by = jnp.array(words.steps(options.by or "0,0.5,1,1.5"))
    found = sweep(lambda t: transfer(code[1], code[2], t, options.path), by)(g, code[0])
    rows = np.concatenate([np.stack(list(models.drawn(g, part))) for part in (code[1:], found)])
    return Made(rows, len(rows), found)


def style(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import mix

    found = mix(code[1], words.numbers(str(options.layers), "layers"))(g, code[0])
    return beside(g, code, g(found))._replace(code=found)


def crossover(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.inversion import crossover

    ground, other = pair(g, code)
    how = crossover(other, mask(options, g), given.objective(), options.steps, noise_steps=options.noise)
    return merged(options, g, code, how, ground)


def diffusion(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.inversion import diffusion

    ground, other = pair(g, code)
    return merged(options, g, code, diffusion(other, mask(options, g), given.objective(), options.steps), ground)


def pair(g: Generator, code: Code):
    """Draw two codes, within the range of images."""
    import jax.numpy as jnp

    return jnp.clip(g(code[0]), -1, 1), jnp.clip(g(code[1]), -1, 1)


def merged(options: Options, g: Generator, code: Code, how, ground) -> Made:
    import jax

    from jaxgan import api

    found = api.invert(g, ground, how, jax.random.key(options.seed))[0]
    return beside(g, code, found.images())._replace(code=found.code)


def swap(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import blend, swap

    other = models.generator(str(options.other))
    own, last = np.stack(list(models.drawn(g, code))), g.arch.stages[-1].source
    if options.layers is not None:
        # The codes keep their styles: what is exchanged is what draws from them.
        mixed = swap(g, other, options.layers.split(","))
        rows = [own, np.asarray(mixed(g.to(code, last))), np.asarray(other(g.to(code, last)))]
    else:
        styles = g.to(code, last)
        at = words.steps(str(options.by))
        if g.arch != other.arch:
            raise words.Mistake(f"{options.model} and {options.other} differ in architecture; layers do not fit")
        rows = [np.asarray(blend(t)([g, other], styles, styles)) for t in at]
    return Made(np.concatenate(rows), len(code))


def blend(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import blend, ramp

    where = ramp(g.resolution, g.resolution, options.ramp) if options.box is None else mask(options, g)
    return beside(g, code, blend(where, taps=taps(options, g))(g, code[0], code[1]))


def attribute(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import attribute

    share = words.numbers(options.share, "rows") if options.share else ()
    return beside(g, code, attribute(mask(options, g), taps(options, g), share=share)(g, code[0], code[1]))


def widen(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import widen

    return Made(widen(options.width, options.height, options.mode, options.at)(g, code), 1)


def shift(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import shift

    where = 1.0 if options.box is None else mask(options, g)
    own, made = np.stack(list(models.drawn(g, code))), shift(options.down, options.right, where, options.at)(g, code)
    return Made(np.concatenate([own, np.asarray(made)]), len(code))


def panorama(options: Options, g: Generator, code: Code) -> Made:
    from jaxgan.editing import panorama

    return Made(panorama(options.fading, options.window)(g, code), 1)
