"""Write networks in the layout of other programs, by the suffix of the file."""

from __future__ import annotations

from pathlib import Path

from jaxgan.core import Generator, Network
from jaxgan.io.to_nvidia import to_nvidia
from jaxgan.io.to_rosinality import to_rosinality

WRITERS = {".pkl": to_nvidia, ".pt": to_rosinality}


def export(
    generator: Generator, path: str | Path, discriminator: Network | None = None, trained: Generator | None = None
) -> None:
    """Write networks as NVIDIA's programs (.pkl) or rosinality's (.pt) read them.

    Args:
        generator: The averaged generator.
        path: File to write, whole or not at all; the suffix chooses the layout.
        discriminator: Its discriminator, without which those programs generate but do not train.
        trained: The generator without averaging; the averaged one if None.

    Raises:
        ValueError: The suffix is none of these, or the layout has no place for such networks.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        raise ValueError(f"{path}: layouts of other programs are {', '.join(WRITERS)}, not '{path.suffix}'")
    WRITERS[path.suffix](generator, discriminator, path, trained)
