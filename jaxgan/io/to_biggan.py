"""Write BigGANs as BigGAN-PyTorch, or pytorch-pretrained-BigGAN, reads them."""

from __future__ import annotations

from pathlib import Path

from jaxgan.core import Generator, Network
from jaxgan.io.from_biggan import written
from jaxgan.io.torch_writer import save_torch


def to_biggan(thing: Generator | Network, path: str | Path) -> None:
    """Write one network of a BigGAN as a bare state dict, which is what those programs keep: a network a file.

    A generator with statistics for truncations becomes pytorch-pretrained-BigGAN's `pytorch_model.bin`, any other
    network BigGAN-PyTorch's `G_ema.pth`, `G.pth` or `D.pth`.

    Args:
        thing: Generator or discriminator of the family "biggan".
        path: File to write, whole or not at all.

    Raises:
        ValueError: It is no BigGAN, or of a kind that neither program has.
    """
    save_torch(path, written(thing))
