import gzip
import pickle
import struct

import numpy as np
import pytest

from jaxgan.data import source

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), np.uint8)


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_npz_gives_images_and_one_hot_labels(tmp_path):
    data = source(saved(tmp_path / "a.npz", images=IMAGES, labels=np.array([0, 2, 1, 0, 0, 2])))
    assert (len(data), data.channels, data.resolution, data.label_size) == (6, 3, 5, 3)
    assert np.array_equal(data[4]["image"], IMAGES[4])
    assert data[1]["label"].tolist() == [0, 0, 1] and data[1]["label"].dtype == np.float32


def test_npz_factors_are_labels_with_names(tmp_path):
    factors = np.arange(12, dtype=np.uint8).reshape(6, 2)
    data = source(saved(tmp_path / "a.npz", images=IMAGES, factors=factors, factor_names=np.array(["x", "y"])))
    assert data.label_names == ("x", "y") and data[2]["label"].tolist() == [4, 5]


@pytest.mark.parametrize(("channels", "seen"), [(None, 1), (1, 1), (2, 1), (3, 3), (4, 3)])
def test_any_number_of_channels_is_brought_to_grey_or_colour(tmp_path, channels, seen):
    shape = (4, 6, 6) if channels is None else (4, 6, 6, channels)
    np.save(tmp_path / "a.npy", np.full(shape, 255, np.uint8))
    data = source(tmp_path / "a.npy")
    assert data.channels == seen and data[0]["image"].shape == (6, 6, seen) and (data[0]["image"] == 255).all()
    assert data.label_size == 0


def test_arrays_survive_pickling_by_being_read_again(tmp_path):
    data = source(saved(tmp_path / "a.npz", images=IMAGES, labels=np.arange(6)))
    packed = pickle.dumps(data)
    assert len(packed) < IMAGES.nbytes
    assert np.array_equal(pickle.loads(packed)[5]["image"], IMAGES[5])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("labels_packed", [False, True])
def test_idx_finds_its_labels_beside_it(tmp_path, packed, labels_packed):
    grey = IMAGES[..., 0]
    name, beside = "some-images-idx3-ubyte", "some-labels-idx1-ubyte"
    image_bytes, label_bytes = idx(grey), idx(np.array([1, 0, 3, 1, 1, 1], np.uint8))
    (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(image_bytes) if packed else image_bytes)
    (tmp_path / (beside + ".gz" * labels_packed)).write_bytes(
        gzip.compress(label_bytes) if labels_packed else label_bytes
    )
    data = source(tmp_path / (name + ".gz" * packed))
    assert data.channels == 1 and data.label_size == 4
    assert np.array_equal(data[2]["image"][..., 0], grey[2]) and data[2]["label"].argmax() == 3


def test_idx_without_labels_is_unlabelled(tmp_path):
    (tmp_path / "x-idx3-ubyte").write_bytes(idx(IMAGES[..., 0]))
    assert source(tmp_path / "x-idx3-ubyte").label_size == 0


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"pictures": IMAGES}, "no array 'images' in it, only pictures"),
        ({"images": IMAGES.astype(np.float32)}, "float32, need uint8"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, r"\[6, 3, 5, 7\], need.*channels come last"),
        ({"images": IMAGES[0, 0]}, r"\[7, 3\], need"),
        ({"images": IMAGES, "labels": np.arange(5)}, "6 images and 5 labels"),
        ({"images": IMAGES, "labels": np.full(6, -1)}, "labels of a.npz are int64"),
        ({"images": IMAGES, "labels": np.array(list("abcdef"))}, "labels of a.npz are <U1"),
        ({"images": np.array([{}], object)}, "a.npz cannot be used: Object arrays"),
    ],
)
def test_bad_arrays_are_told_in_one_line(tmp_path, arrays, word):
    with pytest.raises(ValueError, match=word) as caught:
        source(saved(tmp_path / "a.npz", **arrays))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x-idx3-ubyte", idx(IMAGES[..., 0])[:-9], "says 6 x 5 x 7 bytes, 201 are there"),
        ("x-idx3-ubyte", b"text", "is not an idx file"),
        ("x-idx3-ubyte", b"", "is not an idx file"),
        ("x-idx3-ubyte", b"\0\0\x08\x03\0\0", "cannot be used"),
        ("x-idx3-ubyte.gz", gzip.compress(idx(IMAGES[..., 0]))[:-20], "cannot be used"),
        ("x-idx1-ubyte", idx(np.arange(4, dtype=np.uint8)), r"\[4\], need"),
        ("a.npy", b"\x93NUMPY", "a.npy cannot be used"),
        ("a.npz", b"PK", "a.npz cannot be used"),
    ],
)
def test_broken_files_are_told_in_one_line(tmp_path, name, content, word):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=word) as caught:
        source(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_real_mnist_has_its_known_labels(shared_data):
    shared_data("digits/mnist-t10k-labels-idx1-ubyte.gz")
    data = source(shared_data("digits/mnist-t10k-images-idx3-ubyte.gz"))
    assert (len(data), data.channels, data.resolution, data.label_size) == (10_000, 1, 28, 10)
    assert [int(data[i]["label"].argmax()) for i in range(10)] == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_real_sprites_have_named_factors(shared_data):
    data = source(shared_data("images/lpc_sprites64.npz"))
    assert (len(data), data.resolution, data.label_size) == (7776, 64, 6) and data.label_names[0] == "body"
