"""Every inverter keeps the protocol: codes of the images, a loss for every step, and the figure of what is returned."""

import inspect
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import inversion
from jaxgan.core.network import initialise
from jaxgan.inversion import Found, papers
from jaxgan.losses import pixel
from tests import planted

KEY, N, STEPS = jax.random.key(5), 3, 4


class Look(nn.Module):
    """A tiny encoder to w+."""

    @nn.compact
    def __call__(self, images):
        return nn.Dense(36)(images.reshape(len(images), -1)).reshape(-1, 3, 12)


OTHERS = jnp.zeros((1, 8, 8, 3))
MASK = np.pad(np.zeros((4, 4), np.float32), 2, constant_values=1)
encoder = lambda: initialise(Look(), jax.random.key(0), OTHERS)

# How each is put together for a generator with styles; the suite fails if one is missing.
INVERTERS = {
    "again": lambda: inversion.again(inversion.refine(pixel(), steps=STEPS), 2, until=0.0),
    "bdinvert": lambda: papers.bdinvert("b4", pixel(), STEPS, first_steps=2, samples=100),
    "chain": lambda: inversion.chain(inversion.encode(encoder()), inversion.refine(pixel(), steps=STEPS, space="w+")),
    "crossover": lambda: inversion.crossover(OTHERS, MASK, pixel(), STEPS),
    "diffusion": lambda: inversion.diffusion(OTHERS, MASK, pixel(), STEPS, 2),
    "encode": lambda: inversion.encode(encoder(), objective=pixel()),
    "idinvert": lambda: papers.idinvert(encoder(), pixel(), STEPS),
    "ii2s": lambda: papers.ii2s(pixel(), STEPS, samples=100),
    "image2stylegan": lambda: papers.image2stylegan(pixel(), STEPS),
    "image2stylegan_pp": lambda: papers.image2stylegan_pp(pixel(), STEPS, 2, mask=MASK, layers=(0, 2)),
    "mganprior": lambda: papers.mganprior("b4", 2, pixel(), STEPS, samples=100),
    "nearest": lambda: inversion.nearest(16),
    "projector": lambda: papers.projector(pixel(), STEPS),
    "pti": lambda: papers.pti(pixel(), STEPS, 2),
    "refine": lambda: inversion.refine(pixel(), steps=STEPS),
    "soat": lambda: papers.soat(pixel(), STEPS, samples=100),
    "stylegan_encoder": lambda: papers.stylegan_encoder(encoder(), pixel(), STEPS, mask=MASK),
    "tune": lambda: inversion.chain(inversion.encode(encoder()), inversion.tune(pixel(), steps=STEPS)),
}


# Those that take a network of a kind of its own are held to the protocol where there is one.
ELSEWHERE = {"restyle": "encoders", "styleclip": "losses"}


def test_no_inverter_is_missing():
    public = {*papers.__all__, *(name for name in inversion.__all__ if inspect.isfunction(getattr(inversion, name)))}
    assert public == {*INVERTERS, *ELSEWHERE}
    tests = Path(__file__).parents[1]
    for name, folder in ELSEWHERE.items():
        assert any(f"{name}(" in file.read_text() for file in (tests / folder).glob("test_*.py")), name


@pytest.mark.slow
@pytest.mark.parametrize("name", INVERTERS)
def test_an_inverter_keeps_the_protocol(name):
    g = planted.layered()
    images = jnp.clip(g(g.sample(jax.random.key(1), N)), -1, 1)
    found, info = INVERTERS[name]()(Found(g), images, KEY)
    assert isinstance(found, Found) and len(found.code) == N
    drawn = found.images()
    assert drawn.shape == images.shape and np.all(np.isfinite(drawn))
    assert info["loss"].ndim == 2 and info["loss"].shape[1] == N and np.all(np.isfinite(info["loss"]))
    assert name in ("chain", "encode", "nearest", "tune") or len(info["loss"]) >= STEPS
    again, _ = INVERTERS[name]()(Found(g), images, KEY)
    jax.tree.map(np.testing.assert_array_equal, again.code, found.code)
    alone, _ = INVERTERS[name]()(Found(g), images[1:2], KEY)
    if name not in ("pti", "tune"):  # one generator for a batch, or steps that are larger than rounding
        np.testing.assert_allclose(alone.images(), drawn[1:2], rtol=2e-2, atol=2e-2)
