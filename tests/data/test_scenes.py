import pickle
import time

import numpy as np
import pytest

from jaxgan.data import FACTOR_NAMES, FACTOR_RANGES, SHAPES, Scenes, factors_at, render
from jaxgan.data.scenes import _SOLIDS, HELD_OUT, _camera_rays

MIDDLE = {name: (low + high) / 2 for name, (low, high) in FACTOR_RANGES.items()} | {"light": 0.8, "floor_hue": 0.6}


def scene(**changes):
    return np.array([[(MIDDLE | {"shape": 1.0} | changes)[name] for name in FACTOR_NAMES]])


def mask(**changes):
    """Where the object is, found by changing nothing but its hue."""
    first, second = render(scene(**changes, hue=0.0)), render(scene(**changes, hue=0.5))
    return np.abs(first.astype(int) - second).max(-1)[0] > 12


def test_scenes_are_the_same_whether_drawn_alone_together_or_in_any_order():
    factors = factors_at(np.arange(24))
    together = render(factors, 32)
    alone = np.concatenate([render(factors[i : i + 1], 32) for i in range(24)])
    order = np.random.default_rng(0).permutation(24)
    assert np.array_equal(together, alone)
    assert np.array_equal(render(factors[order], 32), together[order])


def test_item_is_the_rendering_of_its_own_label():
    scenes = Scenes(resolution=48, length=10, seed=3)
    item = scenes[7]
    assert item["image"].dtype == np.uint8 and item["image"].shape == (48, 48, 3)
    assert np.array_equal(item["image"], render(item["label"][None], 48)[0])


def test_factors_fill_their_ranges_evenly_and_independently():
    factors = factors_at(np.arange(20_000), seed=1).astype(np.float64)
    low, high = np.array(list(FACTOR_RANGES.values())).T
    assert (factors >= low - 1e-6).all() and (factors <= high + 1e-6).all()
    assert np.allclose(np.bincount(factors[:, 0].astype(int)), 5_000, atol=250)
    unit = (factors[:, 1:] - low[1:]) / (high - low)[1:]
    assert np.abs(unit.mean(0) - 0.5).max() < 0.01 and np.abs(unit.var(0) - 1 / 12).max() < 0.003
    assert np.abs(np.corrcoef(factors.T) - np.eye(len(FACTOR_NAMES))).max() < 0.03


def test_factors_of_index_and_seed_never_change():
    expected = [2.0, 0.508077, 0.864014, -0.349867, 0.139236, 0.106884, 0.541832, 0.30865]
    assert np.allclose(factors_at(np.array([0]))[0], expected, atol=1e-5)
    assert not np.allclose(factors_at(np.array([0]), seed=1)[0], expected, atol=1e-2)


def test_held_out_scenes_are_no_training_scenes():
    train, held = Scenes(16, 2_000, seed=0), Scenes(16, 2_000, seed=0, split="heldout")
    assert np.array_equal(held.factors(np.arange(5)), factors_at(HELD_OUT + np.arange(5)))
    distance = np.abs(train.factors(np.arange(2_000))[:, None, 1:] - held.factors(np.arange(200))[None, :, 1:]).max(-1)
    assert distance.min() > 1e-3
    assert train.fingerprint != held.fingerprint


def test_mirror_image_has_the_mirrored_label():
    factors = factors_at(np.arange(32))
    mirrored = render(Scenes.mirrored_label(factors), 64)
    assert np.abs(mirrored.astype(int) - render(factors, 64)[:, :, ::-1]).max() <= 2


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_solid_moves_and_grows_as_its_factors_say(shape):
    def middle(**changes):
        where = np.argwhere(mask(shape=shape, **changes))
        return where.mean(0), len(where)

    (_, left), _ = middle(x=-0.7)
    (_, right), _ = middle(x=0.7)
    assert right - left > 15
    (near, _), near_area = middle(depth=-0.7)
    (far, _), far_area = middle(depth=0.9)
    assert near - far > 4 and near_area > 1.3 * far_area
    assert middle(size=0.95)[1] > 1.6 * middle(size=0.67)[1]


def test_every_factor_changes_the_picture_of_every_solid():
    for shape in range(len(SHAPES)):
        for name, (low, high) in FACTOR_RANGES.items():
            if name == "shape":
                continue
            third = (high - low) / 3
            one, other = (render(scene(shape=shape, **{name: low + third * k})).astype(int) for k in (1, 2))
            assert (np.abs(one - other).max(-1) > 25).mean() > 0.01, (SHAPES[shape], name)


def test_hue_and_floor_hue_are_what_is_seen():
    red, green, blue = (
        render(scene(shape=0, hue=h, rotation=0.7))[0][mask(shape=0, rotation=0.7)] for h in (0, 1 / 3, 2 / 3)
    )
    for channel, colour in enumerate((red, green, blue)):
        assert np.median(colour, 0).argmax() == channel
    for channel in range(3):
        corner = render(scene(floor_hue=channel / 3))[0, -3:, :3].reshape(-1, 3)
        assert np.median(corner, 0).argmax() == channel


def test_shadow_falls_away_from_the_light():
    floor = render(scene(light=-1.2, shape=0)).astype(int)[0].sum(-1)
    other = render(scene(light=1.2, shape=0)).astype(int)[0].sum(-1)
    outside = ~mask(shape=0, light=1.2)
    columns = np.arange(64)
    assert ((other - floor) * outside)[:, columns > 36].sum() > 2_000  # lit from the left, dark at the right
    assert ((other - floor) * outside)[:, columns < 28].sum() < -2_000


def test_every_scene_is_whole_within_the_picture():
    edges = np.array(np.meshgrid(*([low, high] for low, high in list(FACTOR_RANGES.values())[2:6]))).reshape(4, -1).T
    for shape in range(len(SHAPES)):
        for size, x, depth, rotation in edges:
            seen = mask(shape=shape, size=size, x=x, depth=depth, rotation=rotation)
            assert not seen[0].any() and not seen[-1].any() and not seen[:, 0].any() and not seen[:, -1].any()
            assert seen.sum() > 90


@pytest.mark.parametrize("solid", _SOLIDS)
def test_solid_interval_is_inside_and_normals_point_out(solid):
    rng = np.random.default_rng(0)
    start = np.stack([rng.normal(0, 1, 4_000), rng.uniform(2.5, 6, 4_000), rng.uniform(-8, -6, 4_000)])
    goal = np.stack([rng.uniform(-1, 1, 4_000), rng.uniform(0, 2, 4_000), rng.uniform(-1, 1, 4_000)])
    step = (goal - start) / np.linalg.norm(goal - start, axis=0)
    near, far, normal = solid(tuple(start), tuple(step))
    hit = far > near + 1e-3
    assert 0.3 < hit.mean() <= 1
    start, step, near, far = start[:, hit], step[:, hit], near[hit], far[hit]
    out = np.stack(np.broadcast_arrays(*normal(tuple(start + near * step))))
    assert np.abs(np.linalg.norm(out, axis=0) - 1).max() < 1e-3
    assert ((out * step).sum(0) < 1e-3).all()  # the visible side faces the eye
    # A ray from inside meets the surface behind itself and before itself; one from beyond the far end does not.
    inside = start + 0.5 * (near + far) * step
    again = solid(tuple(inside), tuple(step))
    assert (again[0] < 0).all() and (again[1] > 0).all()
    assert (solid(tuple(start + (far + 1e-3) * step), tuple(step))[1] < 1e-6).all()


def test_camera_rays_have_unit_length():
    directions, _, ground = _camera_rays(32)
    assert np.abs((directions**2).sum(0) - 1).max() < 1e-5
    assert ground.reshape(64, 64)[-1].min() == 1 and ground.reshape(64, 64)[0].max() == 0


def test_scenes_survive_pickling():
    scenes = pickle.loads(pickle.dumps(Scenes(16, 9, seed=4, split="heldout")))
    assert np.array_equal(scenes[3]["image"], Scenes(16, 9, seed=4, split="heldout")[3]["image"])


def test_rendering_is_fast_enough_to_feed_training():
    factors = factors_at(np.arange(128))
    render(factors[:8])
    began = time.process_time()
    render(factors)
    assert 128 / (time.process_time() - began) > 60  # 500 a second and core on an idle machine


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: render(np.zeros((2, 3))), r"\[2, 3\].*\[N, 8\]"),
        (lambda: render(scene(shape=4)), r"4\.\.4.*0\.\.3"),
        (lambda: Scenes(split="test"), "test.*heldout"),
        (lambda: Scenes(resolution=0), "resolution 0"),
    ],
)
def test_bad_scenes_are_told_in_one_line(call, word):
    with pytest.raises(ValueError, match=word) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_index_beyond_the_scenes_is_refused():
    with pytest.raises(IndexError, match="of 10"):
        Scenes(16, 10)[10]
