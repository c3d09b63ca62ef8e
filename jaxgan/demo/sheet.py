"""What the pages have in common: one HTML file with its pictures and styles inside, and nothing from elsewhere."""

from __future__ import annotations

import base64
import io as streams
from html import escape
from typing import Any

from jaxgan.io.images import to_uint8

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf7; --card: #ffffff; --ink: #1d1c1a; --soft: #6b675f; --line: #e4e0d8;
  --accent: #b4541a; --bar: 180, 84, 26; }
@media (prefers-color-scheme: dark) { :root { --ground: #161513; --card: #1f1e1b; --ink: #ece9e2; --soft: #a09a8e;
  --line: #35322d; --accent: #f0935a; --bar: 240, 147, 90; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3.25rem 0 .25rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; max-width: 46rem; }
.soft, figcaption, th { color: var(--soft); }
.small, figcaption { font-size: .8rem; line-height: 1.45; }
img { display: block; max-width: 100%; height: auto; border-radius: 6px; }
figure { margin: 0; }
figcaption { margin-top: .3rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin-top: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
th { font-weight: 500; text-align: center; padding: .25rem .3rem; vertical-align: bottom; }
td { padding: .2rem .3rem; text-align: center; border-top: 1px solid var(--line); }
td.left, th.left { text-align: left; white-space: nowrap; }
details summary { cursor: pointer; color: var(--soft); font-size: .8rem; margin-top: .5rem; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem;
  overflow-x: auto; font: .84rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
"""


def document(title: str, parts: list[str], style: str = "") -> str:
    """Return a whole page.

    Args:
        title: Plain text.
        parts: HTML, one after the other.
        style: Rules of CSS beside the common ones.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def tiles(pairs: list[tuple[str, str]]) -> str:
    """Return figures that stand out: (number, what it says)."""
    tile = '<div class="tile"><b>{}</b><div class="soft small">{}</div></div>'
    return f'<div class="tiles">{"".join(tile.format(*pair) for pair in pairs)}</div>'


def picture(image: Any, alt: str) -> str:
    """Return an <img> with the picture inside it."""
    from PIL import Image

    data = streams.BytesIO()
    array = to_uint8(image)
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(data, "webp", quality=92, method=4)
    coded = base64.b64encode(data.getvalue()).decode()
    height, width = array.shape[:2]
    return (
        f'<img src="data:image/webp;base64,{coded}" width="{width}" height="{height}" alt="{escape(alt)}" '
        'loading="lazy">'
    )
