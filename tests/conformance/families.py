"""A tiny configuration of every family and of every game; the suite fails if one is missing."""

from dataclasses import dataclass
from typing import Any

import pytest

from jaxgan.training.alae import ALAE
from jaxgan.training.biggan import BigGAN
from jaxgan.training.dcgan import DCGAN
from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema
from jaxgan.training.gan import GAN
from jaxgan.training.growth import Growth
from jaxgan.training.pggan import PGGAN
from jaxgan.training.r3gan import R3GAN
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan1 import StyleGAN1
from jaxgan.training.stylegan2 import PathLength, StyleGAN2
from jaxgan.training.stylegan3 import Blur, StyleGAN3

SMALL = dict(resolution=8, z_dim=6, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)


@dataclass(frozen=True, eq=False)
class Case:
    """One member of the suite: `arch` and `discriminator` are keyword arguments of the family's factories.

    A case with classes has a conditional game. Batches have 8 images, and 8 devices must divide what a game divides.
    """

    family: str
    arch: dict
    discriminator: dict
    game: Any = None
    label: str = ""

    def __str__(self):
        return self.family + self.label

    @property
    def classes(self):
        return self.arch.get("classes", 0)


DISCRIMINATOR = {k: SMALL[k] for k in ("resolution", "channel_base", "channel_max")}
GAME = StyleGAN2(**SMALL, mbstd=4, r1=R1(1.0, 2), path_length=PathLength(every=2))
PER_DEVICE = StyleGAN2(**SMALL, channels=1, architecture="skip", mbstd=2, mbstd_parts=4, r1=R1(0.0), mixing=0.0)

GROWING = {k: SMALL[k] for k in ("resolution", "z_dim", "channel_base", "channel_max")}
STYLED = {**SMALL, "mapping_hidden": 8}

MLP = dict(resolution=8, z_dim=6, hidden=(8, 12))

CONVOLUTIONS = dict(resolution=16, width=4, width_max=6)

BIGGAN = dict(resolution=8, width=2, classes=3, shared_dim=4, attention=(8,), z_dim=6, initial="normal")
PROJECTION = dict(resolution=8, width=2, classes=3, attention=(4,), initial="normal")

ALIAS_FREE = dict(resolution=16, z_dim=6, w_dim=8, layers=2, critical=1, margin=4, channel_base=64, channel_max=6)
# The blur fades too slowly to show in a step.
R_GAME = StyleGAN3(**ALIAS_FREE, variant="r", mbstd=4, r1=R1(1.0, 2), blur=Blur(2.0, 1e6))
BIGGAN_GAME = BigGAN(8, width=2, shared_dim=4, attention=(8,), d_attention=(4,), z_dim=6, initial="normal")

RESIDUAL = dict(resolution=16, widths=(8, 8, 4), blocks=1, group=4)

SUBSPACES = dict(resolution=16, channel_base=4, channel_max=6)

AUTOENCODER = {**STYLED, "growth": Growth(first=8)}
JUDGE = {**DISCRIMINATOR, "w_dim": 8, "hidden": 8}

CASES = (
    Case("alae", STYLED, JUDGE, ALAE(**AUTOENCODER)),
    Case(
        "alae",
        {**STYLED, "classes": 3, "channels": 1},
        {**JUDGE, "classes": 3, "channels": 1},
        ALAE(**AUTOENCODER, channels=1, mixing=0.0),
        label="-conditional-grey",
    ),
    Case(
        "eigengan",
        {**SUBSPACES, "z_dim": 5, "basis": 2},
        SUBSPACES,
        EigenGAN(**SUBSPACES, z_dim=5, basis=2, every=2),
    ),
    Case("r3gan", {**RESIDUAL, "z_dim": 5}, RESIDUAL, R3GAN(**RESIDUAL, z_dim=5, every=2)),
    Case(
        "r3gan",
        {**RESIDUAL, "classes": 3, "channels": 1, "embed": 4, "blocks": (2, 1, 0)},
        {**RESIDUAL, "classes": 3, "channels": 1, "blocks": (2, 1, 0)},
        label="-conditional-grey",
    ),
    Case("biggan", BIGGAN, PROJECTION, BIGGAN_GAME),
    Case(
        "biggan",
        {"resolution": 8, "width": 4, "deep": True, "z_dim": 5, "channels": 1, "bn_groups": 2, "initial": "glorot"},
        {"resolution": 8, "width": 4, "deep": True, "channels": 1},
        BigGAN(8, channels=1, width=4, deep=True, z_dim=5, groups=2, d_steps=1, d_lr=0.004, orthogonal=0.0),
        label="-deep-grey",
    ),
    Case(
        "biggan",
        {
            **BIGGAN,
            "deep": True,
            "statistics": 3,
            "truncation": 0.4,
            "stored": True,
            "rgb_width": 8,
            "initial": "ortho",
        },
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
        DCGAN(**CONVOLUTIONS, z_dim=5, channels=1, up="nearest", groups=4),
        label="-nearest-conditional-grey",
    ),
    Case("gan", MLP, {"resolution": 8, "hidden": (8,)}, GAN(**MLP, d_hidden=(8,))),
    Case(
        "gan",
        {**MLP, "classes": 3, "channels": 3, "output": "sigmoid"},
        {"resolution": 8, "channels": 3, "classes": 3},
        label="-conditional-colour",
    ),
    Case("pggan", GROWING, {**DISCRIMINATOR, "fused": True}, PGGAN(**GROWING, growth=Growth(stable_kimg=0))),
    Case(
        "pggan",
        {**GROWING, "classes": 3, "channels": 1},
        {**DISCRIMINATOR, "classes": 3, "channels": 1},
        PGGAN(**GROWING, channels=1, mbstd=2, mbstd_parts=4, growth=Growth(stable_kimg=0)),
        label="-conditional-grey",
    ),
    Case("stylegan1", STYLED, DISCRIMINATOR, StyleGAN1(**STYLED, growth=Growth(stable_kimg=0))),
    Case(
        "stylegan1",
        {**STYLED, "classes": 3, "channels": 1, "use_noise": False},
        {**DISCRIMINATOR, "classes": 3, "channels": 1},
        StyleGAN1(**STYLED, channels=1, noise=False, mixing=0.0, growth=Growth(stable_kimg=0)),
        label="-conditional-grey",
    ),
    Case("stylegan2", SMALL, DISCRIMINATOR, GAME),
    Case(
        "stylegan2",
        {**SMALL, "classes": 3, "architecture": "resnet", "channels": 1},
        {**DISCRIMINATOR, "classes": 3, "architecture": "skip", "channels": 1, "mapping_layers": 2},
        PER_DEVICE,
        label="-conditional-grey",
    ),
    Case("stylegan3", ALIAS_FREE, {**DISCRIMINATOR, "resolution": 16}, R_GAME),
    Case(
        "stylegan3",
        {**ALIAS_FREE, "classes": 3, "kernel": 1, "radial": True, "channels": 1, "conv_clamp": 256.0},
        {**DISCRIMINATOR, "resolution": 16, "classes": 3, "channels": 1, "mapping_layers": 2},
        label="-r-conditional-grey",
    ),
)


BATCH = 8


def briefly(cases: tuple[Case, ...]) -> list:
    """Leave the variants of a family to the slow tests, where each case costs a minute of compilation."""
    return [pytest.param(c, id=str(c), marks=[pytest.mark.slow] if c.label else []) for c in cases]


def singly(cases: tuple[Case, ...], kept: tuple[str, ...] = ("stylegan2",)) -> list:
    """Leave all but StyleGAN2, which has most spaces and moves, to the slow tests, where the family hardly matters."""
    return [pytest.param(c, id=str(c), marks=[] if str(c) in kept else [pytest.mark.slow]) for c in cases]


def trainer(case: Case):
    """Make the case's game.

    Adam's eps is far above the rounding of gradients: with b1 = 0 it would else divide them by themselves, and one
    that is mere rounding would move a parameter, and with it the gradients of later moves, by a whole step.
    """
    return case.game.trainer(batch=BATCH, adam=Adam(eps=0.1), ema=Ema(kimg=0.1), classes=case.classes)
