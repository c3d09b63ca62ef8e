"""The page that judges directions: what each does, changes and costs, how pure, even and sure it is."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np

from jaxgan.demo.comparison import number
from jaxgan.demo.page import signed, strip_of
from jaxgan.demo.sheet import document, picture, tiles
from jaxgan.demo.study import BINS, Judged, Study

# What a figure is called, which way is better, and what it says.
FIGURES = {
    "dependency": ("attribute dependency", "lower", "What else changes, in mean standard deviations of the other "
                   "scores, when its own score has changed by {at:g}. Empty: it does not change it that much."),
    "drift": ("drift", "", "Distance ({distance}) between the image and itself moved by {step:g} standard deviations."),
    "identity": ("identity", "higher", "Cosine of embeddings of the image and itself moved by {step:g}."),
    "linearity": ("linearity", "higher", "Mean cosine of successive steps of image features along the path: 1 is "
                  "straight."),
    "path_length": ("path length", "", "Squared pace at which images change along the direction ({speed})."),
    "bootstrap": ("bootstrap angle", "lower", "Degrees within which 95% of the directions lie that are found from "
                  "samples drawn anew."),
    "seeds": ("seed angle", "lower", "Degrees to where it is found with another seed."),
}  # fmt: skip
FACTORS = {
    "disentanglement": ("DCI disentanglement", "Whether a direction stands for one factor only."),
    "completeness": ("DCI completeness", "Whether a factor has one direction only."),
    "informativeness": (
        "DCI informativeness",
        "How well all directions together predict: R2, of classes accuracy.",
    ),
    "mig": ("MIG", "How much more the best direction knows of a factor than the second best."),
    "sap": ("SAP", "The same gap, in accuracy of a prediction from one direction."),
    "factor_vae": ("FactorVAE score", "Accuracy of telling which factor is held still by what varies least."),
}
THOUSANDS = ("path_length",)  # are told in thousandths where all of them are small
LABELS = 40  # names that a heading holds

STYLE = """
main { max-width: 84rem; }
.sort th.left, .sort th { cursor: pointer; }
.sort th:hover { color: var(--accent); }
.sort th[aria-sort=ascending]::after { content: " \\25B4"; color: var(--accent); }
.sort th[aria-sort=descending]::after { content: " \\25BE"; color: var(--accent); }
.sort td, .sort th { padding: .25rem .55rem; }
.sort th { max-width: 8rem; }
td.heat { min-width: 3.1rem; border-radius: 3px; }
td.own { outline: 1.5px solid var(--ink); outline-offset: -2px; }
.strips { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: .9rem 1.4rem;
  margin-top: 1rem; }
.strips figure img { width: 100%; image-rendering: auto; }
.strips figcaption { display: flex; justify-content: space-between; gap: 1rem; margin: 0 0 .25rem; }
.strips figcaption b { color: var(--ink); }
.ticks { display: flex; justify-content: space-around; color: var(--soft); font-size: .72rem;
  font-variant-numeric: tabular-nums; margin-top: .15rem; }
.matrix th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
.matrix th.left { writing-mode: horizontal-tb; transform: none; }
.angles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem;
  margin-top: 1rem; align-items: start; }
.angles svg { display: block; width: 100%; height: auto; margin: .4rem 0; }
svg text { fill: var(--soft); font-size: 10px; }
svg .axis { stroke: var(--line); }
svg .line { fill: none; stroke: var(--accent); stroke-width: 1.6; }
svg circle { fill: var(--accent); }
dl.what { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .8rem;
  margin: .8rem 0 0; }
dl.what dt { color: var(--ink); } dl.what dd { margin: 0; color: var(--soft); }
"""
# A click on a heading sorts the rows by its column, a second one the other way round; empty cells stay last.
SCRIPT = """
document.querySelectorAll("table.sort").forEach(table => table.querySelectorAll("thead th").forEach((head, at) => {
  head.tabIndex = 0;
  const sort = () => {
    const down = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    const body = table.tBodies[0], value = row => row.cells[at].dataset.v ?? row.cells[at].textContent.trim();
    const order = (a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "");
      return isNaN(x) || isNaN(y) ? -down * x.localeCompare(y, undefined, {numeric: true}) : down * (x - y);
    };
    table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
    [...body.rows].sort(order).forEach(row => body.append(row));
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}));
"""


def written(found: Study, model: str) -> str:
    """Return the page.

    Args:
        found: What was measured.
        model: What the page calls the generator.
    """
    parts = [head(found, model), overview(found), traversals(found), matrix(found), factors(found), between(found)]
    parts += [foot(found), f"<script>{SCRIPT}</script>"]
    return document(f"jaxgan: directions of {model}", [part for part in parts if part], STYLE)


def head(found: Study, model: str) -> str:
    many = sum(len(j.directions) for j in found.sets.values())
    rows = [(name, j, k) for name, j in found.sets.items() for k in range(len(j.directions))]
    dependency = lambda row: float(row[1].figures["dependency"][row[2]])
    whose = lambda row: escape(full(found, row[0], row[2]))
    purest = min(rows, key=lambda row: last(dependency(row)))
    strongest = max(rows, key=lambda row: abs(change(*row[1:])))
    shown = [
        (f"{many}", f"directions of {len(found.sets)} {'method' if len(found.sets) == 1 else 'methods'}"),
        (whose(strongest), f"changes most: {effect(found, *strongest[1:])}"),
    ]
    if math.isfinite(dependency(purest)):
        shown.append((whose(purest), f"is purest: attribute dependency {number(dependency(purest))}"))
    if math.isfinite(found.smooth[1]):
        shown.append((number(found.smooth[1]), f"path length of the generator ({escape(found.smooth[0])})"))
    return (
        f"<h1>Directions of {escape(model)}</h1>\n<p>Codes of the generator were moved along each direction, and the "
        "images scored again. What a direction changes, how purely, how evenly, and how surely it was found stands "
        "below; a click on a heading sorts its table.</p>\n" + tiles(shown)
    )


def overview(found: Study) -> str:
    first = next(iter(found.sets.values())).figures
    shown = [f for f in first if any(np.isfinite(j.figures[f]).any() for j in found.sets.values())]
    shown.sort(key=list(FIGURES).index)
    heads = '<th class="left">set</th><th class="left">direction</th><th class="left">changes most</th><th>by</th>'
    largest = {f: max(float(np.nanmax(np.append(j.figures[f], 0))) for j in found.sets.values()) for f in shown}
    scale = {f: 1000 if f in THOUSANDS and largest[f] < 1 else 1 for f in shown}
    times = {f: "" if scale[f] == 1 else f", &#215;{scale[f]}" for f in shown}
    heads += "".join(f"<th>{FIGURES[f][0]}{times[f]}{arrow(FIGURES[f][1])}</th>" for f in shown)
    body = []
    for name, judged in found.sets.items():
        for k in range(len(judged.directions)):
            cells = "".join(cell(scale[f] * judged.figures[f][k]) for f in shown)
            score = found.scores[judged.target[k]]
            body.append(
                f'<tr><td class="left">{escape(name)}</td><td class="left" data-v="{k:04d}">'
                f'{escape(title(judged, k))}</td><td class="left">{escape(score)}</td>{cell(change(judged, k))}{cells}'
                "</tr>"
            )
    words = {"at": found.at, "step": found.step, "distance": found.distance, "speed": found.smooth[0]}
    notes = {}
    for name, judged in found.sets.items():
        for figure, note in judged.notes.items():
            notes.setdefault(figure, []).append(f"{name}: {note}")
    told = "".join(
        f"<dt>{FIGURES[f][0]}</dt><dd>{escape(FIGURES[f][2].format(**words))}"
        f"{escape(' (' + '; '.join(notes[f]) + ')' if f in notes else '')}</dd>"
        for f in shown
    )
    return (
        f"<h2>All directions</h2>\n<p>The score that a direction changes most, and its mean change on the way from "
        f"{signed(-found.step)} to {signed(found.step)} standard deviations, in standard deviations of the score.</p>\n"
        f'<div class="scroll"><table class="sort"><thead><tr>{heads}</tr></thead><tbody>{"".join(body)}</tbody>'
        f'</table></div>\n<dl class="what">{told}</dl>'
    )


def traversals(found: Study) -> str:
    marks = "".join(f"<span>{signed(round(by, 3))}</span>" for by in found.by)
    blocks = []
    for name, judged in found.sets.items():
        figures = []
        for k in range(len(judged.directions)):
            strips = judged.strips[k]  # [shown, V, h, w, C]
            rest = "".join(picture(strip_of(s), f"{title(judged, k)}, another code") for s in strips[1:])
            more = f"<details><summary>other codes</summary>{rest}</details>" if rest else ""
            figures.append(
                f"<figure><figcaption><b>{escape(title(judged, k))}</b><span>{effect(found, judged, k)}</span>"
                f"</figcaption>{picture(strip_of(strips[0]), title(judged, k))}"
                f'<div class="ticks">{marks}</div>{more}</figure>'
            )
        space = judged.directions.space
        layers = judged.directions.layers
        where = f"of {space}" + ("" if layers is None else f", layers {', '.join(map(str, layers))}")
        blocks.append(f'<h3 style="margin-top:1.6rem">{escape(name)} <span class="soft small">{where}</span></h3>')
        blocks.append(f'<div class="strips">{"".join(figures)}</div>')
    return (
        "<h2>Traversals</h2>\n<p>One code moved along each direction, in standard deviations; in the middle nothing is "
        "changed.</p>\n" + "\n".join(blocks)
    )


def matrix(found: Study) -> str:
    return (
        f"<h2>Re-scoring</h2>\n<p>Mean change of every score from {signed(-found.step)} to {signed(found.step)} "
        "standard deviations along each direction, in standard deviations of the score over the population. The "
        "outlined score is the one that changes most.</p>\n"
        + heat(found, {name: judged.rescored for name, judged in found.sets.items()})
        + "<details><summary>Mean size of the changes, in whichever sense a code goes: large here and small above is "
        "what goes up in some images and down in others, or round in circles as hues do.</summary>"
        + heat(found, {name: judged.amounts for name, judged in found.sets.items()})
        + "</details>"
    )


def heat(found: Study, tables: dict[str, np.ndarray]) -> str:
    """Lay out tables [K, S] of all sets as one, coloured by value."""
    most = max(float(np.abs(table).max()) for table in tables.values()) or 1.0
    heads = "".join(f"<th>{escape(short(name))}</th>" for name in found.scores)
    body = []
    for name, table in tables.items():
        judged = found.sets[name]
        for k, row in enumerate(table):
            cells = "".join(
                f'<td class="heat{" own" if s == judged.target[k] else ""}" data-v="{value:.6g}" '
                f'style="background:{shade(value / most)}">{number(round(float(value), 2) + 0.0)}</td>'
                for s, value in enumerate(row)
            )
            body.append(
                f'<tr><td class="left">{escape(name)}</td><td class="left" data-v="{k:04d}">'
                f"{escape(title(judged, k))}</td>{cells}</tr>"
            )
    return (
        '<div class="scroll"><table class="sort matrix"><thead><tr><th class="left">set</th><th class="left">direction'
        f"</th>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def factors(found: Study) -> str:
    there = {name: j.disentangled for name, j in found.sets.items() if j.disentangled}
    if not there:
        return ""
    heads = "".join(f"<th>{FACTORS[f][0]}&nbsp;&#8593;</th>" for f in FACTORS)
    body = "".join(
        f'<tr><td class="left">{escape(name)}</td><td>{len(found.sets[name].directions)}</td>'
        + "".join(cell(values[f]) for f in FACTORS)
        + "</tr>"
        for name, values in there.items()
    )
    told = "".join(f"<dt>{FACTORS[f][0]}</dt><dd>{FACTORS[f][1]}</dd>" for f in FACTORS)
    return (
        "<h2>Factors</h2>\n<p>How well the coordinates along a set&#8217;s directions, those that edits move, stand "
        "for the factors that the judge reads from the population&#8217;s images. Numbers count as such; angles, and "
        f"everything for FactorVAE, in {BINS} classes of equal size.</p>\n"
        f'<div class="scroll"><table class="sort"><thead><tr><th class="left">set</th><th>directions</th>{heads}</tr>'
        f'</thead><tbody>{body}</tbody></table></div>\n<dl class="what">{told}</dl>'
    )


def between(found: Study) -> str:
    if not found.angles:
        return ""
    cards = []
    for (a, b), angles in found.angles.items():
        rows = []
        for one, other in ((a, b), (b, a)):
            index, degrees = found.nearest[one, other]
            for k, (i, angle) in enumerate(zip(index, degrees, strict=True)):
                mine, theirs = full(found, one, k), full(found, other, int(i))
                rows.append(
                    f'<tr><td class="left" data-v="{escape(one)} {k:04d}">{escape(mine)}</td><td class="left" '
                    f'data-v="{escape(other)} {i:04d}">{escape(theirs)}</td>{cell(angle)}</tr>'
                )
        cards.append(
            f'<section class="card"><h3>{escape(a)} and {escape(b)}</h3>{curve(angles)}<p class="small soft">Principal '
            f"angles: {', '.join(f'{angle:.0f}' for angle in angles)} degrees.</p><details><summary>nearest directions"
            '</summary><div class="scroll"><table class="sort"><thead><tr><th class="left">direction</th>'
            f'<th class="left">nearest</th><th>degrees</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
            "</details></section>"
        )
    return (
        "<h2>Between methods</h2>\n<p>Principal angles between what two sets span, the smallest first: at 0 degrees "
        "they share an axis, at 90 nothing.</p>\n"
        f'<div class="angles">{"".join(cards)}</div>'
    )


def foot(found: Study) -> str:
    facts = "<br>".join(f"{escape(name)}: {escape(value)}" for name, value in found.facts.items())
    return f'<p class="small soft" style="margin-top:3rem">{facts}</p>'


def curve(angles: Any) -> str:
    """Draw angles in degrees over their number."""
    width, height, left, foot_, top = 420.0, 120.0, 30.0, 8.0, 8.0
    up = lambda v: top + (90 - v) / 90 * (height - top - foot_)
    across = np.linspace(left + 10, width - 14, max(len(angles), 2))[: len(angles)]
    drawn = [
        f'<line class="axis" x1="{left}" x2="{width - 4}" y1="{up(v):.1f}" y2="{up(v):.1f}"/>'
        f'<text x="{left - 6}" y="{up(v) + 3:.1f}" text-anchor="end">{v}</text>'
        for v in (0, 30, 60, 90)
    ]
    points = " ".join(f"{x:.1f},{up(v):.1f}" for x, v in zip(across, angles, strict=True))
    drawn.append(f'<polyline class="line" points="{points}"/>')
    drawn += [f'<circle cx="{x:.1f}" cy="{up(v):.1f}" r="3"/>' for x, v in zip(across, angles, strict=True)]
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="principal angles">{"".join(drawn)}</svg>'
    )


def title(judged: Judged, k: int) -> str:
    """Name of a direction."""
    return judged.directions.names[k] if judged.directions.names else str(k)


def full(found: Study, name: str, k: int) -> str:
    """Name of a direction with its set, where it does not begin with that."""
    own = title(found.sets[name], k)
    return own if own.startswith(name) else f"{name} {own}"


def change(judged: Judged, k: int) -> float:
    """Mean change of the score that a direction changes most."""
    return float(judged.rescored[k, judged.target[k]])


def effect(found: Study, judged: Judged, k: int) -> str:
    """Say which score a direction changes most, and by how much."""
    value = change(judged, k)
    return f"{escape(found.scores[judged.target[k]])} {signed(round(value, 2))}"


def cell(value: float) -> str:
    """A number that tables sort by; empty where there is none."""
    value = float(value)
    if not math.isfinite(value):
        return '<td data-v=""></td>'
    return f'<td data-v="{value:.8g}">{number(value)}</td>'


def shade(share: float) -> str:
    """Colour of a share from -1 (blue) to 1 (the accent)."""
    depth = min(0.8, 0.85 * abs(float(share)) ** 0.7)
    return f"rgba({'var(--bar)' if share > 0 else '60, 110, 190'}, {depth:.2f})"


def arrow(better: str) -> str:
    return {"lower": "&nbsp;&#8595;", "higher": "&nbsp;&#8593;", "": ""}[better]


def short(name: str) -> str:
    return name if len(name) <= LABELS else name[: LABELS - 1] + "\N{HORIZONTAL ELLIPSIS}"


def last(value: float) -> float:
    return value if math.isfinite(value) else math.inf
