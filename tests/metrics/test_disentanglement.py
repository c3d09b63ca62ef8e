import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Directions
from jaxgan.metrics import disentanglement as d

RNG = np.random.default_rng(0)
N = 4000
FACTORS = np.stack([RNG.integers(0, k, N) for k in (4, 5, 3)], axis=1)
AXES = FACTORS + 0.05 * RNG.normal(size=(N, 3))
TURN = np.eye(3) - 2 / 3  # a reflection that mixes all three
NOISE = RNG.normal(size=(N, 3))
REAL = RNG.normal(size=(N, 3))


def test_axes_that_are_factors_score_highest_a_turned_basis_less_and_noise_nothing():
    spare = np.concatenate([AXES, NOISE[:, :1]], axis=1)
    score = lambda f, x: f(x, FACTORS)
    for f in (d.mig, d.sap):
        assert score(f, spare) > 0.5 > score(f, AXES @ TURN) and score(f, NOISE) < 0.05, f.__name__
    assert score(d.mig, spare) > 0.95
    vae = lambda x: d.factor_vae_score(x, FACTORS, seed=0, votes=300)
    assert vae(spare) == 1.0 and vae(AXES @ TURN) < 0.95 and vae(NOISE) < 0.5
    good, turned = d.dci(REAL[:, [2, 0, 1]], REAL), d.dci(REAL @ TURN, REAL)
    assert min(good[:3]) > 0.98
    assert turned.disentanglement < 0.5 > turned.completeness and turned.informativeness > 0.98
    assert d.dci(NOISE, REAL).informativeness < 0.05
    np.testing.assert_array_equal(good.importance.argmax(0), [1, 2, 0])


def test_mig_of_known_tables():
    one = np.repeat([0, 1], 50)
    # The best coordinate knows all of one bit, the second half of it: 1 - the information of a 3:1 channel.
    half = np.concatenate([np.repeat([0, 1], [25, 25]), np.repeat([2, 2], [25, 25])])
    known = d.mutual_information(half, one)
    np.testing.assert_allclose(known, np.log(2), atol=1e-12)
    other = np.concatenate([np.zeros(25), np.ones(75)]).astype(int)
    gap = 1 - d.mutual_information(other, one) / np.log(2)
    np.testing.assert_allclose(d.mig(np.stack([one, other], 1), one), gap, atol=1e-12)


def test_neither_order_nor_scale_of_coordinates_matters():
    spare = np.concatenate([AXES, NOISE[:, :1]], axis=1)
    other = spare[:, [3, 1, 0, 2]] * np.array([5.0, 0.1, 2.0, 30.0])
    np.testing.assert_allclose(d.mig(spare, FACTORS), d.mig(other, FACTORS), atol=1e-9)
    np.testing.assert_allclose(d.sap(spare, FACTORS), d.sap(other, FACTORS), atol=1e-9)
    np.testing.assert_allclose(d.dci(spare, FACTORS)[:3], d.dci(other, FACTORS)[:3], atol=1e-9)
    np.testing.assert_allclose(d.dci(spare, list(FACTORS.T))[:3], d.dci(spare, FACTORS)[:3], atol=1e-12)


def test_completeness_and_disentanglement_tell_different_faults():
    twice = np.concatenate([REAL, REAL[:, :1]], axis=1)  # a factor in two coordinates: incomplete
    seen = d.dci(twice, REAL)
    assert seen.disentanglement > 0.98 and seen.completeness < 0.9
    mixed = np.stack([REAL[:, 0] + REAL[:, 1], REAL[:, 2]], axis=1)  # two factors in a coordinate: entangled
    seen = d.dci(mixed, REAL)
    assert seen.disentanglement < 0.7 and seen.completeness > 0.85
    trees = lambda x, y, hx, hy: (np.eye(3)[np.argmax([abs(np.corrcoef(c, y)[0, 1]) for c in x.T])], 1.0)
    assert d.dci(REAL, REAL, importance=trees)[:3] == (1.0, 1.0, 1.0)


def test_rescoring_counts_changes_in_standard_deviations():
    before = RNG.normal(size=(100, 2)) * [1.0, 10.0]
    step = np.array([[1.0, 0.0], [0.0, -10.0]])
    after = before + step[:, None]
    spread = before.std(0)
    np.testing.assert_allclose(d.rescoring(before, after), step / spread, atol=1e-12)
    np.testing.assert_allclose(d.rescoring(before, after, clamp=True), np.maximum(step, 0) / spread, atol=1e-12)
    np.testing.assert_allclose(d.rescoring(before - step[:, None], after, spread=[2.0, 4.0]), step / [1, 2], atol=1e-12)
    with pytest.raises(ValueError, match="need"):
        d.rescoring(before, after[0])


def test_attribute_dependency_compares_at_one_change_of_the_target():
    strengths = np.array([1.0, 2.0, 4.0])
    effect = np.array([0.5, 0.1, -0.3]) * np.array([1.0, 2.0, 3.0])  # in spreads: .5 of the target, .1 and .3 else
    changes = strengths[:, None, None] * effect * np.ones((1, 10, 1))
    spread = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(d.attribute_dependency(changes, spread, 0), 2 * (0.1 + 0.3) / 2)
    np.testing.assert_allclose(d.attribute_dependency(changes, spread, 0, at=0.25), 0.5 * (0.1 + 0.3) / 2)
    assert np.isnan(d.attribute_dependency(changes, spread, 0, at=3.0))


def test_angles_between_known_planes():
    tilt = np.radians(30)
    a = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    b = np.array([[2.0, 0, 0, 0], [5, np.cos(tilt), np.sin(tilt), 0]])
    np.testing.assert_allclose(d.principal_angles(a, b), [0, 30], atol=1e-6)
    directions = lambda v, space: Directions(jnp.asarray(v, jnp.float32), jnp.ones(2), space)
    np.testing.assert_allclose(d.principal_angles(directions(a, "w"), directions(b, "w")), [0, 30], atol=1e-3)
    with pytest.raises(ValueError, match="one space"):
        d.principal_angles(directions(a, "w"), directions(b, "z"))


def test_what_is_found_again_in_another_order_is_stable_and_a_turn_is_its_angle():
    axes, tilt = np.linalg.qr(RNG.normal(size=(8, 8)))[0][:4], np.radians(20)
    shuffled = -2.0 * axes[[2, 0, 3, 1]]
    np.testing.assert_allclose(d.stability(axes, shuffled), 0, atol=1e-5)
    np.testing.assert_allclose(d.stability(axes[1:3], shuffled), 0, atol=1e-5)
    turned = axes.copy()
    turned[:2] = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) @ axes[:2]
    np.testing.assert_allclose(d.stability(axes, turned[::-1]), [20, 20, 0, 0], atol=1e-5)
    np.testing.assert_allclose(d.stability(axes, -axes, signed=True), 180, atol=1e-5)
    np.testing.assert_allclose(d.stability(axes, shuffled, signed=True), 90, atol=1e-5)
    with pytest.raises(ValueError, match="same number"):
        d.stability(axes, axes[:2])


def test_confidence_angles_shrink_with_the_sample_and_hold_the_truth():
    truth = np.linalg.qr(RNG.normal(size=(6, 6)))[0][:2]
    z = RNG.normal(size=(8000, 6))
    y = z @ truth.T + RNG.normal(size=(8000, 2))
    angles, missed = [], []
    for n in (500, 8000):
        fit = lambda rows, n=n: np.linalg.lstsq(z[:n][rows], y[:n][rows], rcond=None)[0].T
        angles.append(d.confidence_angles(fit, n, seed=1))
        cosine = (fit(np.arange(n)) * truth).sum(1) / np.linalg.norm(fit(np.arange(n)), axis=1)
        missed.append(np.degrees(np.arccos(cosine)))
    np.testing.assert_allclose(angles[0] / angles[1], 4, rtol=0.4)
    assert np.all(missed[0] < 1.5 * angles[0]) and np.all(missed[1] < 1.5 * angles[1])
    flipped = lambda rows: (-1) ** (rows[0] % 2) * truth
    assert d.confidence_angles(flipped, 50, seed=0, signed=False).max() < 1e-4
    assert d.confidence_angles(flipped, 50, seed=0).max() > 179


@pytest.mark.parametrize(
    "call,word",
    [
        (lambda: d.mig(AXES[:, :1], FACTORS), "do not fit"),
        (lambda: d.mig(AXES, np.zeros((N, 1), int)), "never changes"),
        (lambda: d.factor_vae_score(AXES, REAL, seed=0), "integers"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
