"""PGGAN at 1024x1024 as published: grown from 4x4 in 12,000 kimg, the official code's preset for 8 GPUs.

Source: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018), and the
row `celebahq1024` of `models.pggan.PRESETS`.
Command: jaxgan train configs/pggan_celebahq1024.py --data FOLDER_OR_ZIP --folder runs/celebahq1024
Hardware: published on 8 V100, about 2 days.
Published figure: FID 7.30 on CelebA-HQ, 30k images (table 5 of the paper; recalled, not checked here).
Ours: not run.
"""

from jaxgan.models.pggan import PRESETS
from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.pggan import PGGAN
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

row = PRESETS["celebahq1024"]
recipe = Recipe(
    data="images",
    model=PGGAN(
        resolution=row.resolution,
        channel_base=row.channel_base,
        channel_max=row.channel_max,
        mbstd=row.mbstd,
        growth=Growth(first=4, stable_kimg=row.phase_kimg, fade_kimg=row.phase_kimg, batches=row.batches, lrs=row.lrs),
    ),
    batch=row.batch,
    kimg=row.kimg,
    adam=Adam(lr=row.lr),
    ema=Ema(kimg=10, ramp=None),
    mirror=True,
    tick_kimg=20,
    checkpoint_kimg=200,
)
