"""Frozen judges from weight files: LPIPS and SqueezeNet features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxgan.core.network import Network
from jaxgan.features.lpips import lpips
from jaxgan.features.trunks import Pooled, SqueezeNet, trunk_params
from jaxgan.io.pickles import read

# Beginnings of file names, as torchvision and others publish them.
FILES = {"vgg": ("vgg16",), "alex": ("alexnet",), "squeeze": ("squeezenet1_1", "squeezenet_v1.1")}
ENDINGS = (".npz", ".safetensors", ".pth", ".pt")

# Layers of the Caffe model by its authors' names, and where torchvision has them.
CAFFE_LAYERS = {"conv1": "features.0"} | {
    f"fire{fire}": f"features.{place}" for fire, place in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)
}
CAFFE_PARTS = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}


def load_lpips(trunk: str = "vgg", *, weights: str | Path, heads: str | Path) -> Network:
    """Load LPIPS from the file of a trunk and the file of its linear heads.

    Args:
        trunk: "vgg", "alex" or "squeeze".
        weights: The trunk: torchvision's `.pth`, the same arrays as `.safetensors` or `.npz`, or SqueezeNet's Caffe
            model as `.npz` with names such as `fire2.squeeze1x1.kernel`; or a folder with one such file.
        heads: The heads of PerceptualSimilarity, such as `weights/v0.1/vgg.pth`; or a folder with `{trunk}.pth`.

    Returns:
        Network for `features.lpips.distance` and `losses.lpips`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file holds other arrays.

    With the Caffe SqueezeNet the distance is a working perceptual one, but not the published LPIPS to the digit: the
    heads were trained on torchvision's SqueezeNet.
    """
    if trunk not in FILES:
        raise ValueError(f"There is no trunk {trunk!r}; allowed: {', '.join(map(repr, FILES))}.")
    arrays, caffe = trunk_arrays(one_file(weights, FILES[trunk]))
    return lpips(trunk, arrays, arrays_of(one_file(heads, (trunk,))), caffe=caffe)


def load_squeezenet(weights: str | Path, size: int = 227) -> Network:
    """Load SqueezeNet 1.1 as features for Fréchet distances (`frechet_squeezenet`): images to vectors [N, 512].

    Args:
        weights: File or folder as in `load_lpips`.
        size: Side that images are resized to.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds other arrays.
    """
    arrays, caffe = trunk_arrays(one_file(weights, FILES["squeeze"]))
    trunk = SqueezeNet(caffe=caffe)
    config = (("caffe", caffe), ("size", size))
    return Network({"trunk": trunk_params(trunk, arrays)}, {}, Pooled(trunk, size), "features.squeezenet", config)


def one_file(path: str | Path, beginnings: tuple[str, ...]) -> Path:
    """Return the file itself, or the one file of a folder whose name begins so."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if path.is_file():
        return path
    found = [p for p in sorted(path.iterdir()) if p.name.startswith(beginnings) and p.suffix in ENDINGS]
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise FileNotFoundError(
            f"{path} should hold one file {' or '.join(b + '*' for b in beginnings)} ({', '.join(ENDINGS)}), "
            f"it holds {names}. Give the path of the file."
        )
    return found[0]


def arrays_of(path: Path) -> Mapping[str, np.ndarray]:
    """Return the arrays of a file by name."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    value = read(path).value
    if isinstance(value, Mapping) and isinstance(value.get("state_dict"), Mapping):
        value = value["state_dict"]
    if not isinstance(value, Mapping) or not all(isinstance(v, np.ndarray) for v in value.values()):
        raise ValueError(f"{path} holds no state dict (names to arrays), but a {type(value).__name__}.")
    return value


def trunk_arrays(path: Path) -> tuple[Mapping[str, np.ndarray], bool]:
    """Return a trunk's arrays by torchvision's names, and whether they are the Caffe SqueezeNet's."""
    arrays = arrays_of(path)
    if "conv1.kernel" not in arrays:
        return arrays, False
    renamed = {}
    for name, value in arrays.items():
        layer, *part, kind = name.split(".")
        if layer in CAFFE_LAYERS:
            middle = "".join(f".{CAFFE_PARTS.get(p, p)}" for p in part)
            ending, value = ("weight", value.transpose(3, 2, 0, 1)) if kind == "kernel" else (kind, value)
            renamed[f"{CAFFE_LAYERS[layer]}{middle}.{ending}"] = value
    return renamed, True
