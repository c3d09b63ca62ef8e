"""Write frames as a film: mp4 by ffmpeg, or an animated GIF or WebP by Pillow alone."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from jaxgan.io.atomic import replaced
from jaxgan.io.images import to_uint8


def save_video(path: str | Path, frames: Iterable[Float[Any, "h w c"]], fps: float = 30.0) -> None:
    """Write frames in the format that the suffix names, one frame in memory at a time where the format allows it.

    Args:
        path: ends in .mp4 (needs the extra `video`), .gif or .webp.
        frames: images [H, W, C] in [-1, 1], all of one size, 1 or 3 channels; an iterator is consumed as it comes.
        fps: frames per second.

    Raises:
        ValueError: the suffix is none of these, there is no frame, or a frame has another size than the first.
        ImportError: mp4 is asked for and the extra `video` is not installed.
    """
    path = Path(path)
    writers = {".mp4": _mp4, ".gif": _animation, ".webp": _animation}
    if path.suffix.lower() not in writers:
        raise ValueError(f"{path}: films end in {', '.join(writers)}, not in '{path.suffix}'")
    if fps <= 0:
        raise ValueError(f"fps is {fps}; it must be above 0")
    with replaced(path) as temporary:
        writers[path.suffix.lower()](temporary, _rgb(frames), fps)


def _rgb(frames: Iterable[Float[Any, "h w c"]]) -> Iterable[UInt8[np.ndarray, "h w 3"]]:
    shape = None
    for index, frame in enumerate(frames):
        array = np.asarray(frame)
        if array.ndim != 3 or array.shape[-1] not in (1, 3) or shape not in (None, array.shape):
            raise ValueError(f"frame {index} has the shape {array.shape}, not {shape or '[H, W, 1 or 3]'}")
        shape = array.shape
        yield np.ascontiguousarray(np.broadcast_to(to_uint8(array), (*shape[:2], 3)))
    if shape is None:
        raise ValueError("there is no frame to write")


def _mp4(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(f"{path.suffix} needs ffmpeg: pip install 'jaxgan[video]', or write .gif or .webp") from error
    frames = iter(frames)
    first = _even(next(frames))
    size = f"{first.shape[1]}x{first.shape[0]}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(fps), "-i", "-"]
    coded = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart", str(path)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *raw, *coded]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said) as process:
            assert process.stdin is not None
            try:
                for frame in itertools.chain([first], map(_even, frames)):
                    process.stdin.write(frame.tobytes())
            except BrokenPipeError:
                pass  # ffmpeg gave up; what it said follows
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        reason = " ".join(said.read().decode(errors="replace").split())[:200]
    if process.returncode != 0:
        raise OSError(f"ffmpeg could not write the film: {reason}")


def _even(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Repeat the last row or column of odd sides: the common pixel format halves the colour planes."""
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")


def _animation(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps: float) -> None:
    from PIL import Image

    pictures = (Image.fromarray(frame) for frame in frames)
    first = next(pictures)
    options: dict[str, Any] = {"quality": 90} if path.suffix.lower() == ".webp" else {"optimize": False}
    duration = max(20, round(1000 / fps))  # viewers slow down what is shorter
    first.save(path, save_all=True, append_images=pictures, duration=duration, loop=0, **options)
