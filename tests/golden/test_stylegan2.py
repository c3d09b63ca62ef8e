"""NVIDIA's files, through `load`, compute what NVIDIA's code computes from them."""

import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.io import load
from tests.tolerances import NETWORK

CASES = ("stylegan2_cond32", "stylegan2_uncond64")


@pytest.fixture(scope="module", params=CASES)
def case(request, golden):
    """The file's path and the reference arrays, with images channels last."""
    with np.load(golden(f"{request.param}.npz")) as arrays:
        found = {name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array for name, array in arrays.items()}
    return golden(f"{request.param}.pkl"), found


@pytest.fixture(scope="module")
def generator(case):
    return load(case[0])


def test_mapping_agrees_with_nvidias(case, generator, close):
    arrays = case[1]
    code = Code(arrays["z"], "z", cond=arrays["c"])
    close(generator.to(code, "w+").value, arrays["ws"], NETWORK, "ws")
    truncated = generator.to(code, "w+", psi=0.6, cutoff=4).value
    close(truncated, arrays["ws_psi0.6_cutoff4"], NETWORK, "truncated ws")
    assert np.abs(np.asarray(truncated) - arrays["ws"]).max() > 0.01


def test_synthesis_agrees_with_nvidias(case, generator, close):
    arrays = case[1]
    ws = Code(arrays["ws"], "w+")
    close(generator(ws, noise="const"), arrays["image_const"], NETWORK, "constant noise")
    close(generator(ws, noise="none"), arrays["image_none"], NETWORK, "no noise")
    close(generator(Code(arrays["wplus"], "w+")), arrays["image_wplus_const"], NETWORK, "w+")


def test_the_way_from_z_is_the_way_from_ws(case, generator, close):
    arrays = case[1]
    close(generator(Code(arrays["z"], "z", cond=arrays["c"])), arrays["image_const"], NETWORK, "from z")


def test_discriminator_agrees_with_nvidias(case, close):
    arrays = case[1]
    discriminator = load(case[0], part="D")
    cond = arrays["c"] if arrays["c"].shape[1] else None
    logits = discriminator(arrays["image_in"], cond)
    assert logits.shape == (len(arrays["image_in"]), 1)
    close(logits, arrays["logits"], NETWORK, "logits")


def test_the_averaged_generator_is_not_the_trained_one(case, generator):
    trained = load(case[0], part="G")
    assert trained.arch == generator.arch == load(case[0], part="G_ema").arch
    averaged, raw = (np.asarray(g.params["mapping"]["fc0"]["weight"]) for g in (generator, trained))
    assert np.abs(averaged - raw).max() > 0.1
