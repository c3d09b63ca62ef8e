"""BigGAN-PyTorch's files, through `load`, compute what its code computes from them."""

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code
from jaxgan.io import from_biggan, pickles
from tests.tolerances import NETWORK


@pytest.fixture(scope="module", params=("biggan_32", "biggan_deep_32"))
def case(request, golden):
    """The file's path, and the reference arrays with images channels last and classes one-hot."""
    with np.load(golden(f"{request.param}.npz")) as arrays:
        found = {name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array for name, array in arrays.items()}
    return golden(f"{request.param}.pth"), {**found, "y": np.asarray(jax.nn.one_hot(found["y"], 7))}


def test_images_agree_with_the_reference(case, close):
    path, arrays = case
    code = Code(arrays["z"], "z", cond=arrays["y"])
    close(jg.load(path)(code), arrays["image"], NETWORK, "image")


def test_logits_agree_with_the_reference(case, close):
    path, arrays = case
    close(jg.load(path, part="D")(arrays["image_in"], arrays["y"]), arrays["logits"], NETWORK, "logits")


def test_state_dicts_are_written_back_bit_by_bit(case):
    held = pickles.read(case[0]).value
    back = {f"{part}.{k}": v for part in "GD" for k, v in from_biggan.written(jg.load(case[0], part=part)).items()}
    assert back.keys() == held.keys()
    for name, array in back.items():
        assert array.shape == held[name].shape and np.array_equal(array, held[name]), name
