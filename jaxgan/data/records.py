"""TensorFlow Datasets, read without TensorFlow."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from glob import glob
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from jaxgan.data.sources import nearest, one_hot
from jaxgan.data.transforms import Unreadable, pixels


class Records:
    """Hold one split of a TensorFlow Datasets data set, stored as array_record or parquet; its images stay encoded.

    The first image feature gives the images, the first class label the labels (one-hot).

    Args:
        spec: NAME[:SPLIT], the split "train" by default.
        channels: 1, 3, or None: what the image feature says.
        data_dir: where the files are; TensorFlow Datasets' own default where None.
        download: whether to download and prepare what is not there yet.
    """

    def __init__(self, spec: str, channels: int | None, data_dir: str | Path | None, download: bool):
        import tensorflow_datasets as tfds
        from tensorflow_datasets.core.registered import DatasetNotFoundError

        name, _, split = spec.partition(":")
        split = split or "train"
        self.name = f"tfds:{name}:{split}"
        try:
            builder: Any = tfds.builder(name, data_dir=data_dir, file_format="array_record")
        except DatasetNotFoundError:
            known = tfds.list_builders(with_community_datasets=False)
            hint = nearest(name, known)
            raise ValueError(f"TensorFlow Datasets has no {name!r}{hint or ', see tfds.list_builders()'}") from None
        except (ValueError, KeyError) as error:
            raise ValueError(f"{self.name} cannot be opened: {_line(error)}") from None
        features: Any = builder.info.features
        images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
        classes = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
        if not images:
            raise ValueError(f"{self.name} has no images, only {', '.join(features)}")
        if not builder.is_prepared():
            _prepare(builder, name, download)
        try:
            self.records = builder.as_data_source(split, decoders={images[0]: tfds.decode.SkipDecoding()})
        except NotImplementedError:
            raise ValueError(
                f"{self.name} is stored as {builder.info.file_format.value}, need array_record or parquet: "
                f"tfds build {name} --file_format=array_record --overwrite"
            ) from None
        except ValueError as error:
            raise ValueError(f"{self.name}: {_line(error)}") from None
        self.image_key, self.label_key = images[0], classes[0] if classes else None
        shape = features[self.image_key].shape
        self.channels = channels or (1 if shape[-1] == 1 else 3)
        self.resolution = None if None in shape[:2] else min(shape[:2])
        self.label_size = features[self.label_key].num_classes if classes else 0
        self.label_names = tuple(features[self.label_key].names or ()) if classes else ()
        said = (str(builder.info.full_name), split, len(self.records), builder.info.dataset_size)
        self.fingerprint = hashlib.sha256(repr(said).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        record = self.records[index]
        try:
            with Image.open(BytesIO(record[self.image_key])) as image:
                item = {"image": pixels(image, self.channels)}
        except Exception as error:  # decoders of broken files raise anything
            raise Unreadable(f"record {index} of {self.name}: {_line(error)}") from error
        if self.label_key is None:
            return item
        return item | {"label": one_hot([record[self.label_key]], self.label_size)[0]}


def _prepare(builder: Any, name: str, download: bool) -> None:
    if not download:
        raise ValueError(
            f"tfds:{name} is not prepared in {builder.data_path}: tfds build {name} --file_format=array_record"
        )
    for feature in builder.info.features.values():
        if type(feature).__name__ == "Image":
            _encode_with_pillow(feature)
    try:
        with _local_files(builder):
            builder.download_and_prepare(file_format="array_record")
    except (ImportError, AttributeError) as error:  # AttributeError: more of TensorFlow than its files
        raise ValueError(
            f"preparing tfds:{name} needs another package once ({_line(error)}); reading does not. "
            f"Where it is installed: tfds build {name} --file_format=array_record"
        ) from None
    except Exception as error:  # no network, no space, a moved address: whatever its builder meets
        raise ValueError(f"tfds:{name} cannot be prepared: {_line(error)}") from error


@contextmanager
def _local_files(builder: Any) -> Iterator[None]:
    """Where there is no TensorFlow, give the modules that prepare this data set its file functions, for local files.

    Most builders, and the module that unpacks their archives, call TensorFlow for nothing but `tf.io.gfile`.
    """
    names = {kind.__module__ for kind in type(builder).__mro__} | {"tensorflow_datasets.core.download.extractor"}
    modules = [
        vars(sys.modules[name]) for name in names if "tf" in vars(sys.modules[name]) and not find_spec("tensorflow")
    ]
    kept = [module["tf"] for module in modules]
    files = SimpleNamespace(
        GFile=open,
        Open=open,
        copy=copyfile,
        exists=os.path.exists,
        glob=glob,
        isdir=os.path.isdir,
        listdir=os.listdir,
        makedirs=partial(os.makedirs, exist_ok=True),
        walk=os.walk,
    )
    for module in modules:
        module["tf"] = SimpleNamespace(io=SimpleNamespace(gfile=files), compat=SimpleNamespace(as_text=os.fsdecode))
    try:
        yield
    finally:
        for module, tensorflow in zip(modules, kept, strict=True):
            module["tf"] = tensorflow


def _encode_with_pillow(feature: Any) -> None:
    """Let this one builder store arrays as PNG through Pillow; TensorFlow Datasets itself calls TensorFlow for that."""
    plain = feature.encode_example

    def encode(value):
        if isinstance(value, np.ndarray) and value.dtype == np.uint8:
            value = Image.fromarray(value[..., 0] if value.shape[-1] == 1 else value)
        return plain(value)

    feature.encode_example = encode


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
