"""NVIDIA's StyleGAN3 files, through `load`, compute what NVIDIA's code computes from them."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.io import load
from jaxgan.models import stylegan3
from tests.tolerances import NETWORK

CASES = ("stylegan3t_32", "stylegan3r_32")


@pytest.fixture(scope="module", params=CASES)
def case(request, golden):
    """The file's path and the reference arrays, with images channels last."""
    with np.load(golden(f"{request.param}.npz")) as arrays:
        found = {name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array for name, array in arrays.items()}
    return golden(f"{request.param}.pkl"), found


@pytest.fixture(scope="module")
def generator(case):
    return load(case[0])


def code_of(arrays):
    return Code(arrays["z"], "z", cond=arrays["c"] if arrays["c"].shape[1] else None)


def test_mapping_agrees_with_nvidias(case, generator, close):
    close(generator.to(code_of(case[1]), "w+").value, case[1]["ws"], NETWORK, "ws")


def test_synthesis_agrees_with_nvidias(case, generator, close):
    close(generator(Code(case[1]["ws"], "w+")), case[1]["image"], NETWORK, "from ws")
    close(generator(code_of(case[1])), case[1]["image"], NETWORK, "from z")


def test_the_moved_image_agrees_with_nvidias(case, generator, close):
    # The file's buffer maps image to plane: it is the inverse of what happens to the image.
    moved = stylegan3.transformed(generator, np.linalg.inv(case[1]["transform"]))
    close(moved.buffers["synthesis"]["input"]["transform"], case[1]["transform"], 1e-6)
    close(moved(Code(case[1]["ws"], "w+")), case[1]["image_transformed"], NETWORK, "moved")
    assert np.abs(case[1]["image_transformed"] - case[1]["image"]).max() > 0.1


def test_one_transform_for_each_sample_is_as_good_as_one_for_all(case, generator, close):
    ws, inverse = Code(case[1]["ws"], "w+"), np.linalg.inv(case[1]["transform"])
    each = stylegan3.transformed(generator, jnp.stack([jnp.eye(3), *[inverse] * 3]))(ws)
    close(each[:1], case[1]["image"][:1], NETWORK, "left alone")
    close(each[1:], case[1]["image_transformed"][1:], NETWORK, "moved")


def test_the_averaged_generator_is_not_the_trained_one(case, generator):
    trained = load(case[0], part="G")
    assert trained.arch == generator.arch == load(case[0], part="G_ema").arch
    averaged, raw = (np.asarray(g.params["mapping"]["fc0"]["weight"]) for g in (generator, trained))
    assert averaged.shape == raw.shape
