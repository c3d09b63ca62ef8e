import json
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxgan.io import UnreadableFile
from jaxgan.io.faces import load_face_scorer, tfjs


@pytest.fixture(scope="module")
def portraits(shared_data):
    """Aligned portraits, cut to the face."""
    with zipfile.ZipFile(shared_data("faces/alae_realign128.zip")) as archive:
        names = sorted(n for n in archive.namelist() if n.lower().endswith((".png", ".jpg")))[:16]
        pictures = [np.asarray(Image.open(archive.open(n)).convert("RGB").resize((128, 128))) for n in names]
    return jnp.asarray(np.stack(pictures)[:, 20:124, 12:116], jnp.float32) / 127.5 - 1


def points(scorer, images):
    return np.asarray(scorer(images)).reshape(len(images), 68, 2)


@pytest.mark.parametrize("kind", [pytest.param("landmarks", marks=pytest.mark.slow), "landmarks_tiny"])
def test_landmarks_lie_on_faces_in_their_order_and_turn_with_the_picture(shared_data, portraits, kind):
    scorer = load_face_scorer(kind, shared_data("weights/faceapi"))
    found = points(scorer, portraits)
    left, right, nose, mouth = (found[:, part].mean(1) for part in (range(36, 42), range(42, 48), [30], range(48, 68)))
    assert np.all((found > -0.1) & (found < 1.1))
    assert np.mean(left[:, 0] < nose[:, 0]) >= 0.9 and np.mean(nose[:, 0] < right[:, 0]) >= 0.9
    assert np.all(left[:, 1] < nose[:, 1]) and np.all(nose[:, 1] < mouth[:, 1])
    assert np.mean(np.diff(found[:, :17, 0], axis=1) > 0) > 0.9, "the jaw runs from left to right"
    mirrored = points(scorer, portraits[:, :, ::-1])
    apart = 1 - mirrored[:, [42, 43, 44, 45], 0] - found[:, [39, 38, 37, 36], 0]
    assert np.median(np.abs(apart)) < 0.03


@pytest.mark.slow
def test_age_and_gender_of_a_face_stay_when_it_is_mirrored(shared_data, portraits):
    scorer = load_face_scorer("age_gender", shared_data("weights/faceapi"))
    seen, mirrored = np.asarray(scorer(portraits)), np.asarray(scorer(portraits[:, :, ::-1]))
    assert scorer.names == ("age", "male", "female") and np.all((seen[:, 0] > 0) & (seen[:, 0] < 90))
    assert seen[:, 0].std() > 3 and np.corrcoef(seen[:, 0], mirrored[:, 0])[0, 1] > 0.8
    side = lambda x: x[:, 1] > x[:, 2]
    assert (side(seen) == side(mirrored)).mean() >= 0.85 and 0 < side(seen).mean() < 1


def test_expressions_of_a_face_stay_when_it_is_mirrored(shared_data, portraits):
    scorer = load_face_scorer("expression", shared_data("weights/faceapi"))
    seen, mirrored = np.asarray(scorer(portraits)), np.asarray(scorer(portraits[:, :, ::-1]))
    assert seen.shape == (16, 7) and (seen.argmax(1) == mirrored.argmax(1)).mean() >= 0.85
    assert set(seen.argmax(1)) >= {0, 1}, "portraits are mostly neutral or happy"


def manifest(tmp_path, weights, data, paths=("a-shard1",)):
    (tmp_path / "a-shard1").write_bytes(data)
    path = tmp_path / "a-weights_manifest.json"
    path.write_text(json.dumps([{"paths": list(paths), "weights": weights}]))
    return path


def test_arrays_are_cut_out_of_shards_and_scaled(tmp_path):
    plain = np.arange(4, dtype="<f4")
    weights = [
        {"name": "a", "shape": [2, 2], "dtype": "float32"},
        {"name": "b", "shape": [3], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
    ]
    found = tfjs(manifest(tmp_path, weights, plain.tobytes() + bytes([0, 2, 4])))
    np.testing.assert_array_equal(found["a"], plain.reshape(2, 2))
    np.testing.assert_array_equal(found["b"], [-1, 0, 1])
    for data, word in ((plain.tobytes(), "truncated"), (plain.tobytes() + bytes(9), "hold 25 bytes, it names 19")):
        with pytest.raises(UnreadableFile, match=word):
            tfjs(manifest(tmp_path, weights, data))


def test_a_manifest_that_is_none_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="beside"):
        tfjs(manifest(tmp_path, [], b"", paths=["../a-shard1"]))
    with pytest.raises(UnreadableFile, match="no manifest"):
        tfjs(manifest(tmp_path, [{"name": "a", "shape": [1], "dtype": "strange"}], b"1"))
    with pytest.raises(UnreadableFile, match=r"does not match .* missing"):
        load_face_scorer("expression", manifest(tmp_path, [], b""))
    with pytest.raises(ValueError, match="Did you mean 'expression'"):
        load_face_scorer("expresion", tmp_path)
    with pytest.raises(FileNotFoundError):
        load_face_scorer("expression", tmp_path)
