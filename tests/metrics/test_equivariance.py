"""Equivariance figures of generators whose equivariance is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.metrics.equivariance import (
    KINDS,
    as_if_rotated,
    bandlimit,
    decibels,
    decibels_error,
    equivariance,
    rotated,
    translated,
    turn,
)
from jaxgan.models import stylegan2, stylegan3
from tests.tolerances import OP


class Waves:
    """Draws the slow waves that a code names at the points that a matrix moves to the pixels: equivariant to all."""

    resolution = 64

    def __init__(self, moved=None, noise=0.0):
        self.inverse, self.noise = np.linalg.inv(np.eye(3) if moved is None else moved), noise

    def sample(self, key, n, cond=None):
        return jax.random.normal(key, (n, 6, 4))

    def __call__(self, code):
        place = (np.arange(64) - 31.5) / 64
        x, y = np.meshgrid(place, place)
        u, v, _ = np.einsum("ij,jhw->ihw", self.inverse, np.stack([x, y, np.ones_like(x)]))
        frequency, phase, height = 3 * jnp.tanh(code[..., :2]), code[..., 2], code[..., 3] / 10
        waves = jnp.cos(2 * np.pi * (jnp.tensordot(frequency, jnp.stack([u, v]), 1) + phase[..., None, None]))
        image = jnp.sum(height[..., None, None] * waves, 1)
        return image[..., None] + self.noise * np.random.default_rng(0).standard_normal((64, 64, 1))


def figures(g, n=8, kinds=KINDS, **how):
    return {k: decibels(v) for k, v in equivariance(g, jax.random.key(0), n, batch=4, kinds=kinds, **how).items()}


def test_an_equivariant_generator_is_found_to_be_one():
    found = figures(Waves(), transformed=lambda g, matrix: Waves(matrix))
    assert found["eq_t"] > 100 and found["eq_t_frac"] > 40 and found["eq_r"] > 45


def test_noise_that_stays_where_it_is_counts_for_what_it_is():
    # Two independent draws of deviation 0.1 differ by a mean square of 0.02: 10 log10(4 / 0.02) = 23.01 dB.
    found = figures(Waves(noise=0.1), transformed=lambda g, matrix: Waves(matrix, noise=0.1), kinds=("eq_t",))
    assert found["eq_t"] == pytest.approx(10 * math.log10(4 / 0.02), abs=0.3)


def test_turning_the_wrong_way_is_noticed():
    backwards = figures(Waves(), transformed=lambda g, matrix: Waves(np.linalg.inv(matrix)))
    assert all(value < 35 for value in backwards.values())


def test_alias_free_generators_are_equivariant_to_what_they_should_be():
    sizes = dict(layers=3, critical=1, channel_base=256, channel_max=8, z_dim=8, w_dim=8)
    t, r = (
        figures(stylegan3.arch(16, **sizes, **how).init(jax.random.key(0)), n=4)
        for how in ({}, {"kernel": 1, "radial": True})
    )
    assert min(t["eq_t"], r["eq_t"]) > 90 and min(t["eq_t_frac"], r["eq_t_frac"]) > 60
    assert t["eq_r"] < 65 < 70 < r["eq_r"]


def test_a_generator_that_sticks_to_its_grid_is_found_to_do_so():
    g = stylegan2.arch(16, channel_base=256, channel_max=8, z_dim=8, w_dim=8, mapping_layers=2).init(jax.random.key(0))

    def transformed(g, matrix):
        block = g.params["synthesis"]["b4"]
        shift = 4 * jnp.asarray(matrix, jnp.float32)[:2, 2]
        const = translated(block["const"][None], shift, fractional=True)[0][0]
        synthesis = {**g.params["synthesis"], "b4": {**block, "const": const}}
        return g.replace(params={**g.params, "synthesis": synthesis})

    found = figures(g, n=4, kinds=("eq_t", "eq_t_frac"), transformed=transformed)
    assert all(5 < value < 30 for value in found.values())


def test_whole_shifts_move_pixels_and_say_which(close):
    images = jax.random.normal(jax.random.key(0), (2, 9, 12, 3))
    moved, mask = translated(images, jnp.array([3.0, -2.0]), fractional=False)
    assert np.array_equal(moved[:, :7, 3:], images[:, 2:, :9])
    assert float(mask.sum()) == 7 * 9 and np.all(mask[:, :7, 3:] == 1)
    resampled, inner = translated(images, jnp.array([3.0, -2.0]), fractional=True)
    close(resampled * inner, moved * inner, OP, "a whole shift needs no resampling")
    assert 0 < float(inner.sum()) < float(mask.sum())


def test_rotation_by_nothing_is_the_filter_alone(close):
    images = jax.random.normal(jax.random.key(0), (1, 40, 40, 1))
    turned, inside = rotated(images, 0.0)
    filtered, whole = as_if_rotated(images, 0.0)
    close(turned * inside * whole, filtered * inside * whole, 2e-2, "filters designed on two grids")
    assert float((inside * whole).sum()) > 500


def test_the_bandlimit_keeps_what_is_constant(close):
    taps = bandlimit(turn(0.7), 4)
    assert taps.shape == (47, 47)
    phases = np.pad(taps, (0, 1)).reshape(12, 4, 12, 4).sum((0, 2))
    close(phases, np.ones((4, 4)), OP)
    close(taps, taps[::-1, ::-1], OP, "point symmetric")


def test_the_last_batch_is_cut_and_unknown_kinds_are_refused():
    ticks = []
    errors = equivariance(
        Waves(),
        jax.random.key(0),
        5,
        batch=4,
        kinds=("eq_t_frac",),
        transformed=lambda g, m: Waves(m),
        tick=ticks.append,
    )
    assert errors["eq_t_frac"].shape == (5, 2) and ticks == [4, 1]
    assert decibels_error(errors["eq_t_frac"], 20, np.random.default_rng(0)) > 0
    with pytest.raises(ValueError, match="no kind of equivariance 'eq_x'"):
        equivariance(Waves(), jax.random.key(0), 1, kinds=("eq_x",))
