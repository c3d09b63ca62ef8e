"""Fetch a published file by its hash, when asked to; nothing in the library fetches by itself."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from jaxgan.io.atomic import replaced

INCEPTION = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
PIECE = 1 << 20
PATIENCE = 30.0  # seconds without an answer


def fetched(url: str, digest: str, folder: str | Path) -> Path:
    """Return a file of a folder, fetched first if it is not there or not what it should be.

    Args:
        url: Where it is published; its last part is the file's name.
        digest: Beginning of the file's sha256, in hexadecimal digits.
        folder: Where it is kept.

    Raises:
        OSError: It cannot be fetched; says how to do without.
        ValueError: What came is another file.
    """
    path = Path(folder) / url.rpartition("/")[2]
    if path.is_file() and hashed(path).startswith(digest):
        return path
    with replaced(path) as part:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer, part.open("wb") as file:
                while piece := answer.read(PIECE):
                    file.write(piece)
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise OSError(f"{url} cannot be fetched ({reason}); fetch it elsewhere and give its path") from error
        found = hashed(part)
        if not found.startswith(digest):
            raise ValueError(f"{url} gave another file: its sha256 begins {found[:8]}, not {digest}")
    return path


def hashed(path: Path) -> str:
    """Return a file's sha256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
