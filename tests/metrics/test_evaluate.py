import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.features.random import random_features
from jaxgan.metrics import METRICS, evaluate, frechet_distance
from jaxgan.metrics.evaluate import KINDS, PATHS, conditions, eight_bits
from jaxgan.metrics.reals import name_of, seen_reals
from tests.conformance.families import ALIAS_FREE
from tests.planted import linear, style

KEY = jax.random.key(0)


class Pictures:
    """A source of random pictures that counts how often it is read, with labels of two classes, the second rare."""

    name, resolution, label_names = "pictures", 8, ()

    def __init__(self, n=24, channels=3, classes=0, content="a"):
        self.channels, self.label_size, self.fingerprint, self.read = channels, classes, content, 0
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (n, 8, 8, channels), np.uint8)
        self.labels = np.eye(max(classes, 1), dtype=np.float32)[(np.arange(n) % 8 == 0).astype(int) * (classes > 1)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        self.read += 1
        item = {"image": self.images[index]}
        return item | {"label": self.labels[index]} if self.label_size else item


class Classifier(nn.Module):
    """Features are two means; the scores of two classes are linear in them."""

    def setup(self):
        self.out = nn.Dense(2)

    def __call__(self, images):
        vectors = jnp.stack([images.mean((1, 2, 3)), images[:, :4].mean((1, 2, 3))], 1)
        self.out(vectors)
        return vectors

    def scores(self, vectors):
        return self.out(vectors)


@pytest.fixture(scope="module")
def mine():
    module = Classifier()
    return jg.Network(module.init(KEY, jnp.zeros((1, 8, 8, 3)))["params"], {}, module, "features.folder")


def test_every_metric_is_taken_of_a_conditional_generator(mine):
    g = style(0, resolution=8, channel_base=64, channel_max=8, classes=2)
    wanted = [name for name in METRICS if name not in (*PATHS, *KINDS) or name == "ppl"]
    found = evaluate(g, Pictures(classes=2), KEY, wanted, mine, images=20, batch=8, bootstrap=3)
    names = ["frechet", "kernel", "precision", "recall", "density", "coverage", "score", "diversity", "ppl_w_end"]
    assert sorted(found) == sorted(f"{name}_folder" for name in names)
    assert all(np.isfinite(figure[:2]).all() for figure in found.values())


def test_generators_that_have_only_z_are_judged_too(mine):
    g, paths = linear(jax.random.normal(KEY, (6, 64))), ["ppl", "ppl_z_full"]
    found = evaluate(g, Pictures(channels=1), KEY, ["fid", *paths], mine, images=12, batch=8, bootstrap=0)
    assert set(found) == {"frechet_folder", "ppl_z_end_folder", "ppl_z_full_folder"}
    assert all(np.isnan(figure.error) for figure in found.values())
    with pytest.raises(ValueError, match="has the spaces z; ppl_w_full is not for it"):
        evaluate(g, None, KEY, ["ppl_w_full"], mine)


def test_equivariance_is_taken_of_generators_that_can_be_moved(mine):
    g = jg.models.stylegan3.arch(**ALIAS_FREE).init(KEY)
    found = evaluate(g, None, KEY, ["eq_t"], mine, images=4, batch=4, bootstrap=3)
    assert list(found) == ["eq_t"]
    assert all(figure.better == "higher" and np.isfinite(figure[:2]).all() for figure in found.values())


def test_it_is_the_figure_of_the_images_as_files_hold_them(mine):
    g, source = style(0, resolution=8, channel_base=64, channel_max=8), Pictures()
    found = evaluate(g, source, KEY, ["fid"], mine, images=16, batch=16, noise="const", bootstrap=0)
    draw = jax.random.split(KEY, 6)[0]
    drawn = eight_bits(jg.generate(g, g.sample(draw, 16)))
    assert np.allclose(np.rint((np.asarray(drawn) + 1) * 127.5), (np.asarray(drawn) + 1) * 127.5, atol=1e-4)
    real = seen_reals(source, 16, 8, mine).moments
    expected = frechet_distance(real, jg.metrics.collect([drawn], mine))
    assert found["frechet_folder"].value == pytest.approx(expected, rel=1e-4)


def test_all_devices_find_what_one_finds(mine):
    g = style(0, resolution=8, channel_base=64, channel_max=8)
    how = {"images": 20, "batch": 6, "bootstrap": 0, "noise": "const"}
    one = evaluate(g, Pictures(), KEY, ["fid", "kid"], mine, **how)
    many = evaluate(g, Pictures(), KEY, ["fid", "kid"], mine, devices=jax.devices(), **how)
    for name, figure in one.items():
        assert many[name].value == pytest.approx(figure.value, rel=1e-3, abs=1e-6)


def test_what_was_seen_in_the_data_is_kept_until_anything_changes(mine, tmp_path):
    source = Pictures()
    how = {"cache": tmp_path, "batch": 8}
    first = seen_reals(source, 20, 8, mine, **how)
    same, said = Pictures(), []  # the loader may still be reading ahead in the first
    again = seen_reals(same, 20, 8, mine, tick=said.append, **how)
    assert source.read and not same.read and said == [20]
    assert np.array_equal(first.vectors, again.vectors) and np.array_equal(first.moments.m2, again.moments.m2)
    other = mine.replace(params=jax.tree.map(lambda x: x + 1, mine.params))
    names = [name_of(s, 20, 8, False, f) for s, f in ((source, mine), (Pictures(content="b"), mine), (source, other))]
    names += [
        name_of(source, 19, 8, False, mine),
        name_of(source, 20, 8, True, mine),
        name_of(source, 20, 4, False, mine),
    ]
    assert len(set(names)) == 6
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:200])  # as after a full disk
    assert np.array_equal(seen_reals(same, 20, 8, mine, **how).vectors, first.vectors) and same.read
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_moments_alone_are_kept_until_vectors_are_wanted(mine, tmp_path):
    assert seen_reals(Pictures(), 20, 8, mine, keep=False, cache=tmp_path).vectors is None
    assert seen_reals(Pictures(), 20, 8, mine, cache=tmp_path).vectors.shape == (20, 2)
    assert seen_reals(Pictures(), 20, 8, mine, keep=False, cache=tmp_path).vectors.shape == (20, 2)


def test_every_image_is_taken_once_and_no_more_than_there_are(mine):
    source = Pictures(n=10)
    seen = seen_reals(source, 99, 8, mine, batch=4)
    expected = (source.images / 127.5 - 1).astype(np.float32).mean((1, 2, 3))
    np.testing.assert_allclose(np.sort(seen.vectors[:, 0]), np.sort(expected), atol=1e-5)


def test_conditions_are_drawn_as_often_as_the_data_have_them(mine):
    g, source = style(0, resolution=8, channel_base=64, channel_max=8, classes=2), Pictures(n=64, classes=2)
    for real in (None, seen_reals(source, 64, 8, mine)):
        drawn = conditions(g, source, real)(KEY, 4000)
        assert drawn.shape == (4000, 2)
        assert float(drawn[:, 1].mean()) == pytest.approx(1 / 8, abs=0.03)
    assert conditions(g, Pictures(classes=3), None) is None
    assert conditions(linear(jnp.eye(16)), source, None) is None


def test_what_cannot_be_had_is_said_before_any_work(mine):
    g = linear(jnp.eye(64))
    for metrics, expected in (
        (["fidd"], "Did you mean 'fid'"),
        ([], "no metrics"),
        (["kid"], "give data"),
        (["inception_score"], "class scores, which random lacks"),
        (["eq_t"], "can be transformed"),
    ):
        with pytest.raises(ValueError, match=expected):
            evaluate(g, None, KEY, metrics, random_features())
    with pytest.raises(ValueError, match="needs 10 or more"):
        evaluate(g, None, KEY, ["inception_score"], mine, images=9)
