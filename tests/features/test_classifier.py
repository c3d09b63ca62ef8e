"""The classifier's network: what its scores are called, which images it takes, and that it is a file and a judge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core.network import initialise
from jaxgan.features.attributes import score_names
from jaxgan.features.classifier import classifier, columns, readings, spans
from jaxgan.io.features import feature_network
from tests.planted import layered
from tests.tolerances import OP

SIZES = (3, 0, 1)  # three classes, a hue, a number
CONFIG = {"resolution": 8, "sizes": SIZES, "names": columns(["kind", "hue", "x"], SIZES), "widths": (4,), "units": (1,)}


@pytest.fixture(scope="module")
def network():
    made = classifier(**CONFIG)
    return initialise(
        made,
        jax.random.key(0),
        *(jnp.zeros(s) for s in made.inputs()),
        name="classifier.classifier",
        config=tuple(sorted(CONFIG.items())),
    )


def test_every_label_has_its_columns_and_every_column_a_name():
    assert spans(SIZES) == [3, 2, 1]
    assert CONFIG["names"] == ("kind0", "kind1", "kind2", "hue_cos", "hue_sin", "x")
    cut = readings(np.arange(6.0)[None], SIZES)
    assert [c.tolist() for c in cut] == [[[0, 1, 2]], [[3, 4]], [[5]]]
    with pytest.raises(ValueError, match="2 names for 6 columns"):
        classifier(8, sizes=SIZES, names=("a", "b"), widths=(4,), units=(1,))
    with pytest.raises(ValueError, match="do not fit images of 2 pixels"):
        classifier(2)


def test_a_classifier_is_a_file_a_scorer_with_names_and_the_features_of_figures(network, tmp_path, close):
    path = tmp_path / "classifier.safetensors"
    jg.save(network, path)
    again, images = jg.load(path), jax.random.normal(jax.random.key(1), (8, 8, 8, 3))
    close(again(images), network(images), OP)
    assert again.names == network.names == score_names(again, images) == CONFIG["names"]

    # Larger images are averaged, grey ones are shown in colour, and no size of images is refused.
    close(again(jnp.repeat(jnp.repeat(images, 2, 1), 2, 2)).shape, (8, 6), 0)
    grey = images[..., :1]
    close(again(grey), again(jnp.concatenate([grey] * 3, -1)), OP)

    features = feature_network(f"classifier:{path}")
    vectors = features(images)
    assert vectors.shape == (8, 4)
    logits = features.module.apply({"params": features.params, "buffers": features.buffers}, vectors, method="scores")
    close(logits, network(images)[:, :3], OP)
    jg.save(jg.Directions(jnp.eye(2), jnp.ones(2), "z"), tmp_path / "directions.safetensors")
    with pytest.raises(ValueError, match="holds no classifier"):
        feature_network(f"classifier:{tmp_path / 'directions.safetensors'}")


def test_boundaries_of_a_classifier_carry_its_names_and_raise_its_scores(network):
    g, key = layered(), jax.random.key(2)
    found = jg.discover(g, jg.directions.boundary(network, samples=256, extremes=0.1, loss="mean"), key, k=6)
    assert found.names == CONFIG["names"]
    code = g.to(g.sample(jax.random.key(3), 64), "w")
    moved = lambda by: jnp.stack(
        [network(g(jg.edit(g, code, jg.editing.move(found[k], by))))[:, k].mean() for k in range(6)]
    )
    assert np.all(np.asarray(moved(1.0) - moved(-1.0)) > 0)
