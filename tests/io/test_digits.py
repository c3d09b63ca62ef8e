import gzip

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.io.digits import load_lenet
from jaxgan.io.records import UnreadableFile
from jaxgan.metrics.labels import label_figures


@pytest.fixture(scope="module")
def lenet(shared_data):
    return load_lenet(shared_data("weights/csinva_mnist/lenet_classifier.pth"))


@pytest.fixture(scope="module")
def digits(shared_data):
    """The MNIST test set in [-1, 1], and its labels."""
    images = gzip.decompress(shared_data("digits/mnist-t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress(shared_data("digits/mnist-t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    pixels = np.frombuffer(images, np.uint8).reshape(-1, 28, 28, 1)
    return pixels.astype(np.float32) / 127.5 - 1, np.frombuffer(labels, np.uint8)


def test_lenet_reads_the_test_digits_as_well_as_published(lenet, digits):
    images, labels = digits
    read = np.concatenate([lenet(jnp.asarray(part)) for part in np.split(images, 10)])
    assert (read.argmax(1) == labels).mean() == pytest.approx(0.9903, abs=2e-4)
    figures = label_figures(read)
    assert figures["classes"] == 10 and figures["confident"] > 0.97 and figures["label_entropy"] > 2.29


def test_a_file_with_other_arrays_is_refused_by_name(shared_data):
    with pytest.raises(UnreadableFile, match=r"missing: convnet\.c1\.bias.*unknown: fc1\.weight"):
        load_lenet(shared_data("weights/csinva_mnist/vae_epoch_25.pth"))
