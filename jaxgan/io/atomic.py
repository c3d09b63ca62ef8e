"""Write a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place when the block ends well.

    A block that fails leaves what stood at `path` before; a reader sees the old file or the new one, never a part.

    Args:
        path: where the file shall stand; missing folders are made.

    Yields:
        A path in the same folder with the same suffix, to be written by the block.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:80]}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:  # the new name must not reach the disk before the bytes do
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
