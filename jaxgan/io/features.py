"""Frozen judges from weight files: LPIPS, SqueezeNet and Inception features."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxgan.core.network import Network
from jaxgan.features.attributes import pixels
from jaxgan.features.classifier import Classifier, Vectors
from jaxgan.features.factors import factor_probe
from jaxgan.features.inception import inception, random_inception
from jaxgan.features.lpips import lpips
from jaxgan.features.random import random_features
from jaxgan.features.trunks import TRUNKS, Pooled, SqueezeNet, trunk_params
from jaxgan.io.fetch import INCEPTION, fetched
from jaxgan.io.pickles import read
from jaxgan.io.records import UnreadableFile
from jaxgan.training.cache import user_cache

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


def load_classifier(path: str | Path) -> Network:
    """Load a classifier that was trained here as features: images to the vectors that its scores are read from.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds something else.
    """
    from jaxgan.io.files import load

    network = load(path)
    if not isinstance(network, Network) or not isinstance(network.module, Classifier):
        raise ValueError(f"{path} holds no classifier; `jaxgan train` with a config of one makes it.")
    inside = lambda tree: {"classifier": tree}
    return Network(inside(network.params), inside(network.buffers), Vectors(network.module), "features.classifier")


INCEPTION_FILE = "pt_inception-2015-12-05-6726825d.pth"
INCEPTION_DIGEST = "6726825d"


def load_inception(weights: str | Path, resize: str = "tensorflow") -> Network:
    """Load InceptionV3 as features for FID: images to vectors [N, 2048], with class scores for the Inception score.

    Args:
        weights: pytorch-fid's `pt_inception-2015-12-05-6726825d.pth` (also torch-fidelity's, which holds the same), or
            torchvision's `inception_v3_google-*.pth`, whose figures are not called FID; or the same arrays as
            `.safetensors` or `.npz`.
        resize: "tensorflow" (the original, and NVIDIA's), "pytorch" (pytorch-fid's) or "clean" (clean-FID's).

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFile: If the file is a program, as NVIDIA's `inception-2015-12-05.pt` is.
        ValueError: If the file holds other arrays.
    """
    path = one_file(weights, ("pt_inception", "inception", "weights-inception"))
    try:
        arrays = arrays_of(path)
    except UnreadableFile as error:
        if "TorchScript" in str(error) or path.suffix == ".pkl":
            raise UnreadableFile(
                f"{error}. NVIDIA's Inception is a program for torch; give {INCEPTION_FILE}"
            ) from error
        raise
    return inception(arrays, resize)


def feature_network(word: str, resize: str = "tensorflow") -> Network:
    """Return the feature network that a word of the command line names.

    Args:
        word: "random", "inception-random", "inception:FILE", "inception:fetch", "squeezenet:FILE", "clip:FILE" (its
            image side), or "classifier:FILE" for one that was trained here, on a folder's own classes, say. "fetch"
            stands for pytorch-fid's file, which is fetched from where it is published into the user's cache, once.
        resize: How Inception's images come to 299 pixels.

    Raises:
        ValueError: There is no such word; or the file is none of that network.
        OSError: There is no such file, or it cannot be fetched.
    """
    from jaxgan.io.from_clip import load_clip

    kind, _, path = word.partition(":")
    if word == "inception:fetch":
        path = str(fetched(INCEPTION, INCEPTION_DIGEST, user_cache() / "weights"))
    makers = {
        "random": lambda: random_features(),
        "inception-random": lambda: random_inception(resize),
        "inception": lambda: load_inception(path, resize),
        "squeezenet": lambda: load_squeezenet(path),
        "clip": lambda: load_clip(path).image.replace(name="features.clip"),
        "classifier": lambda: load_classifier(path),
    }
    allowed = "random, inception-random, inception:FILE, squeezenet:FILE, clip:FILE, classifier:FILE"
    if kind not in makers:
        near = difflib.get_close_matches(kind, makers, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {allowed}"
        raise ValueError(f"there are no features {word!r}{hint}")
    if bool(path) != (kind in ("inception", "squeezenet", "clip", "classifier")):
        more = f"takes no file, got {path!r}" if path else f"needs the file of its weights: {kind}:FILE"
        raise ValueError(f"features {kind!r} {more}")
    return makers[kind]()


def frozen(word: str) -> Any:
    """Load a network that a training run takes as it is.

    Args:
        word: A file or bundled name, as for `load`; or "lpips:TRUNK:WEIGHTS:HEADS" as for `load_lpips`,
            "arcface:FILE" as for `load_arcface`, "moco:FILE" as for `load_moco`, "clip:FILE:VOCABULARY" as for
            `load_clip`, which is an embedder; or a scorer: "pixels" for `attributes.pixels`, "factors:RESOLUTION" for
            a `factor_probe` of images of that size.

    Raises:
        ValueError: The word lacks a part.
        FileNotFoundError, UnreadableFile: As the loaders.
    """
    from jaxgan.io.embedders import load_arcface, load_moco
    from jaxgan.io.files import load
    from jaxgan.io.from_clip import load_clip

    kind, *paths = word.split(":")
    makers = {
        "lpips": (3, lambda trunk, weights, heads: load_lpips(trunk, weights=weights, heads=heads)),
        "arcface": (1, load_arcface),
        "moco": (1, load_moco),
        "clip": (2, load_clip),
        "factors": (1, lambda side: factor_probe(int(side))),
        "pixels": (0, pixels),
    }
    if kind not in makers or Path(word).exists():
        return load(word)
    count, make = makers[kind]
    if len(paths) != count or not all(paths):
        forms = {"lpips": "lpips:TRUNK:WEIGHTS:HEADS", "clip": "clip:FILE:VOCABULARY", "factors": "factors:RESOLUTION"}
        form = forms.get(kind, f"{kind}:FILE" if count else kind)
        raise ValueError(f"{word!r} lacks a part, or has one too many; write {form}.")
    return make(*paths)


def trunk_of(heads: str | Path) -> str:
    """Tell by the widths of LPIPS heads which trunk they belong to: "vgg", "alex" or "squeeze"."""
    path = Path(heads)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    arrays = arrays_of(path)
    widths = [
        np.asarray(arrays[n]).size for i in range(8) for n in (f"lin{i}.model.1.weight", f"lin{i}") if n in arrays
    ]
    found = [name for name, trunk in TRUNKS.items() if widths == list(trunk.channels)]
    if not found:
        raise ValueError(f"{path} holds no LPIPS heads that are known: widths {widths}.")
    return found[0]


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
