"""Embeddings from weight files: ArcFace's and MoCo's `.pth`, and the names that trunks have there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxgan.core.network import Network
from jaxgan.features.embed import ArcFace, MoCo
from jaxgan.io.features import arrays_of
from jaxgan.io.names import Table, from_torch, network

BN = {"weight": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
COUNTED = r"(.*\.)?num_batches_tracked"
HEAD = 7  # side of the map that ArcFace's dense layer reads


def norm(name: str, kind: str) -> str:
    """Name one of a norm's arrays as torch does."""
    return f"{name}.{BN[kind]}"


IRSE_NAMES: Table = (
    (r"params/body/conv/weight", "input_layer.0.weight"),
    (r"(?:params|buffers)/body/bn/(\w+)", lambda m: norm("input_layer.1", m[1])),
    (r"params/body/prelu/weight", "input_layer.2.weight"),
    (r"params/body/unit(\d+)/shortcut_conv/weight", r"body.\1.shortcut_layer.0.weight"),
    (r"\w+/body/unit(\d+)/shortcut_bn/(\w+)", lambda m: norm(f"body.{m[1]}.shortcut_layer.1", m[2])),
    (r"\w+/body/unit(\d+)/bn1/(\w+)", lambda m: norm(f"body.{m[1]}.res_layer.0", m[2])),
    (r"params/body/unit(\d+)/conv1/weight", r"body.\1.res_layer.1.weight"),
    (r"params/body/unit(\d+)/prelu/weight", r"body.\1.res_layer.2.weight"),
    (r"params/body/unit(\d+)/conv2/weight", r"body.\1.res_layer.3.weight"),
    (r"\w+/body/unit(\d+)/bn2/(\w+)", lambda m: norm(f"body.{m[1]}.res_layer.4", m[2])),
    (r"params/body/unit(\d+)/se/fc(\d)/weight", r"body.\1.res_layer.5.fc\2.weight"),
)
ARCFACE_NAMES: Table = (
    *IRSE_NAMES,
    (r"\w+/out_bn1/(\w+)", lambda m: norm("output_layer.0", m[1])),
    (r"params/out/(weight|bias)", r"output_layer.3.\1"),
    (r"\w+/out_bn2/(\w+)", lambda m: norm("output_layer.4", m[1])),
)
# Of torchvision.
RESNET_NAMES: Table = (
    (r"params/body/conv1/weight", "conv1.weight"),
    (r"\w+/body/bn1/(\w+)", lambda m: norm("bn1", m[1])),
    (r"params/body/(layer\d+)_(\d+)/(conv\d)/weight", r"\1.\2.\3.weight"),
    (r"\w+/body/(layer\d+)_(\d+)/(bn\d)/(\w+)", lambda m: norm(f"{m[1]}.{m[2]}.{m[3]}", m[4])),
    (r"params/body/(layer\d+)_(\d+)/downsample_0/weight", r"\1.\2.downsample.0.weight"),
    (r"\w+/body/(layer\d+)_(\d+)/downsample_1/(\w+)", lambda m: norm(f"{m[1]}.{m[2]}.downsample.1", m[3])),
)


def load_arcface(path: str | Path) -> Network:
    """Load ArcFace's IR-SE50, such as `model_ir_se50.pth`, as an embedding for `losses.identity`.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: It holds other arrays; they are named.
    """
    return arcface(read(path))


def arcface(arrays: Mapping[str, np.ndarray]) -> Network:
    """Make ArcFace of a state dict's arrays."""
    module = ArcFace()

    def layout(path: str, array: np.ndarray) -> np.ndarray:
        if path != "params/out/weight" or array.ndim != 2 or array.shape[1] % HEAD**2:
            return from_torch(path, array)
        # Torch flattens channels first.
        return array.reshape(len(array), -1, HEAD, HEAD).transpose(2, 3, 1, 0).reshape(-1, len(array))

    return network(module, "features.arcface", {}, arrays, ARCFACE_NAMES, layout, ignored=COUNTED)


def load_moco(path: str | Path) -> Network:
    """Load MoCo's ResNet-50, such as `moco_v2_800ep_pretrain.pt`, as an embedding for `losses.identity`.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: It holds other arrays; they are named.
    """
    arrays = read(path)
    start = "module.encoder_q."
    own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)} or arrays
    # The key encoder, the queue and the projection are of no use here.
    return network(MoCo(), "features.moco", {}, own, RESNET_NAMES, ignored=rf"{COUNTED}|fc\..*")


def read(path: str | Path) -> Mapping[str, np.ndarray]:
    """Return a file's arrays by name."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return arrays_of(path)
