"""Write networks in the layout of other programs, by the suffix of the file."""

from __future__ import annotations

from pathlib import Path

from jaxgan.core import Generator, Network
from jaxgan.io.to_biggan import to_biggan
from jaxgan.io.to_nvidia import to_nvidia
from jaxgan.io.to_rosinality import to_rosinality

WHOLE = {".pkl": to_nvidia, ".pt": to_rosinality}  # a file holds all networks of a training
SINGLE = {".pth": to_biggan, ".bin": to_biggan}  # a file holds one
SUFFIXES = (*WHOLE, *SINGLE)


def export(
    thing: Generator | Network,
    path: str | Path,
    discriminator: Network | None = None,
    trained: Generator | None = None,
) -> None:
    """Write networks as NVIDIA's programs (.pkl), rosinality's (.pt) or BigGAN's (.pth, .bin) read them.

    Args:
        thing: The averaged generator; where a file holds one network, any network.
        path: File to write, whole or not at all; the suffix chooses the layout.
        discriminator: Its discriminator, without which those programs generate but do not train.
        trained: The generator without averaging; the averaged one if None.

    Raises:
        ValueError: The suffix is none of these, or the layout has no place for such networks.
    """
    path = Path(path)
    if path.suffix in WHOLE:
        if not isinstance(thing, Generator):
            raise ValueError(f"{path}: a {path.suffix} begins with a generator; this is a {thing.name or 'network'}")
        WHOLE[path.suffix](thing, discriminator, path, trained)
    elif path.suffix in SINGLE:
        if discriminator is not None or trained is not None:
            raise ValueError(f"{path}: a {path.suffix} holds one network; write the others to files of their own")
        SINGLE[path.suffix](thing, path)
    else:
        raise ValueError(f"{path}: layouts of other programs are {', '.join(SUFFIXES)}, not '{path.suffix}'")
