"""The main job from end to end: images to codes, directions with names, edits that are measured, one page."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import api, directions, inversion, io, losses, metrics
from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.data.scenes import FACTOR_NAMES, Scenes
from jaxgan.data.transforms import to_float
from jaxgan.demo import judge, page
from jaxgan.editing import move, sweep
from jaxgan.features.factors import FactorProbe, decode, encode, factor_probe
from jaxgan.io.atomic import replaced
from jaxgan.latents.stats import moments, std

HESSIAN_AXES = 8  # axes learned for each that is kept: few axes alone would shrink to what changes nothing
HESSIAN_RATE = 0.3  # a basis that turns in a hundred steps
CHUNK = 64  # pictures drawn and read at a time: one compiled program for the whole tour
NEAR = 2e-3  # weight that keeps inverted codes near the population, where directions mean what they mean

Note = Callable[[str], None]
Stage = Callable[[str], AbstractContextManager[Note]]


@dataclass(frozen=True)
class Plan:
    """How much of everything; the defaults take under three minutes on four cores.

    Args:
        scenes: Held-out scenes to invert.
        steps: Steps of inversion.
        k: Directions a method.
        pca: Codes behind the principal components.
        hessian: Steps of learning the Hessian basis.
        codes: Sampled codes on which directions are measured.
        examples: Rendered scenes that the judge learns from.
        judged: Held-out scenes on which the judge is judged.
        samples: Pictures in the grid of samples.
        by: Strengths of the edits, in standard deviations along the direction.
        seed: Fixes every draw.
    """

    scenes: int = 8
    steps: int = 300
    k: int = 8
    pca: int = 20_000
    hessian: int = 100
    codes: int = 16
    examples: int = 4000
    judged: int = 500
    samples: int = 32
    by: tuple[float, ...] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    seed: int = 0


@dataclass
class Story:
    """What the tour found, for the page: plain numbers and NumPy arrays."""

    model: str
    folder: str
    own: bool
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    originals: Any = None
    drawn: Any = None
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    kept: dict[str, float] = field(default_factory=dict)
    samples: Any = None
    probe: dict[str, float] = field(default_factory=dict)
    accuracy: float = 0.0
    rows: list[tuple[judge.Score, Any]] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    by: tuple[float, ...] = ()
    timings: list[tuple[str, float]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


@contextmanager
def quiet(title: str) -> Iterator[Note]:
    yield lambda words: None


def tour(
    g: Generator,
    out: str | Path,
    *,
    model: str = "scenes64",
    images: str | Path | None = None,
    plan: Plan | None = None,
    stage: Stage = quiet,
) -> Path:
    """Run the main job with a generator of scenes and write it down as a page.

    Args:
        g: Generator of colour images with a space "w+".
        out: Folder; what the tour writes there replaces what an earlier one wrote, other files stay.
        model: What the page calls the generator in its commands.
        images: A folder of the reader's own pictures, instead of held-out scenes.
        plan: How much of everything.
        stage: `with stage(title) as note:` surrounds every stage; `note(words)` says what came out.

    Returns:
        The page, `out/index.html`.

    Raises:
        ValueError: The generator has no "w+" or draws grey, or no picture can be read.
        FileNotFoundError: The folder does not exist or holds no picture.
    """
    plan, out = plan or Plan(), Path(out)
    if "w+" not in g.spaces or g.arch.channels != 3:
        raise ValueError(
            f"The demo needs a generator of colour images with 'w+'; {model} draws {g.arch.channels} channels and "
            f"offers {', '.join(g.spaces)}."
        )
    story = Story(model, out.as_posix(), images is not None, by=plan.by)
    keys = dict(zip(("invert", "find", "measure", "samples"), jax.random.split(jax.random.key(plan.seed), 4)))

    @contextmanager
    def timed(title: str) -> Iterator[Note]:
        began = time.monotonic()
        with stage(title) as note:
            yield note
        story.timings.append((title, time.monotonic() - began))

    with timed("Read the pictures") as note:  # first, so that mistakes are told at once
        factors = pictures(g, story, images, plan)
        note("; ".join([f"{len(story.names)} pictures", *story.notes]))
    out.mkdir(parents=True, exist_ok=True)
    with timed("Fit the judge") as note:
        probe = factor_probe(g.resolution, plan.examples, plan.judged)
        story.probe, story.accuracy = dict(probe.scores), probe.accuracy
        low, high = min(story.probe.values()), max(story.probe.values())
        note(f"R2 {low:.2f} to {high:.2f}, {probe.accuracy:.1%} of the shapes right")
    with timed("Draw samples") as note:
        code = g.to(g.sample(keys["samples"], plan.samples), "w+")
        story.samples = look(g, probe, code)[0]
        note(f"{plan.samples} pictures")
    with timed("Invert") as note:
        found = invert(g, story.originals, keys["invert"], plan)
        story.drawn, read = look(g, probe, found)
        story.psnr, story.ssim = (
            [float(v) for v in figure(jnp.asarray(story.drawn), jnp.asarray(story.originals))]
            for figure in (metrics.psnr, metrics.ssim)
        )
        if factors is not None:
            story.kept = kept(encode(factors), read, dict(probe.spreads))
        note(f"{len(found)} images at PSNR {np.mean(story.psnr):.1f} dB, SSIM {np.mean(story.ssim):.2f}")
    sets = {}
    for i, (name, finder) in enumerate(finders(g, plan).items()):
        with timed(f"Find directions: {name}") as note:
            wide = plan.k if name != "hessian" else min(HESSIAN_AXES * plan.k, g.arch.shape("w")[0])
            sets[name] = api.discover(g, finder, jax.random.fold_in(keys["find"], i), wide)[: plan.k]
            jax.block_until_ready(sets[name].scales)
            note(f"{len(sets[name])} directions")
    with timed("Name the directions") as note:
        sets, scores = name_all(g, probe, sets, keys["measure"], plan, story)
        sure = {score.name for score in scores} - {judge.MIXED}
        note(f"{len(sure)} of {len(FACTOR_NAMES)} factors have a direction of their own")
    with timed("Edit") as note:
        story.edits = edits(g, probe, found, sets, scores, plan)
        moved = sum(edit["moved"] for edit in story.edits)
        note(f"{moved} of {len(story.edits) * len(found)} edits moved their factor")
    story.facts = {
        "Device": f"{jax.devices()[0].device_kind}",
        "System": f"{platform.system()} {platform.machine()}",
        "Versions": f"Python {platform.python_version()}, JAX {jax.__version__}, jaxgan {version('jaxgan')}",
        "Generator": f"{g.arch.name}, {g.resolution}x{g.resolution}, "
        f"{sum(x.size for x in jax.tree.leaves(g.params)):,} parameters",
    }
    write(out, story, g, found, sets)
    return out / "index.html"


def pictures(g: Generator, story: Story, images: str | Path | None, plan: Plan):
    """Put the originals into the story; return their factors [N, F] where they are known."""
    if images is None:
        scenes = Scenes(g.resolution, length=plan.scenes, split="heldout")
        story.originals = to_float(np.stack([scenes[i]["image"] for i in range(plan.scenes)]))
        story.names = [f"scene {i + 1}" for i in range(plan.scenes)]
        return scenes.factors(np.arange(plan.scenes))
    story.originals, story.names, left_out = io.read_images(images, g.resolution)
    story.notes = [f"left out {note}" for note in left_out]
    story.notes.append(f"cropped to their centre squares, drawn at {g.resolution}x{g.resolution}")
    return None


def look(g: Generator, probe: FactorProbe, code: Code) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw codes of "w+" and read the pictures, `CHUNK` at a time; the last chunk is filled up."""
    n = len(code)
    drawn, rows = [], []
    for start in range(0, n, CHUNK):
        some = jnp.minimum(jnp.arange(start, start + CHUNK), n - 1)
        picture, read = seen(g, probe, code.value[some])
        drawn.append(np.asarray(picture)[: n - start])
        rows.append({name: np.asarray(block)[: n - start] for name, block in read.items()})
    return np.concatenate(drawn), {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}


@jax.jit
def seen(g: Generator, probe: FactorProbe, value):
    picture = jnp.clip(g(Code(value, "w+")), -1, 1)
    return picture, probe(picture)


def invert(g: Generator, originals, key, plan: Plan) -> Code:
    """Find codes in "w+", kept near the population so that directions found there mean the same here."""
    spread = std(moments(g, key, "w"))
    objective = losses.perceptual() + losses.pixel() + NEAR * losses.near_mean_w(spread)
    how = inversion.refine(objective, optax.adam(0.1), plan.steps, "w+")
    code = api.invert(g, originals, how, key)[0].code
    assert code is not None  # what refine returns has one
    return code


def finders(g: Generator, plan: Plan) -> dict[str, Callable]:
    """The three ways; the Hessian is taken of a middle activation, which costs a third of the image."""
    blocks = [tap for tap in g.arch.taps if tap.startswith("b") and "_" not in tap]
    middle = blocks[len(blocks) // 2] if blocks else "image"
    return {
        "pca": directions.pca("w", plan.pca),
        "sefa": directions.sefa(),
        "hessian": directions.hessian(plan.hessian, space="w", tap=middle, batch=4, lr=HESSIAN_RATE),
    }


def ranges(g: Generator) -> tuple[tuple[int, ...] | None, ...]:
    """Rows of w+ that a direction may move: all, or one or two adjacent thirds of them."""
    count = g.arch.shape("w+")[0]
    marks = [0, count // 3, 2 * count // 3, count]
    pairs = ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    return None, *(tuple(range(marks[i], marks[j])) for i, j in pairs if marks[i] < marks[j])


def name_all(g, probe: FactorProbe, sets: dict[str, Directions], key, plan: Plan, story: Story):
    """Measure all directions, name them, and draw a strip of the same code for each."""
    code = g.to(g.sample(key, plan.codes), "w+")
    read, spreads = lambda moved: look(g, probe, moved)[1], dict(probe.spreads)
    measured = {name: judge.rescore(g, code, found, read, spreads, ranges=ranges(g)) for name, found in sets.items()}
    sets = {name: judge.named(found, measured[name]) for name, found in sets.items()}
    strips = []
    for name, found in sets.items():
        for score in measured[name]:
            along = sweep(lambda by, d=found[score.index], rows=score.layers: move(d, by, rows), jnp.array(plan.by))
            strips.append(along(g, code[:1]).value)
    drawn = look(g, probe, Code(jnp.concatenate(strips), "w+"))[0].reshape(len(strips), len(plan.by), *code_shape(g))
    scores = [score for some in measured.values() for score in some]
    story.rows = list(zip(scores, drawn, strict=True))
    return sets, scores


def code_shape(g: Generator) -> tuple[int, int, int]:
    return g.resolution, g.resolution, g.arch.channels


def edits(g, probe: FactorProbe, found: Code, sets, scores, plan: Plan) -> list[dict[str, Any]]:
    """Edit the inverted codes along the best direction of each factor, and read how far the factor moved."""
    chosen = judge.best(scores, FACTOR_NAMES)
    along = {
        factor: sweep(
            lambda by, d=sets[score.method][score.index], rows=score.layers: move(d, by, rows), jnp.array(plan.by)
        )(g, found)
        for factor, score in chosen.items()
    }
    values = jnp.concatenate([code.value for code in along.values()])
    drawn, read = look(g, probe, Code(values, "w+"))
    count, n, spreads = len(plan.by), len(found), dict(probe.spreads)
    drawn = drawn.reshape(len(chosen), count, n, *code_shape(g))
    read = {name: block.reshape(len(chosen), count, n, -1) for name, block in read.items()}
    noise = {name: np.sqrt(max(0.0, 1 - score)) for name, score in probe.scores}
    story = []
    for i, (factor, score) in enumerate(chosen.items()):
        ends = {name: judge.size(b[i, -1] - b[i, 0]) / spreads[name] for name, b in read.items()}  # [N] each
        others = {name: float(v.mean()) for name, v in ends.items() if name != factor}
        block = read[factor][i]  # [V, N, B]
        needed = max(judge.FAINT, 2 * noise[factor])
        story.append(
            {
                "factor": factor,
                "score": score,
                "drawn": drawn[i].swapaxes(0, 1),  # [N, V, H, W, C]
                "readings": decode({factor: block.reshape(count * n, -1)})[factor].reshape(count, n).T,  # [N, V]
                "change": [float(v) for v in ends[factor]],
                "mean": float(ends[factor].mean()),
                "needed": needed,
                "moved": int((ends[factor] > needed).sum()),
                "other": max(others.items(), key=lambda pair: pair[1]),
            }
        )
    return story


def kept(truth, read, spreads) -> dict[str, float]:
    """Mean distance of the readings of reconstructions from the truth, in standard deviations of each factor."""
    return {name: float(judge.size(read[name] - truth[name]).mean() / spreads[name]) for name in truth}


def write(out: Path, story: Story, g: Generator, found: Code, sets: dict[str, Directions]) -> None:
    """Write the files that commands can go on with, the figures, and last the page."""
    host = partial(jax.tree.map, np.asarray)
    io.save(host(found), out / "codes.safetensors", {"images": story.names})
    for name, some in sets.items():
        io.save(host(some), out / f"{name}.safetensors", {"model": story.model})
    figures = {
        "model": story.model,
        "images": [
            {"image": name, "psnr": psnr, "ssim": ssim}
            for name, psnr, ssim in zip(story.names, story.psnr, story.ssim, strict=True)
        ],
        "kept": story.kept,
        "judge": {"r2": story.probe, "shape_accuracy": story.accuracy},
        "directions": [
            {
                "method": s.method,
                "index": s.index,
                "name": s.name,
                "layers": s.layers,
                "share": s.share(s.top),
                "changes": s.changes,
            }
            for s, _ in story.rows
        ],
        "edits": [
            {"factor": e["factor"], "direction": f"{e['score'].method}{e['score'].index}", "change": e["change"]}
            for e in story.edits
        ],
        "seconds": dict(story.timings),
        "notes": story.notes,
        "facts": story.facts,
    }
    for name, text in (("figures.json", json.dumps(figures, indent=2) + "\n"), ("index.html", page.written(story))):
        with replaced(out / name) as path:
            Path(path).write_text(text, encoding="utf-8")
