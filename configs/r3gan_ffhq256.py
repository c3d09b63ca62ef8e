"""R3GAN on faces at 256x256 as published.

Source: Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN" (2024), and its published code.
Different: both moves of a step see the same real images.
Command: jaxgan train configs/r3gan_ffhq256.py --data FOLDER_OR_ZIP --folder runs/r3gan_ffhq256
Hardware: published on 8 GPUs, by the command in the code's README.
Published figure: FID 2.75 on FFHQ at 256x256, 70k images (paper).
Ours: not run.
"""

from jaxgan.models.r3gan import PRESETS
from jaxgan.training.ema import Ema
from jaxgan.training.r3gan import R3GAN, Decay
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

row = PRESETS["ffhq256"]
recipe = Recipe(
    data="images",
    model=R3GAN(
        resolution=256,
        widths=row.widths,
        blocks=2,
        group=row.group,
        gamma=row.gamma,
        augment=row.augment,
        bf16_resolutions=row.bf16_resolutions,
        decay=Decay(kimg=row.kimg),
    ),
    batch=row.batch,
    kimg=20_000,
    adam=Adam(lr=0.0002, b1=0.0, b2=0.9),
    ema=Ema(kimg=row.ema_kimg),
    mirror=True,
    checkpoint_kimg=200,
)
