"""A tiny configuration of every family and of every game; the suite fails if one is missing."""

from dataclasses import dataclass
from typing import Any

from jaxgan.training.ema import Ema
from jaxgan.training.gan import GAN
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import PathLength, StyleGAN2

SMALL = dict(resolution=8, z_dim=6, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)


@dataclass(frozen=True, eq=False)
class Case:
    """One member of the suite: `arch` and `discriminator` are keyword arguments of the family's factories."""

    family: str
    arch: dict
    discriminator: dict
    game: Any = None
    label: str = ""

    def __str__(self):
        return self.family + self.label


DISCRIMINATOR = {k: SMALL[k] for k in ("resolution", "channel_base", "channel_max")}
GAME = StyleGAN2(**SMALL, mbstd=4, r1=R1(1.0, 2), path_length=PathLength(every=2))

MLP = dict(resolution=8, z_dim=6, hidden=(8, 12))

CASES = (
    Case("gan", MLP, {"resolution": 8, "hidden": (8,)}, GAN(**MLP, d_hidden=(8,))),
    Case(
        "gan",
        {**MLP, "classes": 3, "channels": 3, "output": "sigmoid"},
        {"resolution": 8, "channels": 3, "classes": 3},
        label="-conditional-colour",
    ),
    Case("stylegan2", SMALL, DISCRIMINATOR, GAME),
    Case(
        "stylegan2",
        {**SMALL, "classes": 3, "architecture": "resnet", "channels": 1},
        {**DISCRIMINATOR, "classes": 3, "architecture": "skip", "channels": 1, "mapping_layers": 2},
        label="-conditional-grey",
    ),
)


def trainer(case: Case):
    """Make the case's game at batch 8."""
    return case.game.trainer(batch=8, adam=Adam(), ema=Ema(kimg=0.1))
