"""A tiny configuration of every family and of every game; the suite fails if one is missing."""

from dataclasses import dataclass
from typing import Any

from jaxgan.training.dcgan import DCGAN
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

CONVOLUTIONS = dict(resolution=16, width=4, width_max=6)

BIGGAN = dict(resolution=8, width=2, classes=3, shared_dim=4, attention=(8,), z_dim=6)
PROJECTION = dict(resolution=8, width=2, classes=3, attention=(4,))

CASES = (
    Case("biggan", BIGGAN, PROJECTION),
    Case(
        "biggan",
        {"resolution": 8, "width": 4, "deep": True, "z_dim": 5, "channels": 1, "bn_groups": 2},
        {"resolution": 8, "width": 4, "deep": True, "channels": 1},
        label="-deep-grey",
    ),
    Case(
        "biggan",
        {**BIGGAN, "deep": True, "statistics": 3, "truncation": 0.4, "stored": True, "rgb_width": 8},
        PROJECTION,
        label="-truncations",
    ),
    Case(
        "biggan",
        {**BIGGAN, "hierarchical": False, "shared_dim": 0, "spectral": False},
        {**PROJECTION, "wide": False},
        label="-tables",
    ),
    Case("dcgan", {**CONVOLUTIONS, "z_dim": 5}, CONVOLUTIONS, DCGAN(**CONVOLUTIONS, z_dim=5)),
    Case(
        "dcgan",
        {**CONVOLUTIONS, "classes": 3, "channels": 1, "up": "nearest", "kernel": 3, "embed": 4},
        {**CONVOLUTIONS, "classes": 3, "channels": 1, "kernel": 5},
        label="-nearest-conditional-grey",
    ),
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
