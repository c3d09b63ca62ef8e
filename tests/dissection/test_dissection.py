import json

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import api, dissection, io
from jaxgan.core import Arch, Code, Generator, Stage
from jaxgan.dissection.ace import cells, chosen
from jaxgan.features.segmenter import Segmenter, colours
from jaxgan.nn.taps import tap
from tests import planted

KEY = jax.random.key(2)
SIDE, UNITS = 16, 6


class Squares(nn.Module):
    """Unit 0 is 1 on a square whose quadrant is drawn, unit 1 half of that; units 2 to 4 ramps that tell nothing.

    The picture is white where units 0 and 1 are, black elsewhere: 2 (u_0 + u_1) - 1 within [-1, 1], and it has a hint
    of unit 5, which is always off.
    """

    @nn.compact
    def __call__(self, z, context):
        down, right = (z[:, 0] > 0).astype(int), (z[:, 1] > 0).astype(int)
        at = jnp.arange(SIDE) // (SIDE // 2)
        here = (at == down[:, None])[:, :, None] & (at == right[:, None])[:, None]
        square = here.astype(jnp.float32)
        ramp = jnp.broadcast_to(jnp.linspace(0, 1, SIDE)[None, :, None], square.shape)
        turned = jnp.swapaxes(ramp, 1, 2)
        noise = jnp.tanh(z[:, 2])[:, None, None] * ramp
        x = jnp.stack([square, square / 2, ramp, turned, noise, 0 * ramp], axis=-1)
        x = tap(self, context, "units", x)
        return (1.2 * (x[..., 0] + x[..., 1]) - 0.9 + 0.9 * x[..., 5])[..., None]


@pytest.fixture(scope="module")
def g():
    arch = Arch("squares", (), (Stage("z", "x", Squares(name="draw")),), (("z", (3,)),), SIDE, 1, taps=("units",))
    return Generator({}, {}, arch)


def bright(images):
    return jax.nn.sigmoid(8 * images)


SEGMENTER = Segmenter(lambda images: jnp.concatenate([bright(images), 1 - bright(images)], -1), ("bright", "dark"))


@pytest.fixture(scope="module")
def report(g):
    return api.dissect(g, SEGMENTER, KEY, tap="units", samples=40, batch=16, q=0.2)


def test_a_unit_whose_map_is_a_segment_agrees_with_it_entirely(report):
    np.testing.assert_array_equal(report.iou[:2, 0], [1, 1])
    assert report.iou[:2, 1].max() == 0 and report.iou[2:5, 0].max() < 0.5
    assert report.units("bright", min_iou=0.9) == [0, 1] and report.labels(0.9)[0] == (0, "bright", 1.0)
    assert report.units("bright", 0.0, most=1) == [0] and dict(report.meta)["samples"] == 40
    np.testing.assert_allclose(report.presence[0][:2], [1, 0.5], atol=1e-6)
    np.testing.assert_allclose(report.covered.sum(), 1, atol=1e-6)
    np.testing.assert_allclose(report.covered[0], 0.25, atol=1e-6)


def test_segments_of_other_images_agree_by_chance(g):
    shuffled = lambda images: SEGMENTER(images[jax.random.permutation(jax.random.key(3), len(images))])
    seen = dissection.iou(g, shuffled, KEY, tap="units", samples=64, batch=64, q=0.2)
    share = 0.25
    assert abs(seen.iou[0, 0] - share * share / (2 * share - share * share)) < 0.08
    assert seen.concepts == ("concept0", "concept1")


def test_thresholds_are_numpys_quantiles_of_the_same_maps(close):
    g = planted.style(resolution=8, channel_base=64, channel_max=8)
    seen = dissection.iou(g, colours(), KEY, tap="b4", samples=20, batch=8, q=0.05)
    maps = [g.read(g.sample(jax.random.fold_in(KEY, i), 8), ["b4"])["b4"] for i in range(3)]
    maps = jax.image.resize(jnp.concatenate(maps)[:20], (20, 8, 8, 8), "linear").reshape(-1, 8)
    truth = np.quantile(np.asarray(maps), 0.95, axis=0)
    width = (np.asarray(maps).max(0) - np.asarray(maps).min(0)) / 1000
    assert np.all(np.abs(seen.thresholds - truth) < np.maximum(width, 1e-3))
    np.testing.assert_allclose(seen.active, 0.05, atol=0.002)
    assert np.all((seen.iou >= 0) & (seen.iou <= 1)) and seen.iou.shape == (8, 9)


def test_histograms_add_up_whatever_the_order_and_know_their_ranges():
    x = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    empty = dissection.histogram(x.min(0), x.max(0))
    whole = empty.update(x)
    parts = [empty.update(x[i : i + 1000]) for i in (0, 1000, 2000)]
    merged = parts[2].merge(parts[0]).merge(parts[1]).merge(empty)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    padded = empty.update(np.concatenate([x, x[:7]]), jnp.arange(3007) < 3000)
    np.testing.assert_array_equal(padded.counts, whole.counts)
    for share in (0.0, 0.005, 0.5, 0.995, 1.0):
        truth = np.quantile(x, share, axis=0, method="inverted_cdf")
        assert np.all(np.abs(whole.quantile(share) - truth) <= 1.01 * (x.max(0) - x.min(0)) / 4096), share
    with pytest.raises(ValueError, match="do not add up"):
        whole.merge(dissection.histogram(x.min(0) - 1, x.max(0)))
    with pytest.raises(ValueError, match=r"quantile 0\.5 of 0 values"):
        empty.quantile(0.5)


def test_ablation_takes_units_away_and_none_at_strength_0(g):
    code = g.sample(KEY, 4)
    plain, units = g(code), g.read(code, ["units"])["units"]
    np.testing.assert_array_equal(g(code, patches={"units": dissection.ablate([0, 1], strength=0.0)}), plain)
    gone = g.read(code, ["units", "image"], patches={"units": dissection.ablate([0, 1])})
    assert np.all(gone["units"][..., :2] == 0) and np.all(gone["image"] < 0)
    np.testing.assert_array_equal(gone["units"][..., 2:], units[..., 2:])
    left = jnp.concatenate([jnp.ones((4, 4, 2)), jnp.zeros((4, 4, 2))], axis=2)
    half = g.read(code, ["units"], patches={"units": dissection.ablate([0], mask=left)})["units"]
    assert np.all(half[:, :, :6, 0] == 0)
    np.testing.assert_array_equal(half[:, :, -6:], units[:, :, -6:])


def test_insertion_draws_the_concept_where_it_is_asked_for(g, report):
    code = g.sample(KEY, 4)
    units = report.units("bright", min_iou=0.9)
    mask = jnp.zeros((SIDE, SIDE)).at[:4, :4].set(1.0)
    patch = dissection.insert(units, report.values("bright", units), mask)
    drawn, plain = g(code, patches={"units": patch}), g(code)
    assert np.all(drawn[:, :4, :4] > 0.8)
    np.testing.assert_array_equal(drawn[:, 5:], plain[:, 5:])
    slope = jax.grad(lambda a: g(code, patches={"units": dissection.ablate(units, strength=a)}).sum())(0.5)
    assert slope < 0
    with pytest.raises(ValueError, match="no unit"):
        dissection.ablate([])


def test_ace_finds_the_units_that_cause_a_concept(g, report):
    found = dissection.ace(g, SEGMENTER, report, "bright", jax.random.key(4), steps=60, batch=16, lr=0.05, penalty=0.02)
    assert set(found.units(2)) == {0, 1} and np.all(found.strengths[[0, 1]] > 0.7), found.strengths
    assert found.strengths[2:].max() < 0.3 and found.loss[-10:].mean() < found.loss[:10].mean()


def test_each_effect_of_ace_is_read_where_it_was_made(g, report):
    """Unit 5 is off and cannot be ablated; inserted, it draws: read at the ablated place, that would go unseen."""
    presence = report.presence.copy()
    presence[0] = [0, 0, 0, 0, 0, 2.0]
    flat = report._replace(presence=presence, iou=np.full_like(report.iou, 0.5))
    found = dissection.ace(g, SEGMENTER, flat, "bright", jax.random.key(4), steps=60, batch=16, lr=0.05, penalty=0.1)
    assert found.strengths[5] > 0.3 > found.strengths[[2, 3, 4]].max(), found.strengths


def test_places_are_drawn_by_weight():
    weight = jnp.zeros((50, 4, 4)).at[:, 1, 2].set(1.0)
    assert np.all(chosen(KEY, weight)[:, 1, 2] > 0.99)
    np.testing.assert_allclose(cells(jnp.arange(16.0).reshape(1, 4, 4), 2)[0], [[2.5, 4.5], [10.5, 12.5]])


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_report_survives_a_file(report, tmp_path, ending):
    path = tmp_path / f"report.{ending}"
    io.save_report(report, path)
    back = io.load_report(path)
    assert (back.concepts, back.tap, back.meta) == (report.concepts, report.tap, report.meta)
    for name in ("iou", "thresholds", "presence", "active", "covered"):
        np.testing.assert_array_equal(getattr(back, name), getattr(report, name))


def test_what_is_no_report_is_refused(report, tmp_path):
    with pytest.raises(ValueError, match=r"\.json or \.npz"):
        io.save_report(report, tmp_path / "report.txt")
    (tmp_path / "other.json").write_text(json.dumps({"kind": "other"}))
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    for name in ("other.json", "other.npz"):
        with pytest.raises(io.UnreadableFile, match="no report"):
            io.load_report(tmp_path / name)


def test_what_does_not_fit_is_said_at_the_door(g, report):
    with pytest.raises(ValueError, match="no tap 'b4'"):
        api.dissect(g, SEGMENTER, KEY, tap="b4")
    with pytest.raises(ValueError, match="Masks have shape"):
        dissection.iou(g, lambda images: images[..., 0] > 0, KEY, tap="units", samples=2)
    with pytest.raises(ValueError, match="no concept 'brigt'"):
        report.units("brigt")
    with pytest.raises(ValueError, match="names 1 concepts and gives 2"):
        dissection.iou(g, SEGMENTER._replace(names=("a",)), KEY, tap="units", samples=2)


def test_colours_are_segmented_by_the_nearest_and_hues_apart():
    images = jnp.asarray([[[[0.8, -0.6, -0.8], [0.9, 0.9, 0.8], [-0.9, -0.8, -0.9], [-0.6, -0.8, 0.6]]]])
    segmenter = colours()
    masks = segmenter(images)[0, 0]
    assert [segmenter.names[i] for i in masks.argmax(-1)] == ["red", "white", "black", "blue"]
    assert masks.dtype == bool and np.all(masks.sum(-1) == 1)
    np.testing.assert_allclose(segmenter.score(images).sum(-1), 1, atol=1e-6)
    two = colours({"dark": (-1, -1, -1), "light": (1, 1, 1)})
    assert two(images)[0, 0, :, 1].tolist() == [False, True, False, False]
    with pytest.raises(ValueError, match="three numbers"):
        colours({"a": (1, 2)})


def test_the_strongest_images_of_a_unit_come_first_and_are_lit_where_it_is_active(g, report):
    images, masks = dissection.strongest(g, report, KEY, [4, 0], images=3, batch=16)
    codes = jnp.concatenate([g.sample(jax.random.fold_in(KEY, i), 16).value for i in range(3)])[:40]
    order = jnp.argsort(-jnp.tanh(codes[:, 2]))[:3]
    np.testing.assert_allclose(images[0], jnp.clip(g(Code(codes[order], "z")), -1, 1), atol=1e-6)
    bright = images[1][..., 0] > 0  # of unit 0: all are as strong, and it is active where the square is
    np.testing.assert_array_equal(masks[1], bright)
    lit = dissection.lit(images[1], masks[1], dim=0.5)
    np.testing.assert_allclose(lit[bright], images[1][bright])
    np.testing.assert_allclose(lit[~bright] + 1, (images[1][~bright] + 1) / 2, atol=1e-6)
    with pytest.raises(ValueError, match="units 0 to 5"):
        dissection.strongest(g, report, KEY, [6], batch=16)
    with pytest.raises(ValueError, match="Asked for 50 images"):
        dissection.strongest(g, report, KEY, [0], images=50, batch=16)
