"""The judge of digits from its weight file."""

from __future__ import annotations

from pathlib import Path

from jaxgan.core.network import Network
from jaxgan.features.digits import LeNet
from jaxgan.io.names import Table, placed, shapes, tensors
from jaxgan.io.pickles import read
from jaxgan.io.records import UnreadableFile

NAMES: Table = (
    (r"params/(c\d)/kernel", r"convnet.\1.weight"),
    (r"params/(c\d)/bias", r"convnet.\1.bias"),
    (r"params/(f\d)/kernel", r"fc.\1.weight"),
    (r"params/(f\d)/bias", r"fc.\1.bias"),
)


def load_lenet(weights: str | Path) -> Network:
    """Load LeNet-5 as a judge of digits: images [N, H, W, C] in [-1, 1] to logits [N, 10].

    Args:
        weights: A torch state dict with the layers `convnet.c1`, `c3`, `c5` and `fc.f6`, `f7`, as csinva's
            gan-vae-pretrained-pytorch publishes it.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: The file holds other arrays.
    """
    module = LeNet()
    try:
        values = placed(shapes(module), tensors(read(weights).value), NAMES, what="LeNet")
    except UnreadableFile as error:
        raise UnreadableFile(f"{weights}: {error}") from error
    return Network(values["params"], values["buffers"], module, "features.lenet")
