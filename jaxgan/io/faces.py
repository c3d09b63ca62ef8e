"""Judges of faces from face-api's weight files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core.generator import known
from jaxgan.core.network import Network
from jaxgan.features.attributes import Scorer
from jaxgan.features.faces import MODULES, NAMES, SIDE
from jaxgan.io.names import Table, placed
from jaxgan.io.records import UnreadableFile

FILES = {
    "age_gender": "age_gender_model",
    "expression": "face_expression_model",
    "landmarks": "face_landmark_68_model",
    "landmarks_tiny": "face_landmark_68_tiny_model",
}
SEPARABLE: Table = (
    (r"params/(.*)/depthwise/kernel", r"\1/depthwise_filter"),
    (r"params/(.*)/pointwise/kernel", r"\1/pointwise_filter"),
    (r"params/(.*)/pointwise/bias", r"\1/bias"),
)
XCEPTION: Table = (
    (r"params/conv_in/kernel", r"entry_flow/conv_in/filters"),
    (r"params/conv_in/bias", r"entry_flow/conv_in/bias"),
    (r"params/(age|gender)/kernel", r"fc/\1/weights"),
    (r"params/(age|gender)/bias", r"fc/\1/bias"),
)
PLACES = (
    ("reduction0/", "entry_flow/reduction_block_0/"),
    ("reduction1/", "entry_flow/reduction_block_1/"),
    ("main0/", "middle_flow/main_block_0/"),
    ("main1/", "middle_flow/main_block_1/"),
    ("reduction2/", "exit_flow/reduction_block/"),
    ("separable_conv/", "exit_flow/separable_conv/"),
)
BLOCKS: Table = tuple(
    (rf"params/{ours}{path}", rf"{theirs}{name}")
    for ours, theirs in PLACES
    for path, name in (
        (r"(separable_conv\d/)?depthwise/kernel", r"\1depthwise_filter"),
        (r"(separable_conv\d/)?pointwise/kernel", r"\1pointwise_filter"),
        (r"(separable_conv\d/)?pointwise/bias", r"\1bias"),
        (r"expansion_conv/kernel", r"expansion_conv/filters"),
        (r"expansion_conv/bias", r"expansion_conv/bias"),
    )
)
DENSE: Table = (
    (r"params/dense0/conv0/kernel", r"dense0/conv0/filters"),
    (r"params/dense0/conv0/bias", r"dense0/conv0/bias"),
    *SEPARABLE,
    (r"params/fc/kernel", r"fc/weights"),
    (r"params/fc/bias", r"fc/bias"),
)


def load_face_scorer(kind: str, weights: str | Path) -> Scorer:
    """Load a judge of faces: images [N, H, W, C] in [-1, 1], each of one face that fills it, to scores [N, K].

    Args:
        kind: "age_gender" (years, and logits of male and female), "expression" (seven logits), "landmarks" or
            "landmarks_tiny" (68 points as x0, y0, x1, y1 ..., in shares of the picture from its upper left corner).
        weights: face-api.js's `..._model-weights_manifest.json`, or a folder that holds it; the shards lie beside it.

    Returns:
        A Scorer whose `score` is a Network; any of it serves as the scorer of `directions.boundary`.

    Raises:
        ValueError: There is no such kind.
        FileNotFoundError: There is no such file.
        UnreadableFile: The file holds other arrays.

    Source: justadudewhohacks/face-api.js. Different: pictures are made smaller with an antialiasing filter.
    """
    known(kind, tuple(FILES), "judge of faces")
    path = Path(weights)
    path = path / f"{FILES[kind]}-weights_manifest.json" if path.is_dir() else path
    module = MODULES[kind]
    blank = jnp.zeros((1, SIDE, SIDE, 3))
    template = {"params": jax.eval_shape(module.init, jax.random.key(0), blank)["params"], "buffers": {}}
    table = (*BLOCKS, *XCEPTION) if kind == "age_gender" else DENSE
    try:
        values = placed(template, tfjs(path), table, oriented, what=kind)
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error
    return Scorer(Network(values["params"], values["buffers"], module, f"features.faces.{kind}"), NAMES[kind])


def oriented(path: str, array: np.ndarray) -> np.ndarray:
    """Return a filter as flax lays it out: those of depthwise convolutions come as [h, w, channels, 1]."""
    return array.transpose(0, 1, 3, 2) if path.endswith("depthwise/kernel") else array


def tfjs(manifest: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a TensorFlow.js manifest and its shards; 8-bit ones become numbers by their scale and minimum.

    Raises:
        FileNotFoundError: The manifest or a shard is missing.
        UnreadableFile: The manifest is malformed, or the shards are shorter or longer than it says.
    """
    try:
        groups = json.loads(manifest.read_text(encoding="utf-8"))
        found: dict[str, np.ndarray] = {}
        for group in groups:
            data = b"".join(shard(manifest, str(name)) for name in group["paths"])
            start = 0
            for entry in group["weights"]:
                found[str(entry["name"])], start = tensor(entry, data, start)
            if start != len(data):
                raise UnreadableFile(f"its shards hold {len(data)} bytes, it names {start}")
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnreadableFile(f"is no manifest of TensorFlow.js weights ({type(error).__name__}: {reason})") from error
    return found


def shard(manifest: Path, name: str) -> bytes:
    """Read a shard, which must lie beside its manifest."""
    if Path(name).name != name:
        raise UnreadableFile(f"names the shard {name[:60]!r}, which does not lie beside it")
    return (manifest.parent / name).read_bytes()


def tensor(entry: dict[str, Any], data: bytes, start: int) -> tuple[np.ndarray, int]:
    """Cut one array out of the shards' bytes; return it and where the next one begins."""
    shape = tuple(int(n) for n in entry["shape"])
    scale = entry.get("quantization")
    kind = np.dtype({"uint8": "u1", "uint16": "<u2", "float32": "<f4"}[scale["dtype"] if scale else entry["dtype"]])
    end = start + math.prod(shape) * kind.itemsize
    if min(shape, default=1) < 0 or end > len(data):
        raise UnreadableFile(f"{entry['name']} reaches to byte {end} of {len(data)} (truncated?)")
    values = np.frombuffer(data[start:end], kind).astype(np.float32).reshape(shape)
    return (values * np.float32(scale["scale"]) + np.float32(scale["min"]) if scale else values), end
