"""Reports of dissections as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.dissection import Report
from jaxgan.io.atomic import replaced
from jaxgan.io.records import UnreadableFile

KIND = "dissection"
ARRAYS = ("iou", "thresholds", "presence", "active", "covered")


def save_report(report: Report, path: str | Path) -> None:
    """Save a report of a dissection as `.json`, which people and other programs read, or as `.npz`, which is smaller.

    Args:
        report: Of `jaxgan.dissect`.
        path: File, `.json` or `.npz`.

    Raises:
        ValueError: If the file has another ending.
    """
    path = Path(path)
    header: dict[str, Any] = {"kind": KIND, "tap": report.tap, "concepts": list(report.concepts)}
    header["meta"] = [list(pair) for pair in report.meta]
    if path.suffix == ".json":
        labels = [{"unit": u, "concept": c, "iou": round(v, 6)} for u, c, v in report.labels()]
        arrays = {name: np.asarray(getattr(report, name)).tolist() for name in ARRAYS}
        with replaced(path) as temporary:
            temporary.write_text(json.dumps({**header, "labels": labels, **arrays}, ensure_ascii=False) + "\n")
    elif path.suffix == ".npz":
        with replaced(path) as temporary, temporary.open("wb") as file:
            arrays = {name: getattr(report, name) for name in ARRAYS}
            np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
    else:
        raise ValueError(f"A report is saved as .json or .npz, got {path.name!r}.")


def load_report(path: str | Path) -> Report:
    """Load a report that `save_report` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: The file holds no report.
    """
    path = Path(path)
    try:
        if path.suffix == ".json":
            header = arrays = json.loads(path.read_text(encoding="utf-8"))
        else:
            with np.load(path, allow_pickle=False) as archive:
                header, arrays = json.loads(str(archive["header"])), {name: archive[name] for name in ARRAYS}
        if header["kind"] != KIND:
            raise KeyError("kind")
        concepts = tuple(str(c) for c in header["concepts"])
        values = {name: np.asarray(arrays[name], np.float32) for name in ARRAYS}
        many = (len(values["thresholds"]), len(concepts))
        if values["iou"].shape != many or values["presence"].shape != many[::-1]:
            raise ValueError("its arrays do not fit together")
        meta = tuple((str(name), value) for name, value in header["meta"])
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, EOFError) as error:
        raise UnreadableFile(
            f"{path}: holds no report of a dissection ({' '.join(str(error).split())[:120]})"
        ) from error
    return Report(**values, concepts=concepts, tap=str(header["tap"]), meta=meta)
