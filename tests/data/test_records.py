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


@pytest.fixture
def mnist_server(tmp_path, monkeypatch):
    """TensorFlow Datasets' own MNIST builder, downloading a small MNIST from this machine."""
    import gzip
    import struct
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from tensorflow_datasets.image_classification import mnist

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    for split, n in (("train", 30), ("t10k", 20)):
        images = np.repeat(np.arange(n, dtype=np.uint8), 28 * 28).tobytes()
        labels = (np.arange(n) % 10).astype(np.uint8).tobytes()
        for name, data in (
            (f"{split}-images-idx3-ubyte.gz", struct.pack(">4I", 0x803, n, 28, 28) + images),
            (f"{split}-labels-idx1-ubyte.gz", struct.pack(">2I", 0x801, n) + labels),
        ):
            (tmp_path / name).write_bytes(gzip.compress(data))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(mnist.MNIST, "URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(mnist, "_TRAIN_EXAMPLES", 30)
    monkeypatch.setattr(mnist, "_TEST_EXAMPLES", 20)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_public_data_set_is_downloaded_unpacked_and_prepared_without_tensorflow(mnist_server, tmp_path):
    data = source("tfds:mnist", data_dir=tmp_path / "tfds")
    assert (len(data), data.channels, data.resolution, data.label_size) == (30, 1, 28, 10)
    seen = {int(item["image"][3, 4, 0]): int(item["label"].argmax()) for item in (data[i] for i in range(30))}
    assert seen == {i: i % 10 for i in range(30)}
    assert len(source("tfds:mnist:test", data_dir=tmp_path / "tfds", download=False)) == 20


def test_failed_download_is_told_in_one_line(mnist_server, tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="tfds:mnist cannot be prepared") as caught:
        source("tfds:mnist", data_dir=tmp_path / "tfds")
    assert "\n" not in str(caught.value)


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
