"""Films hold every frame, at the size and pace asked for."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxgan.io.video import save_video


def frames(count=6, size=(16, 24), channels=3):
    for i in range(count):
        yield np.full((*size, channels), 2 * i / (count - 1) - 1, np.float32)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_animations_hold_every_frame(tmp_path, suffix, channels):
    path = tmp_path / f"a{suffix}"
    save_video(path, frames(channels=channels), fps=10)
    with Image.open(path) as film:
        assert film.n_frames == 6 and film.size == (24, 16)
        for i in range(6):
            film.seek(i)
            assert abs(int(np.asarray(film.convert("RGB"))[8, 8, 0]) - 51 * i) <= 3


def test_mp4_holds_every_frame(tmp_path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "a.mp4"
    save_video(path, frames(size=(33, 47)), fps=5)
    decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(decode, capture_output=True, check=True)
    assert b"5 fps" in done.stderr and b"48x34" in done.stderr
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, 34, 48, 3)
    assert len(pictures) == 6
    for i, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - 51 * i).max() <= 8


def test_a_failing_frame_source_leaves_no_film(tmp_path):
    pytest.importorskip("imageio_ffmpeg")

    def failing():
        yield from frames(2)
        raise RuntimeError("out of frames")

    for suffix in (".mp4", ".gif"):
        with pytest.raises(RuntimeError, match="out of frames"):
            save_video(tmp_path / f"a{suffix}", failing())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_a_film_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="end in"):
        save_video(tmp_path / "a.avi", frames())
    with pytest.raises(ValueError, match="fps is 0"):
        save_video(tmp_path / "a.gif", frames(), fps=0)
    with pytest.raises(ValueError, match="no frame"):
        save_video(tmp_path / "a.gif", [])
    with pytest.raises(ValueError, match=r"frame 1 has the shape \(4, 4, 3\)"):
        save_video(tmp_path / "a.gif", [np.zeros((8, 8, 3)), np.zeros((4, 4, 3))])
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"jaxgan\[video\]"):
        save_video(tmp_path / "a.mp4", frames())
    assert list(tmp_path.iterdir()) == []
