"""Directions that others have published, from the files they published them in."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxgan.core import Directions, Generator, fingerprint
from jaxgan.io import pickles, weights
from jaxgan.io.files import load
from jaxgan.io.records import UnreadableFile
from jaxgan.latents.spaces import is_tuple

SPACES = ("z", "z+", "w", "w+", "p", "p+")
# InterFaceGAN's files: MODEL_DATA_ATTRIBUTE[_c_CONDITIONS][_w]_boundary.npy
INTERFACEGAN = re.compile(r"[a-z0-9]+_[a-z0-9]+_(?P<name>.+?)(?P<w>_w)?_boundary")
Rows = Float[np.ndarray, "k d"]


def load_directions(
    path: str | Path,
    g: Generator | None = None,
    *,
    space: str | None = None,
    layers: Iterable[int] | None = None,
    names: Sequence[str] | None = None,
    orthonormal: bool = False,
    within: tuple[int, int] | None = None,
    tuned: bool = False,
) -> Directions:
    """Load directions: the library's own file, or one of those that the field uses.

    | file | holds | space |
    |---|---|---|
    | `.safetensors` | the library's own directions | as saved |
    | `.npy` [1, D] `MODEL_DATA_NAME[_w]_boundary` | InterFaceGAN's boundary | w by its name's `_w`, else z |
    | `.npy`, `.pt` [D], [1, D] | one direction | must be given |
    | `.npy`, `.pt` [1, L, D] | one direction of L rows | w+ |
    | `.npy`, `.pt` [L, D] | one direction of L rows, or L directions | must be given: w+, or z or w |
    | `.npy` of a dict with `boundary` [1, L, D] | idinvert's boundary and its layers | w+ |
    | `.npz` with `lat_comp`, `lat_stdev` | GANSpace's components | w where they are the activation's, else given |
    | `.pt` dict with `comp`, `std` | e4e's copy of GANSpace's components | w |

    Vectors come out with length 1. What they were long in the file is their scale, so that a step of one is the step
    that the file means; GANSpace's scale is its standard deviation. `latents.stats.deviations` measures a population.

    Args:
        path: File.
        g: Generator that they are for; they are checked against it.
        space: Space that they live in, where the file does not tell.
        layers: Rows of w+ that an edit moves by default; what the file says, else all.
        names: One name for each direction; what the file or its name says.
        orthonormal: Orthonormalise the rows (Gram-Schmidt), as learned matrices of the Hessian penalty need it.
        within: (start, width) where the file's coordinates are only those from `start` on of `width`.
        tuned: Accept the library's own directions for a generator with other weights than the one they were found in,
            as pivotal tuning makes it.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: The file is damaged, hostile or holds no directions; nothing of it is run.
        ValueError: The space is not told or told differently, or the directions are not of this generator.
    """
    path = Path(path)
    if space is not None and space not in SPACES:
        raise ValueError(f"There is no space {space!r}; directions are read in {', '.join(map(repr, SPACES))}.")
    if path.is_file() and weights.is_safetensors(path):
        found = load(path)
        if not isinstance(found, Directions):
            raise UnreadableFile(f"{path}: holds a {type(found).__name__}, not directions")
        if space not in (None, found.space):
            raise ValueError(f"{path}: holds directions of {found.space!r}, not of {space!r}.")
        found = found if layers is None else found.replace(layers=tuple(layers))
        found = found if names is None else found.named(names)
    else:
        found = foreign(path, space, layers, names, orthonormal, within)
    if g is not None:
        fit(found, g, str(path), tuned)
    return found


def foreign(path, space, layers, names, orthonormal, within) -> Directions:
    """Read a published file."""
    said: dict[str, Any] = {"method": "array", "file": path.name[:100], "scale": "file"}
    value = arrays(path) if zipped_arrays(path) else pickles.read(path).value
    known, scales, wide = None, None, None
    if isinstance(value, Mapping) and "boundary" in value:
        said["method"], meta = "idinvert", value.get("meta_data")
        given = meta.get("manipulate_layers") if isinstance(meta, Mapping) else None
        layers = layers if layers is not None or given is None else [int(i) for i in given]
        value = value["boundary"]
    elif isinstance(value, Mapping) and ("lat_comp" in value or "comp" in value):
        said |= {"method": "ganspace", "scale": "std"}
        value, scales, known = ganspace(value)
    elif match := INTERFACEGAN.fullmatch(path.stem):
        said["method"], known = "interfacegan", "w" if match["w"] else "z"
        names = names or (match["name"],)
    array = numbers(value, path)
    if array.ndim == 3 and array.shape[1] > 1:
        known, wide = "w+", array
    elif array.ndim == 3:
        array = array[:, 0]
    array = array[None] if array.ndim == 1 else array
    if known is not None and space not in (None, known):
        raise ValueError(f"{path}: holds directions of {known!r} ({said['method']}), not of {space!r}.")
    space = space or known
    if space is None:
        choice = (
            "'z' or 'w'" if len(array) == 1 else f"'w+' for one direction of {len(array)} rows, 'z' or 'w' for many"
        )
        raise ValueError(f"{path}: holds an array {array.shape} and does not say its space. Give space={choice}.")
    if wide is None and space.endswith("+") and array.ndim == 2:
        wide = array[None]
    if wide is not None and not space.endswith("+"):
        raise ValueError(f"{path}: holds {wide.shape[1]} rows a direction, which is of 'w+', not of {space!r}.")
    shape = array.shape[1:] if wide is None else wide.shape[1:]
    rows = (array if wide is None else wide).reshape(-1, int(np.prod(shape)))
    if orthonormal:
        rows = gram_schmidt(rows, path)
    if within is not None:
        start, width = within
        if wide is not None or not 0 <= start <= width - rows.shape[1]:
            raise ValueError(f"{path}: its {rows.shape[1]} coordinates do not lie from {start} on within {width}.")
        rows, shape = np.pad(rows, ((0, 0), (start, width - start - rows.shape[1]))), (width,)
    length = np.linalg.norm(rows, axis=1)
    if not np.all(np.isfinite(rows)) or length.min() <= 0:
        raise UnreadableFile(f"{path}: holds directions that are zero or not finite")
    scales = length if scales is None else scales
    if len(scales) != len(rows):
        raise UnreadableFile(f"{path}: has {len(scales)} standard deviations for {len(rows)} directions")
    stem = path.stem[:60]
    names = tuple(names or ((stem,) if len(rows) == 1 else (f"{stem}{i}" for i in range(len(rows)))))
    found = Directions(
        vectors=jnp.asarray((rows / length[:, None]).reshape(-1, *shape), jnp.float32),
        scales=jnp.asarray(scales, jnp.float32),
        space=space,
        layers=None if layers is None else tuple(int(i) for i in layers),
        meta=tuple(sorted(said.items())),
    )
    return found.named(names)


def ganspace(value: Mapping[str, Any]) -> tuple[Any, np.ndarray, str | None]:
    """Return GANSpace's components, their standard deviations and, where it shows, their space."""
    if "comp" in value:
        return value["comp"], np.asarray(value.get("std"), np.float32).reshape(-1), "w"
    latent, seen = np.asarray(value["lat_comp"]), np.asarray(value.get("act_comp", ()))
    # In w the latent itself is what was analysed; elsewhere the components were regressed from an activation.
    same = latent.size == seen.size and np.allclose(latent.reshape(-1), seen.reshape(-1), atol=1e-5)
    return latent, np.asarray(value.get("lat_stdev", ()), np.float32).reshape(-1), "w" if same else None


def gram_schmidt(rows: Rows, path: Path) -> Rows:
    """Orthonormalise rows, the first one keeping its direction."""
    basis, triangle = np.linalg.qr(np.asarray(rows, np.float64).T)
    size = np.diag(triangle)
    if len(rows) > rows.shape[1] or np.abs(size).min() < 1e-6 * np.abs(size).max():
        raise ValueError(f"{path}: its rows depend on each other and cannot be orthonormalised.")
    return (basis * np.sign(size)).T


def numbers(value: Any, path: Path) -> np.ndarray:
    """Return a value as an array of numbers with one to three axes."""
    array = value if isinstance(value, np.ndarray) else None
    if array is None or array.dtype.kind not in "fiu" or not 1 <= array.ndim <= 3 or not array.size:
        what = f"an array {array.shape} of {array.dtype}" if array is not None else f"a {type(value).__name__}"
        raise UnreadableFile(f"{path}: holds {what}; directions are [D], [K, D] or [K, L, D]")
    return np.asarray(array, np.float64)


def zipped_arrays(path: Path) -> bool:
    """Tell whether a file is numpy's archive of arrays."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Read numpy's archive; arrays of objects are refused."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise UnreadableFile(f"{path}: is malformed ({' '.join(str(error).split())[:120]})") from error


def fit(found: Directions, g: Generator, path: str, tuned: bool) -> None:
    """Raise ValueError unless directions are of this generator."""
    arch, meta = g.arch, dict(found.meta)
    family = meta.get("family", arch.name)
    if family != arch.name:
        raise ValueError(f"{path}: the directions were found in a {family}, this generator is a {arch.name}.")
    if found.space not in arch.spaces:
        raise ValueError(f"{path}: holds directions of {found.space!r}, {arch.name} offers {', '.join(arch.spaces)}.")
    shape, got = arch.shape(found.space), jax.tree.map(lambda v: tuple(v.shape[1:]), found.vectors)
    if not is_tuple(shape):  # one vector may stand for all rows
        got = shape if got == shape[1:] and found.space.endswith("+") else got
    if got != shape:
        raise ValueError(
            f"{path}: its directions have shape {got}, codes of this {arch.name} in {found.space!r} have {shape}: "
            "they are of another generator."
        )
    made, here = meta.get("generator"), fingerprint(g)
    if made is not None and made != here and not tuned:
        raise ValueError(
            f"{path}: the directions were found in generator {str(made)[:8]}, this one is {here[:8]} of the same "
            "shape. Find them anew, or give tuned=True if it was tuned from that one."
        )
