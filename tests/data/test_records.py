import itertools
import logging
import pickle
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import batches, source

tfds = pytest.importorskip("tensorflow_datasets")


class JaxganTinyBlobs(tfds.core.GeneratorBasedBuilder):
    """Twelve flat pictures of three classes, made here; some come as encoded files and some as arrays."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["a", "b", "c"]),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        return {"train": self._generate_examples(12), "test": self._generate_examples(5)}

    def _generate_examples(self, n):
        for i in range(n):
            array = np.full((16, 20, 3), 5 * i, np.uint8)
            file = BytesIO()
            Image.fromarray(array).save(file, "png")
            file.seek(0)
            yield i, {"image": array if i % 2 else file, "label": i % 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    logging.getLogger("absl").setLevel(logging.ERROR)
    path = tmp_path_factory.mktemp("tfds")
    source("tfds:jaxgan_tiny_blobs", data_dir=path)
    return path


def test_data_set_is_prepared_and_read_without_tensorflow(folder):
    data = source("tfds:jaxgan_tiny_blobs", data_dir=folder, download=False)
    assert (len(data), data.channels, data.resolution, data.label_names) == (12, 3, None, ("a", "b", "c"))
    seen = {int(item["image"][0, 0, 0]): int(item["label"].argmax()) for item in (data[i] for i in range(12))}
    assert seen == {5 * i: i % 3 for i in range(12)}
    assert data[0]["image"].shape == (16, 20, 3)
    assert "tensorflow" not in sys.modules


def test_splits_are_named_in_its_own_language(folder):
    assert len(source("tfds:jaxgan_tiny_blobs:test", data_dir=folder)) == 5
    half = source("tfds:jaxgan_tiny_blobs:train[:50%]", data_dir=folder)
    assert len(half) == 6 and half.fingerprint != source("tfds:jaxgan_tiny_blobs", data_dir=folder).fingerprint


def test_records_survive_pickling_and_come_in_batches(folder):
    data = pickle.loads(pickle.dumps(source("tfds:jaxgan_tiny_blobs", data_dir=folder)))
    epoch = list(itertools.islice(batches(data, 4, seed=0, resolution=8), 3))
    assert epoch[0]["image"].shape == (4, 8, 8, 3)
    assert np.array_equal(sum(item["label"].sum(0) for item in epoch), [4, 4, 4])


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("tfds:jaxgan_tiny_blob", "has no 'jaxgan_tiny_blob'; did you mean 'jaxgan_tiny_blobs'"),
        ("tfds:mnits", "did you mean 'mnist'"),
        ("tfds:jaxgan_tiny_blobs:dev", "Unknown split 'dev'"),
        ("tfds:cifar10", "cifar10 is not prepared in .*tfds build cifar10"),
        ("tfds:ag_news_subset", "has no images, only"),
        ("tfds:", "has no ''|cannot be opened"),
    ],
)
def test_bad_names_are_told_in_one_line(folder, spec, word):
    with pytest.raises(ValueError, match=word) as caught:
        source(spec, data_dir=folder, download=False)
    assert "\n" not in str(caught.value)
