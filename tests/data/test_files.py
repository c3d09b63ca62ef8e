import json
import pickle
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Unreadable, source


def png(value=0, mode="RGB", size=(8, 8)):
    file = BytesIO()
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(file, "PNG")
    return file.getvalue()


def archive(path, files):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data if isinstance(data, bytes) else json.dumps(data))
    return path


def values(data):
    return [int(data[i]["image"][0, 0, 0]) for i in range(len(data))]


def classes(data):
    return [int(data[i]["label"].argmax()) for i in range(len(data))]


def test_folder_holds_every_image_at_any_depth_in_the_order_of_names(tmp_path):
    for i, name in enumerate(("b.png", "a/z/c.png", "a/y.PNG", "B.jpeg")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (40 * i, 0, 0)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    data = source(tmp_path)
    assert data.files == ["B.jpeg", "a/y.PNG", "a/z/c.png", "b.png"]
    assert values(data)[1:] == [80, 40, 0]
    assert data.resolution == 8 and data.channels == 3 and data.label_size == 0


def test_zip_and_folder_of_the_same_files_are_the_same(tmp_path):
    files = {f"{c}/{i}.png": png(10 * i) for c in "xy" for i in range(3)}
    for name, content in files.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(content)
    folder, packed = source(tmp_path / "f"), source(archive(tmp_path / "f.zip", files))
    assert folder.files == packed.files and folder.label_names == packed.label_names == ("x", "y")
    for i in range(6):
        assert all(np.array_equal(folder[i][k], packed[i][k]) for k in ("image", "label"))


def test_class_folders_become_one_hot_labels(tmp_path):
    files = {f"train/{c}/{i}.png": png() for c in ("cat", "dog", "eel") for i in range(2)}
    data = source(archive(tmp_path / "a.zip", files))
    assert data.label_names == ("cat", "dog", "eel") and data.label_size == 3
    assert classes(data) == [0, 0, 1, 1, 2, 2] and data[0]["label"].dtype == np.float32


def test_part_is_only_what_lies_under_it(tmp_path):
    files = {f"{part}/{c}/{i}.png": png() for part in ("train", "training", "test") for c in "ab" for i in range(2)}
    path = archive(tmp_path / "a.zip", files)
    assert source(f"{path}:train").files == ["train/a/0.png", "train/a/1.png", "train/b/0.png", "train/b/1.png"]
    assert source(f"{path}:test/b/").label_size == 0
    with pytest.raises(ValueError, match=r"no part 'tset'; did you mean 'test'"):
        source(f"{path}:tset")


@pytest.mark.parametrize(
    "files",
    [
        {"a.png": png(), "b/c.png": png(), "b/d.png": png(), "e/f.png": png()},  # one lies outside the folders
        {f"0000{i // 2}/img{i:08}.png": png() for i in range(6)},  # NVIDIA's chunks
        {f"{i}/only.png": png() for i in range(6)},  # a folder an image
        {f"one/{i}.png": png() for i in range(6)},  # a single class says nothing
    ],
)
def test_folders_that_are_no_classes_give_no_labels(tmp_path, files):
    assert source(archive(tmp_path / "a.zip", files)).label_size == 0


def test_dataset_json_with_whole_numbers_is_one_hot(tmp_path):
    files = {f"00000/img{i}.png": png(i) for i in range(3)}
    labels = {"labels": [["00000/img0.png", 3], ["00000/img1.png", 0], ["00000/img2.png", 1]]}
    data = source(archive(tmp_path / "a.zip", files | {"dataset.json": labels}))
    assert data.label_size == 4 and classes(data) == [3, 0, 1]


def test_dataset_json_with_lists_gives_vectors(tmp_path):
    files = {"a.png": png(), "b.png": png()}
    labels = {"labels": [["a.png", [0.5, -1]], ["b.png", [2, 3]]]}
    data = source(archive(tmp_path / "a.zip", files | {"dataset.json": labels}))
    assert data[0]["label"].tolist() == [0.5, -1] and data[1]["label"].tolist() == [2, 3]


@pytest.mark.parametrize("labels", [{"labels": None}, {}, {"labels": []}])
def test_dataset_json_without_labels_means_none(tmp_path, labels):
    files = {f"{c}/{i}.png": png() for c in "ab" for i in range(3)}
    assert source(archive(tmp_path / "a.zip", files | {"dataset.json": labels})).label_size == 0


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        ({"labels": [["a.png", 0]]}, "no label for 1 images, such as b.png"),
        ({"labels": [["a.png", 0], ["b.png", [1, 2]]]}, "all be whole numbers or lists"),
        ({"labels": [["a.png", "cat"], ["b.png", "dog"]]}, "all be whole numbers or lists"),
        ({"labels": 5}, "dataset.json of a.zip is not"),
        ([1, 2], "dataset.json of a.zip is not"),
        (b"{", "dataset.json of a.zip is not"),
    ],
)
def test_bad_dataset_json_is_told_in_one_line(tmp_path, labels, word):
    path = archive(tmp_path / "a.zip", {"a.png": png(), "b.png": png(), "dataset.json": labels})
    with pytest.raises(ValueError, match=word) as caught:
        source(path)
    assert "\n" not in str(caught.value)


def test_grey_files_stay_grey_and_mixed_ones_become_colour(tmp_path):
    grey = {f"{i}.png": png(9, "L") for i in range(3)}
    assert source(archive(tmp_path / "a.zip", grey)).channels == 1
    mixed = source(archive(tmp_path / "b.zip", grey | {"x.png": png(7)}))
    assert mixed.channels == 3 and [mixed[i]["image"].shape for i in (0, 3)] == [(8, 8, 3)] * 2
    assert source(tmp_path / "b.zip", channels=1)[3]["image"].shape == (8, 8, 1)
    assert source(tmp_path / "a.zip", channels=3)[0]["image"].tolist()[0][0] == [9, 9, 9]


def test_sizes_that_differ_have_no_resolution(tmp_path):
    tall, wide = png(size=(8, 12)), png(size=(20, 8))
    assert source(archive(tmp_path / "a.zip", {"a.png": tall, "b.png": wide})).resolution == 8
    assert source(archive(tmp_path / "b.zip", {"a.png": tall, "b.png": png(size=(9, 9))})).resolution is None


@pytest.mark.parametrize(
    "damage", [lambda d: d[:60], lambda d: b"", lambda d: b"text", lambda d: d[:40] + b"\0" + d[41:]]
)
def test_broken_image_is_unreadable_by_name(tmp_path, damage):
    rng = np.random.default_rng(0)
    file = BytesIO()
    Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(file, "PNG")
    data = source(archive(tmp_path / "a.zip", {"a.png": png(), "broken.png": damage(file.getvalue())}))
    assert data[0]["image"].shape == (8, 8, 3)
    with pytest.raises(Unreadable, match=r"broken\.png of a\.zip: ."):
        data[1]


def test_damage_inside_a_zip_is_unreadable(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.png": png(), "b.png": png(3)})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"IDAT") + 6] ^= 255  # b.png no longer has its checksum
    path.write_bytes(content)
    data = source(path)
    assert data[0]["image"].shape == (8, 8, 3)
    with pytest.raises(Unreadable, match=r"b\.png"):
        data[1]


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({}, "a.zip is empty"),
        ({"a.txt": b"x", "b.csv": b"y"}, r"holds 2 files \(.csv, .txt\) but no images"),
        ({"a.png": b"no png", "b.png": b""}, "none of the images of a.zip can be read: a.png|b.png"),
    ],
)
def test_zip_without_usable_images_is_told(tmp_path, files, word):
    with pytest.raises(ValueError, match=word):
        source(archive(tmp_path / "a.zip", files))


def test_empty_folder_and_false_zip_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty is empty"):
        source(tmp_path / "empty")
    (tmp_path / "false.zip").write_text("text")
    with pytest.raises(ValueError, match=r"false\.zip cannot be opened as a zip"):
        source(tmp_path / "false.zip")


def test_fingerprint_follows_content_names_and_labels(tmp_path):
    base = {"a/0.png": png(0), "a/1.png": png(1), "b/2.png": png(2), "b/3.png": png(3)}
    prints = [
        source(archive(tmp_path / f"{i}.zip", files)).fingerprint
        for i, files in enumerate(
            (base, base, base | {"b/3.png": png(4)}, base | {"b/4.png": png(4)}, base | {"dataset.json": {}})
        )
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 4


def test_many_threads_read_one_zip(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    data = source(archive(tmp_path / "a.zip", {f"{i:03}.png": png(i) for i in range(100)}))
    data = pickle.loads(pickle.dumps(data))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: int(data[i % 100]["image"][0, 0, 0]), range(800)))
    assert found == [i % 100 for i in range(800)]


def test_real_photographs_have_their_known_counts_and_classes(shared_data):
    path = shared_data("images/clothing64.zip")
    train, held = source(f"{path}:train"), source(f"{path}:validation")
    assert (len(train), len(held), len(source(path))) == (3068, 341, 3409)
    assert train.label_names == held.label_names and len(train.label_names) == 10 and "dress" in train.label_names
    assert train.resolution == 64 and train.channels == 3
    assert not set(train.files) & set(held.files)


def test_real_emoji_show_white_through_their_transparency(shared_data):
    data = source(shared_data("images/noto_emoji72.zip"))
    assert len(data) == 3288 and data.resolution == 72 and data.label_size == 0
    corners = np.stack([data[i]["image"][0, 0] for i in range(0, len(data), 50)])
    assert (np.median(corners, 0) == 255).all()


def test_real_grey_portraits_have_forty_people(shared_data):
    data = source(shared_data("faces/orl_att_faces.zip"))
    assert (len(data), data.channels, data.resolution, data.label_size) == (400, 1, 92, 40)
    assert data[0]["image"].shape == (112, 92, 1)
