"""Pictures of every mode come in, 8 bits go out, and one bad file does not stop the others."""

import numpy as np
import pytest
from PIL import Image

from jaxgan.io.images import grid, read_images, read_pictures, save_grid, save_image, to_uint8


def ramp(height=8, width=8, channels=3):
    return np.linspace(-1, 1, height * width * channels, dtype=np.float32).reshape(height, width, channels)


def test_eight_bits_round_as_nvidias_do():
    levels = np.arange(256, dtype=np.float32) / 127.5 - 1
    np.testing.assert_array_equal(to_uint8(levels), np.arange(256))
    x = np.array([-1, 1, 0, -7, 7, -1 + 1.01 / 255, -1 + 0.99 / 255], np.float32)
    np.testing.assert_array_equal(to_uint8(x), [0, 255, 128, 0, 255, 1, 0])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_an_image_saved_without_loss_comes_back_to_half_a_level(tmp_path, channels, suffix):
    image = ramp(channels=channels)
    save_image(tmp_path / f"a{suffix}", image)
    images, names, notes = read_images(tmp_path / f"a{suffix}", 8, channels)
    assert images.shape == (1, 8, 8, channels) and images.dtype == np.float32
    assert names == [f"a{suffix}"] and notes == []
    assert np.abs(images[0] - image).max() <= 0.5 / 127.5 + 1e-6


def test_jpeg_and_webp_are_written_near_the_truth(tmp_path):
    image = np.broadcast_to(np.linspace(-1, 1, 32, dtype=np.float32)[:, None, None], (32, 32, 3))
    for suffix in (".jpg", ".webp"):
        save_image(tmp_path / f"a{suffix}", image)
        assert np.abs(read_images(tmp_path / f"a{suffix}", 32)[0][0] - image).max() < 0.06


def test_a_folder_is_searched_through_in_order_and_a_bad_file_is_named(tmp_path):
    save_image(tmp_path / "b.png", ramp(9, 20))
    save_image(tmp_path / "sub" / "a.png", ramp())
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "cut.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image")
    images, names, notes = read_images(tmp_path, 8)
    assert names == ["b.png", "sub/a.png"] and images.shape == (2, 8, 8, 3)
    assert len(notes) == 3 and all("unreadable" in note and "\n" not in note for note in notes)
    assert [word in note for word, note in zip(("bad.jpg", "cut.png", "empty.png"), notes, strict=True)] == [True] * 3
    with pytest.raises(ValueError, match=r"bad\.jpg: unreadable"):
        read_images(tmp_path, 8, strict=True)


def test_a_list_mixes_files_and_folders(tmp_path):
    save_image(tmp_path / "a.png", ramp())
    save_image(tmp_path / "f" / "b.png", ramp())
    assert read_images([tmp_path / "f", tmp_path / "a.png"], 8)[1] == ["b.png", "a.png"]


def test_modes_and_rotation_come_out_upright(tmp_path):
    colour = np.zeros((8, 8, 3), np.uint8)
    colour[:4] = (255, 0, 0)
    upright = Image.fromarray(colour)
    upright.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    upright.convert("CMYK").save(tmp_path / "cmyk.tiff")
    upright.convert("RGBA").save(tmp_path / "alpha.png")
    turned = Image.Exif()
    turned[0x0112] = 3  # stored upside down
    upright.rotate(180).save(tmp_path / "exif.png", exif=turned)
    images, names, notes = read_images(tmp_path, 8)
    assert len(names) == 4 and notes == []
    for name, image in zip(names, images, strict=True):
        assert np.abs(image[0, 0] - [1, -1, -1]).max() < 0.02, name
        assert np.abs(image[7, 7] + 1).max() < 0.02, name


def test_what_cannot_be_read_at_all_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no image in"):
        read_images(tmp_path, 8)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_images(tmp_path / "none.png", 8)
    with pytest.raises(FileNotFoundError, match="empty list"):
        read_images([], 8)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="none of 1 images"):
        read_images(tmp_path, 8)


def test_an_image_with_absurd_dimensions_is_noted(tmp_path, monkeypatch):
    save_image(tmp_path / "a.png", ramp())
    save_image(tmp_path / "huge.png", ramp(64, 64))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    _, names, notes = read_images(tmp_path, 8)
    assert names == ["a.png"] and "1000 pixels" in notes[0]


def test_grid_puts_each_image_in_its_cell():
    images = np.stack([np.full((2, 3, 1), i, np.float32) for i in range(5)])
    sheet = grid(images, columns=3)
    assert sheet.shape == (4, 9, 1)
    np.testing.assert_array_equal(sheet[::2, ::3, 0], [[0, 1, 2], [3, 4, 1]])
    np.testing.assert_array_equal(sheet[1::2, 2::3, 0], [[0, 1, 2], [3, 4, 1]])
    assert grid(images).shape == (4, 9, 1)
    with pytest.raises(ValueError, match="columns is 0"):
        grid(images, columns=0)
    with pytest.raises(ValueError, match=r"\(2, 3, 1\)"):
        grid(images[0])


def test_a_grid_is_written_as_one_picture(tmp_path):
    save_grid(tmp_path / "g.png", np.zeros((6, 4, 4, 3), np.float32), columns=3)
    with Image.open(tmp_path / "g.png") as picture:
        assert picture.size == (12, 8) and picture.mode == "RGB"


def test_a_failed_write_leaves_the_old_image(tmp_path):
    save_image(tmp_path / "a.png", ramp())
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ValueError, match="channels"):
        save_image(tmp_path / "a.png", np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="names no image format"):
        save_image(tmp_path / "a.xyz", ramp())
    assert (tmp_path / "a.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_what_was_done_to_a_picture_is_told(tmp_path):
    save_image(tmp_path / "wide.png", ramp(9, 20))
    Image.new("RGBA", (8, 8)).save(tmp_path / "clear.png")
    save_image(tmp_path / "fits.png", ramp())
    images, pictures, notes = read_pictures([tmp_path / f"{n}.png" for n in ("wide", "clear", "fits")], 8)
    assert images.shape == (3, 8, 8, 3) and not notes
    wide, clear, fits = pictures
    assert wide.size == (20, 9) and wide.box == (5, 0, 14, 9)
    assert wide.change == "cropped from 20x9 to its centre, resized from 9 to 8 pixels"
    assert clear.mode == "RGBA" and clear.change == "converted from RGBA to RGB"
    assert fits.change == "" and fits.box == (0, 0, 8, 8)


def test_another_size_or_mode_is_refused_where_it_must_be_exact(tmp_path):
    save_image(tmp_path / "fits.png", ramp())
    assert len(read_pictures(tmp_path, 8, exact=True)[1]) == 1
    with pytest.raises(ValueError, match="is 8x8 RGB, needed is 8x8 L"):
        read_pictures(tmp_path, 8, 1, exact=True)
    with pytest.raises(ValueError, match=r"fits\.png: is 8x8 RGB, needed is 16x16 RGB"):
        read_pictures(tmp_path, 16, exact=True)
