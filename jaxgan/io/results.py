"""The file that an inversion leaves: codes with all that it takes to draw them again, and whose generator they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.core import Code, Generator, fingerprint
from jaxgan.io import weights
from jaxgan.io.files import contents, load
from jaxgan.io.records import UnreadableFile

LOSS = "trace/loss"
SHORT = 12  # digits of a fingerprint that a message shows


@dataclass(frozen=True)
class Result:
    """What an inversion found.

    Args:
        code: The codes, with their space and, where these were optimised, noise maps and features.
        render: How they are drawn: `generate(g, code, **render)` with "psi" and "noise".
        images: For each image its name, and how it was prepared: size, mode, crop box.
        loss: The loss before each step [steps, N], or None.
        meta: Notes, such as the settings.
        generator: Fingerprint of the generator that they belong to, and its family and resolution.
    """

    code: Code
    render: Mapping[str, Any] = field(default_factory=dict)
    images: Sequence[Mapping[str, Any]] = ()
    loss: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    generator: Mapping[str, Any] = field(default_factory=dict)


def save_codes(
    code: Code,
    path: str | Path,
    g: Generator,
    *,
    psi: float | None = None,
    noise: str = "const",
    images: Sequence[Mapping[str, Any]] = (),
    loss: Any = None,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Save codes together with whose they are and how they are drawn. `load` gives the Code, `load_codes` all of it.

    Args:
        code: Codes of the generator.
        path: File to write; replaced only when the new one is complete.
        g: Generator that they belong to; the file names it by its fingerprint.
        psi: Truncation with which they are drawn.
        noise: Noise mode with which they are drawn: "const" or "none".
        images: For each code what it was made from; JSON.
        loss: Loss before each step [steps, N].
        meta: Notes; JSON.
    """
    arrays, header = contents(code, meta)
    header["generator"] = {"fingerprint": fingerprint(g), "family": g.arch.name, "resolution": g.resolution}
    header["render"] = {"psi": psi, "noise": noise}
    header["images"] = [dict(image) for image in images]
    weights.save_arrays(path, arrays | ({} if loss is None else {LOSS: np.asarray(loss)}), header)


def load_codes(path: str | Path, g: Generator | None = None) -> Result:
    """Load codes with all that stands beside them in their file.

    Args:
        path: File of codes.
        g: Generator that shall draw them. Codes that say that they belong to another one are refused; codes that do
            not say it must have the shape of the generator's.

    Raises:
        FileNotFoundError, UnreadableFile: As `load`; the file holds no codes.
        ValueError: The codes belong to another generator.
    """
    code = load(path)
    if not isinstance(code, Code):
        raise UnreadableFile(f"{path} holds a {type(code).__name__}, needed are codes; see jaxgan info {path}")
    header, arrays = weights.read_header(path), weights.load_arrays(path)
    found = Result(
        code,
        _mapping(header.get("render")),
        tuple(_mapping(image) for image in header.get("images") or ()),
        arrays.get(LOSS),
        _mapping(header.get("meta")),
        _mapping(header.get("generator")),
    )
    if g is not None:
        check_owner(found.generator, g, path)
    return found


def check_owner(owner: Mapping[str, Any], g: Generator, path: str | Path) -> None:
    """Raise ValueError if codes name another generator than this one as theirs."""
    said, this = owner.get("fingerprint"), fingerprint(g)
    if said is None or said == this:
        return
    whose = f"{owner.get('family', '?')} {owner.get('resolution', '?')} px, {str(said)[:SHORT]}"
    raise ValueError(
        f"{path}: these codes were found with another generator ({whose}); this one is {g.arch.name} {g.resolution} "
        f"px, {this[:SHORT]}, and would draw something else from them"
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
