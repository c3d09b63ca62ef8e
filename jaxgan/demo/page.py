"""The page of the demonstration: one HTML file with its pictures and styles inside, and nothing from elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from jaxgan.data.scenes import FACTOR_NAMES, FACTOR_RANGES, SHAPES
from jaxgan.demo import judge
from jaxgan.demo.sheet import document, picture, tiles
from jaxgan.features.factors import CIRCULAR
from jaxgan.io.images import grid

if TYPE_CHECKING:
    from jaxgan.demo.stages import Story

SHOWN = 4  # edited images in sight; the others unfold
WORDS = {"floor_hue": "floor hue", "x": "x (left to right)"}
METHODS = {
    "pca": ("GANSpace", "principal components of w: where the population varies most"),
    "sefa": ("SeFa", "eigenvectors of the weights that read w, in closed form"),
    "hessian": ("Hessian penalty", "a learned basis whose axes do not interact"),
}

STYLE = """
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.4rem, 7.3rem)); gap: .9rem; margin-top: 1rem; }
.pairs figure { overflow-wrap: anywhere; }
.pairs img { width: 100%; }
.pairs img + img { margin-top: 3px; }
.samples { margin-top: 1rem; }
.samples img { width: 100%; }
td.strip { padding-left: .8rem; }
td.strip img { width: 27rem; min-width: 20rem; border-radius: 4px; }
td.cell { min-width: 2.9rem; border-radius: 3px; }
.name { font-weight: 600; }
.mixed { color: var(--soft); font-style: italic; font-weight: 400; }
.star { color: var(--accent); }
.group td { border-top: 0; padding-top: 1.3rem; text-align: left; }
.edits { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem;
  margin-top: 1rem; }
.card header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
.card img { width: 100%; margin-top: .6rem; border-radius: 4px; }
.card svg { display: block; width: 100%; height: auto; margin-top: .6rem; }
.scale { display: flex; justify-content: space-between; padding: 0 4.5%; color: var(--soft); font-size: .72rem; }
svg text { fill: var(--soft); font-size: 9px; }
svg .axis { stroke: var(--line); }
svg .way { fill: none; stroke: var(--accent); stroke-width: 1.2; opacity: .55; }
.meter { display: grid; grid-template-columns: 9rem 1fr 3.2rem; gap: .15rem .8rem; align-items: center;
  max-width: 34rem; margin-top: .8rem; font-size: .85rem; font-variant-numeric: tabular-nums; }
.meter.wide { grid-template-columns: 13rem 1fr 4rem; margin-bottom: 1.5rem; }
.meter i { display: block; height: .5rem; border-radius: 3px; background: rgba(var(--bar), .75); }
.meter span:nth-child(3n) { text-align: right; }
.note { border-left: 3px solid var(--accent); padding-left: .8rem; }
"""


def written(story: Story) -> str:
    """Return the page."""
    parts = [head(story), inverted(story), sampled(story), judged(story), discovered(story), edited(story)]
    return document(f"jaxgan: {story.model}", [*parts, commands(story), spent(story)], STYLE)


def head(story: Story) -> str:
    what = "your pictures" if story.own else f"{len(story.names)} rendered scenes that it never saw"
    sure = [score.name for score, _ in story.rows if score.name != judge.MIXED]
    moved, edits = sum(e["moved"] for e in story.edits), len(story.edits) * len(story.names)
    shown = [
        (f"{np.mean(story.psnr):.1f} dB", f"mean PSNR of {len(story.names)} reconstructions"),
        (f"{len(set(sure))} of {len(FACTOR_NAMES)}", "factors that a direction was named after"),
        (f"{moved} of {edits}", "edits that moved their factor"),
        (f"{sum(s for _, s in story.timings):.0f} s", "for everything on this page"),
    ]
    notes = "".join(f'<p class="small soft note">{escape(note[0].upper() + note[1:])}.</p>' for note in story.notes)
    return (
        f"<h1>From pictures to edited pictures</h1>\n<p>The generator <b>{escape(story.model)}</b> was asked to draw "
        f"{what}: their codes were found by inversion. Then directions of its latent space were found in three ways, "
        "none of which knows what a shape or a hue is. A judge that does know measured what each direction changes and "
        "named it. Last, the codes were moved along the best ones.</p>\n"
        f"{notes}\n{tiles(shown)}"
    )


def inverted(story: Story) -> str:
    figures = []
    for i, name in enumerate(story.names):
        pair = picture(story.originals[i], f"{name}, original") + picture(story.drawn[i], f"{name}, reconstruction")
        caption = f"{escape(name)}<br>{story.psnr[i]:.1f} dB<br>SSIM {story.ssim[i]:.2f}"
        figures.append(f"<figure>{pair}<figcaption>{caption}</figcaption></figure>")
    kept = ""
    if story.kept:
        said = ", ".join(f"{words(name)} {value:.2f}" for name, value in story.kept.items())
        kept = (
            '<p class="small soft">Read from the reconstructions, the factors lie this far from those that the scenes '
            f"were rendered with (in standard deviations of each factor): {said}.</p>"
        )
    return (
        "<h2>Inverted</h2>\n<p>Above each original, below what the generator draws from the code that was found. The "
        'code has one row for each layer (<i>w+</i>); the weights did not change.</p>\n<div class="pairs">'
        + "".join(figures)
        + f"</div>\n{kept}"
    )


def sampled(story: Story) -> str:
    columns = 16 if len(story.samples) >= 16 else len(story.samples)
    return (
        "<h2>Samples</h2>\n<p>What the generator draws from random codes, not picked and not truncated.</p>\n"
        f'<div class="samples">{picture(grid(story.samples, columns), "random samples")}</div>'
    )


def judged(story: Story) -> str:
    rows = "".join(
        f'<span>{words(name)}</span><i style="width:{100 * max(0.0, score):.1f}%"></i><span>{score:.3f}</span>'
        for name, score in story.probe.items()
    )
    return (
        "<h2>The judge</h2>\n<p>A kernel regression that learned from rendered scenes to read their factors. Here is "
        "the share of each factor's variance that it explains on scenes it has not seen (R<sup>2</sup>); it tells the "
        f"four shapes apart in {story.accuracy:.1%} of them. What it says about generated pictures is as good as they "
        f'are scenes.</p>\n<div class="meter">{rows}</div>'
    )


def discovered(story: Story) -> str:
    chosen = {(e["score"].method, e["score"].index) for e in story.edits}
    heads = "".join(f"<th>{words(name, short=True)}</th>" for name in FACTOR_NAMES)
    body, method = [], None
    for score, strip in story.rows:
        if score.method != method:
            method = score.method
            title, what = METHODS.get(method, (method, ""))
            body.append(
                f'<tr class="group"><td colspan="{4 + len(FACTOR_NAMES)}"><h3>{title}</h3>'
                f'<span class="small soft">{what}</span></td></tr>'
            )
        cells = "".join(
            f'<td class="cell" style="background:rgba(var(--bar),{min(0.75, 0.38 * score.changes[name]):.2f})">'
            f"{score.changes[name]:.1f}</td>"
            for name in FACTOR_NAMES
        )
        star = ' <span class="star" title="edits below use it">●</span>' if (method, score.index) in chosen else ""
        style = "mixed" if score.name == judge.MIXED else "name"
        body.append(
            f'<tr><td class="left">{method} {score.index}{star}</td><td class="left"><span class="{style}">'
            f'{words(score.name, short=True)}</span><br><span class="small soft">{layers(score)}</span></td>'
            f"<td>{score.share(score.top):.0%}</td>{cells}"
            f'<td class="strip">{picture(strip_of(strip), f"{method} {score.index} from left to right")}</td></tr>'
        )
    return (
        "<h2>Directions, named by what they change</h2>\n<p>Sampled codes were moved to two standard deviations on "
        "either side. A number is the mean distance between the judge's readings of the two ends, in standard "
        "deviations of that factor among scenes. A direction is named after the factor that it changes most, if that "
        f"is at least {judge.FAINT} and {judge.DOMINANT} times the next; otherwise it is honestly <i>mixed</i>. The "
        "share is how exclusive it is: that factor's part of all squared changes. Each may act on all layers or on one "
        "or two thirds of them, coarse, middle or fine, whichever names it best. "
        '<span class="star">●</span> marks those that the edits below use.</p>\n<div class="scroll"><table>'
        f'<thead><tr><th class="left">direction</th><th class="left">name</th><th>share</th>{heads}'
        f"<th>from {signed(story.by[0])} to {signed(story.by[-1])} standard deviations</th></tr></thead><tbody>"
        + "".join(body)
        + "</tbody></table></div>"
    )


def edited(story: Story) -> str:
    marks = "".join(f"<span>{signed(by)}</span>" for by in story.by)
    cards = []
    for e in story.edits:
        score, drawn = e["score"], e["drawn"]
        other, much = e["other"]
        doubt = "" if score.name == e["factor"] else " No direction is named after this factor; this one comes nearest."
        count = len(drawn)
        rest = ""
        if count > SHOWN:
            rest = (
                f"<details><summary>{count - SHOWN} more</summary>"
                f"{picture(rows_of(drawn[SHOWN:]), 'more of this edit')}</details>"
            )
        cards.append(
            f'<section class="card"><header><h3>{words(e["factor"])}</h3><span class="small soft">{score.method} '
            f"{score.index}, {layers(score)}</span></header>"
            f'<p class="small">Moved by {e["mean"]:.1f} standard deviations from end to end, in {e["moved"]} of '
            f"{count} images by more than {e['needed']:.1f}. Largest side effect: {words(other, short=True)}, "
            f"{much:.1f}.{doubt}</p>"
            f"{picture(rows_of(drawn[:SHOWN]), 'edit of ' + e['factor'])}"
            f'<div class="scale">{marks}</div>{rest}{chart(e["factor"], story.by, e["readings"])}</section>'
        )
    whose = "your pictures" if story.own else "the scenes"
    return (
        f"<h2>Edited</h2>\n<p>The codes of {whose}, moved along the best direction for each factor; in the middle "
        "column nothing is changed. The chart shows the factor as the judge reads it, one line an image.</p>\n"
        f'<div class="edits">{"".join(cards)}</div>'
    )


def commands(story: Story) -> str:
    first = next((e["score"] for e in story.edits if e["score"].name == e["factor"]), story.edits[0]["score"])
    model, file = shlex.quote(story.model), f"{story.folder}/{first.method}.safetensors"
    rows = "" if first.layers is None else f" --layers {first.layers[0]}-{first.layers[-1]}"
    rows_py = "" if first.layers is None else f", layers=range({first.layers[0]}, {first.layers[-1] + 1})"
    shell = (
        f"jaxgan invert {model} pictures/ --out inverted\n"
        f"jaxgan edit {model} --codes inverted/codes.safetensors --directions {shlex.quote(file)} "
        f"--index {first.index}{rows} --out edited\n"
        f"jaxgan discover {model} --method jacobian --k 20    # a fourth way"
    )
    code = (
        "import jax, jaxgan as jg\n\n"
        f"g, axes = jg.load({story.model!r}), jg.load({file!r})\n"
        'images, names, notes = jg.io.read_images("pictures", g.resolution)\n'
        'how = jg.inversion.refine(jg.losses.perceptual(), steps=300, space="w+")\n'
        "found, info = jg.invert(g, images, how, jax.random.key(0))\n"
        f"edited = g(jg.edit(g, found.code, jg.editing.move(axes[{first.index}], by=2.0{rows_py})))"
    )
    return (
        "<h2>Do the same</h2>\n<p>As commands, or as Python, with the direction "
        f"<b>{first.method} {first.index}</b> ({words(first.name, short=True)}). Beside this page lie "
        "<code>codes.safetensors</code>, the directions of each method with their names, and "
        f"<code>figures.json</code>.</p>\n<pre>{escape(shell)}</pre>\n<pre>{escape(code)}</pre>"
    )


def spent(story: Story) -> str:
    total = sum(seconds for _, seconds in story.timings)
    rows = "".join(
        f'<span>{escape(title)}</span><i style="width:{100 * seconds / max(total, 1e-9):.1f}%"></i>'
        f"<span>{seconds:.1f} s</span>"
        for title, seconds in story.timings
    )
    facts = "<br>".join(f"{escape(name)}: {escape(value)}" for name, value in story.facts.items())
    return (
        f"<h2>Time</h2>\n<p>{total:.0f} seconds, with the compilation of what was not in the cache.</p>\n"
        f'<div class="meter wide">{rows}</div>\n<p class="small soft">{facts}</p>'
    )


def chart(factor: str, by: Iterable[float], readings: np.ndarray) -> str:
    """Draw readings [N, V] over strengths [V] as lines; hues as dots of their colour, shapes at their names."""
    width, height, left, foot = 420.0, 110.0, 46.0, 14.0
    strengths = np.asarray(list(by), float)
    across = left + (strengths - strengths[0]) / max(np.ptp(strengths), 1e-9) * (width - left - 8)
    low, high = FACTOR_RANGES[factor]
    if factor not in CIRCULAR and factor != "shape":
        low, high = min(low, float(readings.min())), max(high, float(readings.max()))
    pad = 0.06 * (high - low)
    up = lambda v: 6 + (high + pad - v) / (high - low + 2 * pad) * (height - foot - 6)
    marks = (
        list(enumerate(SHAPES))
        if factor == "shape"
        else [(v, f"{v:.2g}") for v in np.linspace(*FACTOR_RANGES[factor], 3)]
    )
    drawn = [
        f'<line class="axis" x1="{left}" x2="{width - 8}" y1="{up(v):.1f}" y2="{up(v):.1f}"/>'
        f'<text x="{left - 6}" y="{up(v) + 3:.1f}" text-anchor="end">{text}</text>'
        for v, text in marks
    ]
    drawn += [
        f'<text x="{x:.1f}" y="{height - 2}" text-anchor="middle">{signed(b)}</text>' for x, b in zip(across, strengths)
    ]
    for row in readings:
        if factor not in CIRCULAR:
            points = " ".join(f"{x:.1f},{up(v):.1f}" for x, v in zip(across, row, strict=True))
            drawn.append(f'<polyline class="way" points="{points}"/>')
        for x, v in zip(across, row, strict=True):
            paint = f"hsl({360 * v:.0f} 75% 50%)" if factor in CIRCULAR else "var(--accent)"
            drawn.append(f'<circle cx="{x:.1f}" cy="{up(v):.1f}" r="2.6" fill="{paint}"/>')
    label = f"{words(factor)} as read by the judge over the strength of the edit"
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def words(name: str, short: bool = False) -> str:
    """How a factor is called on the page."""
    return name.replace("_", " ") if short else WORDS.get(name, name)


def signed(number: float) -> str:
    """Write a strength with its sign; 0 has none."""
    return f"{number:+g}".replace("-", "\N{MINUS SIGN}") if number else "0"


def layers(score: judge.Score) -> str:
    """Which layers a direction moves, in words."""
    return "all layers" if score.layers is None else f"layers {score.layers[0]} to {score.layers[-1]}"


def strip_of(images: np.ndarray) -> np.ndarray:
    return grid(images, len(images))


def rows_of(images: np.ndarray) -> np.ndarray:
    """Lay [N, V, H, W, C] out with a row for each image."""
    return grid(images.reshape(-1, *images.shape[2:]), images.shape[1])
