"""Keep compiled programs on the disk, so that the second start of a run is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jax


def user_cache() -> Path:
    """Folder of the operating system for what can be computed again, with "jaxgan" in it. Not created."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jaxgan"


def cache_compilations(folder: str | Path | None = None) -> Path:
    """Let JAX keep every compiled program in a folder. Call it once, in a program's main, before computing.

    This sets JAX's own process-wide options, which is why the library never does it by itself.

    Args:
        folder: Where; a folder in `user_cache()` if None.

    Returns:
        The folder.
    """
    folder = Path(folder) if folder is not None else user_cache() / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # By default small programs are not kept, and a run consists of many.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder
