import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Scenes, source
from jaxgan.data.sources import nearest, one_hot


def test_scenes_words_open_the_renderer():
    assert (source("scenes").resolution, len(source("scenes"))) == (64, 50_000)
    assert source("scenes:128").resolution == 128
    held = source("scenes:32:heldout")
    assert np.array_equal(held[4]["image"], Scenes(32, split="heldout")[4]["image"])
    assert source("scenes:heldout").name == "scenes:64:heldout"


def test_labels_can_be_left_out():
    data = source("scenes:16", labels="none")
    assert data.label_size == 0 and data.label_names == () and set(data[0]) == {"image"} and len(data) == 50_000
    assert np.array_equal(data[3]["image"], source("scenes:16")[3]["image"])


@pytest.mark.parametrize(
    ("spec", "options", "error", "word"),
    [
        ("scenes:hedlout", {}, ValueError, "did you mean 'heldout'"),
        ("scenes:64:128", {}, ValueError, "allowed is scenes"),
        ("scenes", {"labels": "some"}, ValueError, "'some'.*'auto' and 'none'"),
        ("scenes", {"channels": 4}, ValueError, "channels is 4"),
        ("no-such-place", {}, FileNotFoundError, "no data at 'no-such-place'.*a folder, a .zip"),
    ],
)
def test_bad_words_are_answered_in_one_line(spec, options, error, word):
    with pytest.raises(error, match=word) as caught:
        source(spec, **options)
    assert "\n" not in str(caught.value)


def test_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "portraits").mkdir()
    with pytest.raises(FileNotFoundError, match="did you mean 'portraits'"):
        source(tmp_path / "portrats")


def test_a_file_that_is_no_data_set_is_told_apart(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "one.png")
    with pytest.raises(ValueError, match=r"one.png is no data set: allowed are a folder"):
        source(tmp_path / "one.png")
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="has no part 'trian'; did you mean 'train'"):
        source(f"{tmp_path / 'a.npy'}:trian")
    with pytest.raises(ValueError, match="of which a tenth is none"):
        source(f"{tmp_path / 'a.npy'}:train")


def test_a_tenth_of_an_array_is_held_out_and_the_others_are_the_rest(tmp_path):
    images = np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(50) % 3)
    values = {}
    for part in ("train", "heldout"):
        found = pickle.loads(pickle.dumps(source(f"{tmp_path / 'a.npz'}:{part}")))
        items = [found[i] for i in range(len(found))]
        values[part] = [int(item["image"][0, 0, 0]) for item in items]
        assert all(item["label"].argmax() == v % 3 for item, v in zip(items, values[part], strict=True))
        assert (found.label_size, found.resolution, found.name) == (3, 4, f"a.npz:{part}")
    assert len(values["heldout"]) == 5 and sorted(values["train"] + values["heldout"]) == list(range(50))
    assert values["heldout"] != list(range(45, 50))


def test_one_hot_and_nearest():
    assert one_hot([2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert nearest("trian", ["train", "test"]) == "; did you mean 'train'" and nearest("zzz", ["train"]) == ""


def test_every_kind_of_source_gives_the_promised_items_and_survives_pickling(shared_data):
    for relative in (
        "images/clothing64.zip:train",
        "images/noto_emoji72.zip",
        "images/lpc_sprites64.npz",
        "digits/mnist-t10k-images-idx3-ubyte.gz",
        "faces/orl_att_faces.zip",
    ):
        file, _, part = relative.partition(":")
        data = source(f"{shared_data(file)}:{part}" if part else shared_data(file))
        again = pickle.loads(pickle.dumps(data))
        for index in (0, len(data) - 1):
            item = data[index]
            height, width, channels = item["image"].shape
            assert item["image"].dtype == np.uint8 and channels == data.channels
            assert min(height, width) == data.resolution
            assert (item["label"].shape if data.label_size else ()) == ((data.label_size,) if data.label_size else ())
            assert len(data.label_names) in (0, data.label_size)
            assert np.array_equal(again[index]["image"], item["image"])
        assert again.fingerprint == data.fingerprint


def test_importing_data_loads_neither_grain_nor_tensorflow_datasets():
    code = (
        "import sys, jaxgan.data; print(sorted({'grain', 'tensorflow_datasets', 'PIL', 'zipfile'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "grain" not in found and "tensorflow_datasets" not in found


def test_blank_images_are_grey_and_cost_nothing():
    blank = source("blank:8")
    assert blank.resolution == 8 and source("blank", channels=1).channels == 1
    item = blank[len(blank) - 1]
    assert list(item) == ["image"] and item["image"].shape == (8, 8, 3) and np.unique(item["image"]).tolist() == [128]
