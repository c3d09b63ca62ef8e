import itertools
import logging
import pickle
import tempfile

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Scenes, batches, source, to_uint8
from jaxgan.data.batches import _Store


class Numbered:
    """Images whose every pixel says which image it is; some cannot be read."""

    name, resolution, channels, label_size, label_names, fingerprint = "numbered", 4, 1, 1, (), ""

    def __init__(self, length, bad=()):
        self.length, self.bad, self.reads = length, set(bad), 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        from jaxgan.data import Unreadable

        self.reads += 1
        if index in self.bad:
            raise Unreadable(f"number {index}")
        image = np.full((4, 4, 1), index, np.uint8)
        image[:, 0] = 0  # the left edge is marked, so that a flip shows
        return {"image": image, "label": np.array([index], np.float32)}


def take(iterator, n):
    return list(itertools.islice(iterator, n))


def numbers(found):
    return np.concatenate([item["label"][:, 0] for item in found]).astype(int)


def equal(one, other):
    return len(one) == len(other) and all(
        a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a) for a, b in zip(one, other, strict=True)
    )


def test_batches_have_the_promised_shapes_and_range():
    item = next(batches(Scenes(16, 40), 8, seed=0))
    assert item["image"].shape == (8, 16, 16, 3) and item["image"].dtype == np.float32
    assert item["label"].shape == (8, 8) and item["label"].dtype == np.float32
    assert item["image"].min() >= -1 and item["image"].max() <= 1


def test_pictures_keep_their_labels_and_values():
    scenes = Scenes(16, 10)
    item = next(batches(scenes, 4, seed=5))
    everything = [scenes[i] for i in range(10)]
    for image, label in zip(item["image"], item["label"], strict=True):
        found = next(other for other in everything if np.array_equal(other["label"], label))
        assert np.array_equal(to_uint8(image), found["image"])


def test_every_epoch_is_a_new_permutation():
    order = numbers(take(batches(Numbered(30), 10, seed=1), 9)).reshape(3, 30)
    assert (np.sort(order) == np.arange(30)).all()
    assert len({tuple(epoch) for epoch in order}) == 3


def test_a_batch_may_cross_epochs_and_exceed_the_data():
    order = numbers(take(batches(Numbered(7), 10, seed=1), 7)).reshape(10, 7)
    assert (np.sort(order) == np.arange(7)).all()


def test_seed_fixes_the_order():
    one, same, other = (numbers(take(batches(Numbered(50), 10, seed=s), 3)) for s in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


@pytest.mark.parametrize("start", [0, 1, 7, 12])
def test_start_goes_on_where_an_uninterrupted_run_stands(start):
    whole = take(batches(Scenes(16, 50), 8, seed=2, mirror=True), 16)
    assert equal(take(batches(Scenes(16, 50), 8, seed=2, mirror=True, start=start), 16 - start), whole[start:])


def test_starting_late_reads_no_earlier_data():
    data = Numbered(100)
    next(batches(data, 2, seed=0, start=1_000_000, cache=False))
    assert data.reads < 100


def test_worker_processes_give_the_same_batches_as_threads(tmp_path):
    for i in range(30):
        Image.new("RGB", (20, 16), (i, 2 * i, 3 * i)).save(tmp_path / f"{i:02}.png")
    for data in (Scenes(16, 30), source(tmp_path)):
        threads = take(batches(data, 6, seed=2, start=3, resolution=16, mirror=True), 12)
        stream = batches(data, 6, seed=2, start=3, resolution=16, mirror=True, workers=2)
        assert equal(take(stream, 12), threads)


def test_processes_have_disjoint_parts_of_the_same_batch():
    whole = take(batches(Numbered(60), 12, seed=3), 10)
    parts = [take(batches(Numbered(60), 12, seed=3, process_index=i, process_count=3), 10) for i in range(3)]
    for step in range(10):
        rows = [set(numbers([part[step]])) for part in parts]
        assert [len(row) for row in rows] == [4, 4, 4]
        assert set().union(*rows) == set(numbers([whole[step]]))
        for i in range(3):
            assert np.array_equal(parts[i][step]["image"], whole[step]["image"][i::3])


def test_mirror_doubles_the_data():
    epoch = take(batches(Numbered(20), 10, seed=0, mirror=True), 4)
    assert (np.bincount(numbers(epoch), minlength=20) == 2).all()
    images = np.concatenate([to_uint8(item["image"]) for item in epoch])
    plain = (images[:, 0, 0, 0] == 0) & (numbers(epoch) > 0)
    flipped = (images[:, 0, -1, 0] == 0) & (numbers(epoch) > 0)
    assert plain.sum() == flipped.sum() == 19


def test_mirrored_scenes_carry_mirrored_labels():
    from jaxgan.data import render

    item = next(batches(Scenes(32, 8), 16, seed=0, mirror=True))
    assert np.abs(to_uint8(item["image"]).astype(int) - render(item["label"], 32)).max() <= 2


def test_cache_reads_every_image_once():
    data = Numbered(20)
    take(batches(data, 10, seed=0), 2)
    stream = batches(data, 10, seed=0)
    take(stream, 40)
    before = data.reads
    take(stream, 40)
    assert data.reads == before


def test_small_cache_changes_nothing_but_the_reads():
    whole = take(batches(Numbered(20), 5, seed=0), 12)
    for cache in (False, 16 * 7):  # none, and room for 7 images of 16 bytes
        assert equal(take(batches(Numbered(20), 5, seed=0, cache=cache), 12), whole)
    assert len(_Store(Numbered(20), 4, 16 * 7, shared=False).image) == 7


def test_images_are_cropped_and_resized_to_the_resolution():
    item = next(batches(Scenes(32, 8), 4, seed=0, resolution=8))
    assert item["image"].shape == (4, 8, 8, 3)


def test_unlabelled_sources_give_no_label(tmp_path):
    for i in range(4):
        Image.new("L", (8, 8), i).save(tmp_path / f"{i}.png")
    item = next(batches(source(tmp_path), 2, seed=0))
    assert set(item) == {"image"} and item["image"].shape == (2, 8, 8, 1)


def test_unreadable_image_is_named_counted_and_replaced_by_the_next(caplog):
    with caplog.at_level(logging.WARNING):
        order = numbers(take(batches(Numbered(200, bad=[7, 8]), 50, seed=0), 4))
    counts = np.bincount(order, minlength=200)
    assert counts[7] == counts[8] == 0 and counts[9] == 3 and counts.sum() == 200
    said = " ".join(caplog.messages)
    assert "number 7" in said and "number 8" in said and "2 of 200" in said
    assert len(caplog.messages) == 2


def test_the_last_image_unreadable_is_replaced_by_the_first():
    order = numbers(take(batches(Numbered(200, bad=[199]), 50, seed=0), 4))
    assert np.bincount(order)[0] == 2


def test_resume_is_exact_with_unreadable_images():
    whole = take(batches(Numbered(200, bad=[7, 8]), 20, seed=0), 12)
    assert equal(take(batches(Numbered(200, bad=[7, 8]), 20, seed=0, start=6), 6), whole[6:])


def test_more_than_one_percent_unreadable_is_an_error_that_names_some():
    with pytest.raises(ValueError, match=r"3 of the 200 images of numbered are unreadable.*1%.*number 9") as caught:
        take(batches(Numbered(200, bad=[7, 8, 9]), 50, seed=0), 8)
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_errors_in_worker_processes_too(tmp_path):
    for i in range(20):
        Image.new("RGB", (8, 8), (i, i, i)).save(tmp_path / f"{i:02}.png")
    (tmp_path / "13.png").write_bytes((tmp_path / "13.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"13\.png"):
        take(batches(source(tmp_path), 10, seed=0, workers=1), 20)


def test_worker_processes_share_one_cache_that_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = _Store(Numbered(5), 4, 1 << 20, shared=True)
    other = pickle.loads(pickle.dumps(store))
    assert store.load(3) is None and other.load(3) is None
    item = {"image": np.full((4, 4, 1), 9, np.uint8), "label": np.array([3], np.float32)}
    other.save(3, item)
    assert equal([store.load(3)], [item])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"batch": 9, "process_count": 2}, "batch is 9.*2 processes"),
        ({"process_index": 1}, r"process_index is 1, need 0\.\.0"),
        ({"start": -1}, "start is -1"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_at_once(options, word):
    with pytest.raises(ValueError, match=word):
        batches(Numbered(10), **({"batch": 2, "seed": 0} | options))


def test_a_resolution_is_asked_for_where_sizes_differ(tmp_path):
    for side in (8, 9):
        Image.new("L", (side, side)).save(tmp_path / f"{side}.png")
    with pytest.raises(ValueError, match="differ in size"):
        batches(source(tmp_path), 2, seed=0)
    assert next(batches(source(tmp_path), 2, seed=0, resolution=4))["image"].shape == (2, 4, 4, 1)


def test_real_photographs_come_in_batches(shared_data):
    data = source(f"{shared_data('images/clothing64.zip')}:train")
    item = next(batches(data, 16, seed=0, mirror=True))
    assert item["image"].shape == (16, 64, 64, 3) and item["label"].shape == (16, 10)
    assert (item["label"].sum(1) == 1).all() and item["image"].std() > 0.2


def test_a_skipped_start_is_the_same_list_from_there_on():
    whole = numbers(take(batches(Numbered(10), 5, seed=1), 6))
    for skip, start in ((7, 0), (4, 2), (13, 1)):
        found = numbers(take(batches(Numbered(10), 3, seed=1, skip=skip, start=start), 3))
        assert np.array_equal(found, whole[skip + 3 * start :][:9])
    shares = [take(batches(Numbered(10), 4, 1, skip=3, process_index=p, process_count=2), 2) for p in (0, 1)]
    rows = [numbers([part]) for pair in zip(*shares, strict=True) for part in pair]
    together = np.concatenate([np.stack(rows[i : i + 2], 1).reshape(-1) for i in (0, 2)])
    assert np.array_equal(together, whole[3:11])


def test_shrunk_images_are_the_means_of_their_cells():
    whole, small = (next(batches(Scenes(16, 8), 8, seed=2, shrink=shrink))["image"] for shrink in (1, 4))
    means = whole.reshape(8, 4, 4, 4, 4, 3).mean((2, 4))
    assert small.shape == (8, 4, 4, 3) and np.abs(small - means).max() < 0.51 / 127.5
    with pytest.raises(ValueError, match="shrink is 3, which does not divide the 16 pixels"):
        batches(Scenes(16, 8), 8, seed=2, shrink=3)
