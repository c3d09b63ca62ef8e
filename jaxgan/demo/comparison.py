"""The page that compares inverters: the same images by each of them, edited alike, and where each stands in a plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from jaxgan.demo.sheet import document, picture, tiles

COLOURS = ("#4e79a7", "#e15759", "#59a14f", "#f28e2b", "#b07aa1", "#39a9a3", "#b07d4f", "#d37295", "#8a8a8a", "#c2a02c")
TILED = ("mahalanobis", "drift")  # planes whose best inverter stands at the top of the page
MINUS = "\N{MINUS SIGN}"

STYLE = """
.planes { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem;
  margin-top: 1rem; }
.card svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
svg text { fill: var(--soft); font-size: 11px; }
svg .axis { stroke: var(--line); }
svg .lead { stroke: var(--soft); stroke-width: .6; opacity: .6; }
svg .mean { stroke: var(--card); stroke-width: 1.5; }
svg .one { opacity: .42; }
svg text.tag { font-size: 12px; font-weight: 600; fill: var(--ink); }
.figures { width: 100%; }
.figures td, .figures th { padding: .3rem .5rem; }
.figures td { white-space: nowrap; }
.figures td.best { font-weight: 700; }
.figures tr.reference td { color: var(--soft); font-style: italic; }
i.dot { display: inline-block; width: .65rem; height: .65rem; border-radius: 50%; margin-right: .45rem; }
.wall td { border-top: 0; padding: .15rem; vertical-align: top; }
.wall td.left { padding-right: .8rem; vertical-align: middle; position: sticky; left: 0; background: var(--ground); }
.wall img { width: 5.5rem; min-width: 4rem; border-radius: 4px; }
.wall figcaption { margin-top: .1rem; font-size: .68rem; text-align: center; }
.each td, .each th { padding: .15rem .5rem; }
"""


@dataclass
class Entry:
    """One inverter's part: its name, what it drew and how this looks edited, its figures [N], and those of the set."""

    name: str
    drawn: Any
    edited: Any
    figures: Mapping[str, np.ndarray]
    whole: Mapping[str, float] = field(default_factory=dict)

    def mean(self, figure: str) -> float:
        """Return the mean of a figure over the images, or the figure of the whole set; not a number without it."""
        if figure in self.whole:
            return float(self.whole[figure])
        values = np.asarray(self.figures.get(figure, np.nan), float)
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else math.nan


@dataclass
class Comparison:
    """What was compared, for the page: plain numbers and NumPy arrays.

    Args:
        model: What the page calls the generator.
        names: Of the images.
        originals: [N, H, W, C].
        entries: One for each inverter.
        titles: {figure: (title, which way is better)}, in the order of the table.
        distance: Figure by which reconstructions are judged, across the planes.
        reference: The population's own figures.
        edit: What the edit does, in words.
        planes: Figures up the planes, with what they say.
        facts: Lines at the foot.
    """

    model: str
    names: Sequence[str]
    originals: Any
    entries: Sequence[Entry]
    titles: Mapping[str, tuple[str, str]]
    distance: str
    reference: Mapping[str, float] = field(default_factory=dict)
    edit: str = ""
    planes: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def written(found: Comparison) -> str:
    """Return the page."""
    parts = [head(found), planes(found), table(found), reconstructed(found), edited(found), each(found), foot(found)]
    return document(f"jaxgan: inverters of {found.model}", parts, STYLE)


def head(found: Comparison) -> str:
    nearest = min(found.entries, key=lambda e: nan_last(e.mean(found.distance)))
    shown = [
        (str(len(found.entries)), "inverters"),
        (str(len(found.names)), "images"),
        (
            escape(nearest.name),
            f"comes nearest: {found.titles[found.distance][0]} {number(nearest.mean(found.distance))}",
        ),
    ]
    for figure in [f for f in found.planes if f.startswith(TILED)]:
        entries = [e for e in found.entries if math.isfinite(e.mean(figure))]
        if entries:
            best = min(entries, key=lambda e: away(e.mean(figure), found.titles[figure][1]))
            shown.append((escape(best.name), f"best in {escape(found.titles[figure][0])}: {number(best.mean(figure))}"))
    return (
        f"<h1>Inverters compared</h1>\n<p>The generator <b>{escape(found.model)}</b> was asked to draw the same "
        f"{len(found.names)} images by each inverter. A code that draws an image well is worth little if it cannot be "
        "edited: so each was also edited, and compared with how the generator's own codes answer.</p>\n" + tiles(shown)
    )


def planes(found: Comparison) -> str:
    cards = []
    for figure, what in found.planes.items():
        title = found.titles[figure][0]
        svg = plane(found, found.distance, figure)
        cards.append(
            f'<section class="card"><h3>{escape(title)}</h3><p class="small soft">{escape(what)}</p>{svg}</section>'
        )
    return (
        "<h2>Distortion and editability</h2>\n<p>To the left: nearer to the originals. Nearer to the dashed line: more "
        "like the generator's own codes. Large dots are means, small ones single images. Inverters trade one for the "
        f'other.</p>\n<div class="planes">{"".join(cards)}</div>'
    )


def plane(found: Comparison, across: str, up: str) -> str:
    """Draw the inverters in the plane of two figures."""
    width, height, left, right, top, foot = 540.0, 380.0, 52.0, 122.0, 12.0, 42.0
    points = [(e, e.mean(across), e.mean(up), singles(e, across, up)) for e in found.entries]
    points = [p for p in points if math.isfinite(p[1]) and math.isfinite(p[2])]
    if not points:
        return "<p class='small soft'>No inverter has this figure.</p>"
    xs = [x for p in points for x in (p[1], *p[3][0])]
    ys = [y for p in points for y in (p[2], *p[3][1])]
    reference = found.reference.get(up)
    ys += [] if reference is None else [reference]
    to_x, x_marks = scale(xs, left, width - right)
    to_y, y_marks = scale(ys, height - foot, top)
    drawn = []
    for value in y_marks:
        y = to_y(value)
        drawn.append(f'<line class="axis" x1="{left}" x2="{width - right + 8}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value in x_marks:
        x = to_x(value)
        drawn.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - foot}"/>')
        drawn.append(f'<text x="{x:.1f}" y="{height - foot + 15}" text-anchor="middle">{number(value)}</text>')
    x_title, y_title = (escape(found.titles[f][0]) for f in (across, up))
    middle = (top + height - foot) / 2
    drawn.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">{x_title}</text>')
    drawn.append(f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{y_title}</text>')
    if reference is not None:
        y = to_y(reference)
        ends = f'x1="{left}" x2="{width - right + 8}" y1="{y:.1f}" y2="{y:.1f}"'
        drawn.append(f'<line class="lead" stroke-dasharray="4 3" {ends}/>')
        drawn.append(f'<text x="{left + 4}" y="{y - 4:.1f}">the population</text>')
    for entry, _, _, (a, b) in points:
        paint = colour(found, entry)
        drawn += [
            f'<circle class="one" cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="2.6" fill="{paint}"/>'
            for x, y in zip(a, b, strict=True)
        ]
    for (entry, x, y, _), tag in zip(
        points, apart([to_y(p[2]) for p in points], 14, top + 8, height - foot), strict=True
    ):
        at_x, at_y, paint = to_x(x), to_y(y), colour(found, entry)
        edge = width - right + 12
        drawn.append(f'<line class="lead" x1="{at_x:.1f}" y1="{at_y:.1f}" x2="{edge - 3}" y2="{tag:.1f}"/>')
        drawn.append(f'<circle class="mean" cx="{at_x:.1f}" cy="{at_y:.1f}" r="6.5" fill="{paint}"/>')
        drawn.append(f'<circle cx="{edge + 2}" cy="{tag:.1f}" r="3.5" fill="{paint}"/>')
        drawn.append(f'<text class="tag" x="{edge + 9}" y="{tag + 4:.1f}">{escape(short(entry.name))}</text>')
    label = f"{y_title} over {x_title} of each inverter"
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def table(found: Comparison) -> str:
    shown = [f for f in found.titles if any(math.isfinite(e.mean(f)) for e in found.entries)]
    heads = "".join(f"<th>{escape(found.titles[f][0])}<br>{arrow(found.titles[f][1])}</th>" for f in shown)
    best = {
        f: min(away(e.mean(f), found.titles[f][1]) for e in found.entries if math.isfinite(e.mean(f))) for f in shown
    }
    body = []
    for entry in found.entries:
        cells = ""
        for f in shown:
            value = entry.mean(f)
            first = math.isfinite(value) and away(value, found.titles[f][1]) == best[f]
            cells += f"<td{' class=best' if first else ''}>{number(value)}</td>"
        body.append(f'<tr><td class="left">{dot(found, entry)}{escape(entry.name)}</td>{cells}</tr>')
    if found.reference:
        cells = "".join(f"<td>{number(found.reference.get(f, math.nan))}</td>" for f in shown)
        body.append(f'<tr class="reference"><td class="left">the population&#8217;s own</td>{cells}</tr>')
    return (
        "<h2>Figures</h2>\n<p>Means over the images; the best of each column is bold. Seconds are of each image, with "
        'the compilation divided among them.</p>\n<div class="scroll"><table class="figures"><thead><tr>'
        f'<th class="left">inverter</th>{heads}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'
    )


def reconstructed(found: Comparison) -> str:
    rows = [("original", found.originals, None)]
    rows += [(f"{dot(found, e)}{escape(e.name)}", e.drawn, e.figures.get(found.distance)) for e in found.entries]
    title = found.titles[found.distance][0]
    return f"<h2>Reconstructed</h2>\n<p>Below each image its {escape(title)}.</p>\n{wall(found, rows)}"


def edited(found: Comparison) -> str:
    rows = [("original", found.originals, None)]
    rows += [(f"{dot(found, e)}{escape(e.name)}", e.edited, None) for e in found.entries if e.edited is not None]
    if len(rows) == 1:
        return ""
    return f"<h2>Edited</h2>\n<p>The same codes, {escape(found.edit)}.</p>\n{wall(found, rows)}"


def wall(found: Comparison, rows: Sequence[tuple[str, Any, Any]]) -> str:
    """Lay images out: a row for each inverter, a column for each image."""
    body = []
    for title, images, values in rows:
        cells = []
        for i, image in enumerate(np.asarray(images)):
            caption = "" if values is None else f"<figcaption>{number(float(values[i]))}</figcaption>"
            cells.append(f"<td><figure>{picture(image, found.names[i])}{caption}</figure></td>")
        body.append(f'<tr><td class="left small">{title}</td>{"".join(cells)}</tr>')
    return f'<div class="scroll"><table class="wall"><tbody>{"".join(body)}</tbody></table></div>'


def each(found: Comparison) -> str:
    shown = [f for f in found.titles if any(f in e.figures for e in found.entries)]
    blocks = []
    for entry in found.entries:
        heads = "".join(f"<th>{escape(found.titles[f][0])}</th>" for f in shown)
        body = "".join(
            f'<tr><td class="left">{escape(name)}</td>'
            + "".join(
                f"<td>{number(float(entry.figures[f][i]) if f in entry.figures else math.nan)}</td>" for f in shown
            )
            + "</tr>"
            for i, name in enumerate(found.names)
        )
        blocks.append(
            f"<details><summary>{dot(found, entry)}{escape(entry.name)}</summary><div class='scroll'>"
            f'<table class="each"><thead><tr><th class="left">image</th>{heads}</tr></thead><tbody>{body}</tbody>'
            "</table></div></details>"
        )
    return "<h2>Image by image</h2>\n" + "".join(blocks)


def foot(found: Comparison) -> str:
    facts = "<br>".join(f"{escape(name)}: {escape(value)}" for name, value in found.facts.items())
    return f'<p class="small soft" style="margin-top:3rem">{facts}</p>'


def singles(entry: Entry, across: str, up: str) -> tuple[list[float], list[float]]:
    """Return the figures of single images where both are numbers; none for a figure of the whole set."""
    if across not in entry.figures or up not in entry.figures:
        return [], []
    pairs = [(float(a), float(b)) for a, b in zip(entry.figures[across], entry.figures[up], strict=True)]
    pairs = [p for p in pairs if all(map(math.isfinite, p))]
    return [a for a, _ in pairs], [b for _, b in pairs]


def scale(values: Sequence[float], start: float, end: float):
    """Return what carries values to the page, and where its marks stand; logarithmic where values span much."""
    low, high = min(values), max(values)
    if low > 0 and high / low > 8:
        a, b = math.log(low) - 0.1, math.log(high) + 0.1
        place = lambda v: start + (math.log(max(v, 1e-30)) - a) / (b - a) * (end - start)
        steps = [
            m * 10.0**e for e in range(math.floor(a / math.log(10)), math.ceil(b / math.log(10)) + 1) for m in (1, 2, 5)
        ]
        return place, [v for v in steps if a <= math.log(v) <= b]
    pad = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    a, b = low - pad, high + pad
    step = 10.0 ** math.floor(math.log10((b - a) / 3))
    step *= next(m for m in (1, 2, 5, 10) if (b - a) / (m * step) <= 6)
    marks = [step * k for k in range(math.ceil(a / step), math.floor(b / step) + 1)]
    return (lambda v: start + (v - a) / (b - a) * (end - start)), marks


def apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Move labels so far apart that none covers another, in their order."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [min(max(places[i], low), high) for i in order]
    for _ in range(200):
        for k in range(len(moved) - 1):
            lack = least - (moved[k + 1] - moved[k])
            if lack > 1e-6:
                moved[k], moved[k + 1] = moved[k] - lack / 2, moved[k + 1] + lack / 2
        moved = [min(max(y, low + k * least), high - (len(moved) - 1 - k) * least) for k, y in enumerate(moved)]
    found = [0.0] * len(places)
    for i, y in zip(order, moved, strict=True):
        found[i] = y
    return found


def colour(found: Comparison, entry: Entry) -> str:
    return COLOURS[[e is entry for e in found.entries].index(True) % len(COLOURS)]


def dot(found: Comparison, entry: Entry) -> str:
    return f'<i class="dot" style="background:{colour(found, entry)}"></i>'


def short(name: str, most: int = 13) -> str:
    """Shorten a name so that it fits beside the plane."""
    return name if len(name) <= most else name[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def away(value: float, better: str) -> float:
    """How far a figure is from the best there could be: smaller is better."""
    return {"lower": value, "higher": -value, "near one": abs(value - 1)}[better]


def arrow(better: str) -> str:
    return {"lower": "\N{DOWNWARDS ARROW}", "higher": "\N{UPWARDS ARROW}", "near one": "\N{RIGHTWARDS ARROW} 1"}[better]


def nan_last(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def number(value: float) -> str:
    """Write a figure with three digits that count."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return (f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}").replace("-", MINUS)
