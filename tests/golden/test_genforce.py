"""genforce's PGGAN and StyleGAN files, through `load`, compute what genforce's code computes from them."""

import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.io import load
from tests.tolerances import NETWORK


@pytest.fixture(scope="module", params=("pggan_32", "stylegan_32"))
def case(request, golden):
    """The file's path and the reference arrays, with images channels last."""
    with np.load(golden(f"{request.param}.npz")) as arrays:
        found = {name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array for name, array in arrays.items()}
    return golden(f"{request.param}.pth"), found


def test_every_space_and_the_image_agree_with_genforces(case, close):
    path, arrays = case
    g = load(path)
    code = Code(arrays["z"], "z")
    close(g(code), arrays["image"], NETWORK, "image")
    for space, name in (("w", "w"), ("w+", "wp")):
        if name in arrays:
            close(g.to(code, space).value, arrays[name], NETWORK, space)
    styles = [arrays[name] for name in sorted(arrays) if name.startswith("style")]
    for i, style in enumerate(styles):
        close(g.to(code, "s").value[i], style, NETWORK, f"style {i}")
    assert len(styles) == (0 if g.spaces == ("z",) else 8)


def test_discriminator_agrees_with_genforces(case, close):
    path, arrays = case
    logits = load(path, part="D")(arrays["image_in"])
    assert logits.shape == (len(arrays["image_in"]), 1)
    close(logits, arrays["logits"], NETWORK, "logits")
