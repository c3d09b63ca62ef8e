import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.features import attributes

SIDE = 32


def disc(x: float, y: float, radius: float, colour=(0.9, -0.5, -0.5), wall=(-0.6, 0.1, 0.4), floor=(0.2, 0.2, 0.0)):
    """A disc before a wall and a floor; x, y and radius in units of half the picture."""
    down, right = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), indexing="ij")
    image = np.where((down > 0.3)[..., None], floor, wall)
    return np.where(((right - x) ** 2 + (down - y) ** 2 < radius**2)[..., None], colour, image).astype(np.float32)


def test_the_foreground_is_what_the_walls_and_floors_are_not():
    images = jnp.stack([disc(0.2, -0.1, 0.4), disc(-0.3, 0.4, 0.5)])
    np.testing.assert_allclose(attributes.centroid()(images), [[0.2, -0.1], [-0.3, 0.4]], atol=0.03)
    np.testing.assert_allclose(attributes.size()(images)[:, 0], np.pi * np.array([0.4, 0.5]) ** 2 / 4, rtol=0.08)
    empty = attributes.size()(jnp.asarray(disc(5, 5, 0.1))[None])
    assert empty[0, 0] < 1e-6


def test_hue_turns_with_the_colour():
    turns = np.arange(6) / 6
    shade = lambda t: [np.clip(abs((t * 6 - c) % 6 - 3) - 1, 0, 1) * 2 - 1 for c in (0, 2, 4)]
    images = jnp.asarray([np.full((4, 4, 3), shade(t)) for t in turns], jnp.float32)
    read = attributes.hue()(images)
    np.testing.assert_allclose(np.arctan2(read[:, 1], read[:, 0]) / (2 * np.pi) % 1, turns, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), 1, atol=1e-2)


def test_brightness_colour_and_symmetry_of_known_pictures():
    half = np.tile(np.linspace(-1, 1, 16), (16, 1))[..., None].repeat(3, -1)
    fold = np.concatenate([half[:, ::-1], half], axis=1)
    images = jnp.asarray(np.stack([np.concatenate([half, half[:, :]], 1), fold, 0 * fold + 0.5]), jnp.float32)
    mirrored = attributes.symmetry()(images)[:, 0]
    assert mirrored[0] < -0.9 and mirrored[1] > 0.99
    np.testing.assert_allclose(attributes.brightness()(images)[:, 0], [0, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(attributes.colour()(images)[2], [0.5, 0.5, 0.5], atol=1e-6)
    assert attributes.edges()(images)[2, 0] == 0 and attributes.edges()(images)[1, 0] > 0.05


def test_every_pixel_score_has_a_name_and_a_finite_gradient_even_where_the_picture_is_flat():
    scorer = attributes.pixels()
    flat, grey = jnp.zeros((2, SIDE, SIDE, 3)), jnp.zeros((2, SIDE, SIDE, 1))
    assert scorer(flat).shape == (2, len(scorer.names)) == scorer(grey).shape
    assert len(set(scorer.names)) == len(scorer.names)
    slopes = jax.jit(jax.jacrev(lambda x: scorer(x).sum(0)))
    for images in (flat, jnp.asarray([disc(0, 0, 0.4), disc(0.1, 0.3, 0.4)])):
        assert np.all(np.isfinite(slopes(images)))
    assert np.all(np.abs(slopes(images)).max((1, 2, 3, 4)) > 0)


def test_blocks_by_name_are_scores_side_by_side():
    probe = lambda images: {"shape": jnp.zeros((len(images), 2)), "size": images.mean((1, 2, 3))}
    images = jnp.ones((3, 8, 8, 3))
    assert attributes.score_names(probe, images) == ("shape0", "shape1", "size")
    np.testing.assert_array_equal(attributes.scores(probe, images), [[0, 0, 1]] * 3)
    both = attributes.join(attributes.brightness(), probe)
    assert both.names == ("brightness", "shape0", "shape1", "size") and both(images).shape == (3, 4)


def test_a_classifier_sees_images_of_its_size():
    seen = []
    network = lambda images: seen.append(images.shape) or images.mean((1, 2))
    scorer = attributes.classifier(network, ["a", "b", "c"], resolution=8)
    assert scorer(jnp.zeros((2, 16, 16, 3))).shape == (2, 3) and seen == [(2, 8, 8, 3)]
    with pytest.raises(ValueError, match="names 2 scores"):
        attributes.score_names(attributes.classifier(network, ["a", "b"]), jnp.zeros((2, 8, 8, 3)))


def test_labels_come_from_the_columns_of_a_table(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,index,smile,age\nb.png,2,1,30\na.png,0,0,\n")
    read = attributes.labels(table)
    assert read.names == ("smile", "age")
    np.testing.assert_array_equal(read.values, [[0, np.nan], [np.nan, np.nan], [1, 30]])
    np.testing.assert_array_equal(attributes.labels(table, ["age"]).values[:, 0], [np.nan, np.nan, 30])


@pytest.mark.parametrize(
    "text,columns,word",
    [
        ("a,b\n", None, "no rows"),
        ("a\n1\n", ["b"], "no column of numbers b"),
        ("a,b\n1,x\n", ["b"], "line 2, column 'b'"),
        ("index,b\n1,2\n1,3\n", None, "different numbers"),
    ],
)
def test_a_table_that_does_not_serve_is_answered_in_one_line(tmp_path, text, columns, word):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=word) as error:
        attributes.labels(tmp_path / "t.csv", columns)
    assert "\n" not in str(error.value)
