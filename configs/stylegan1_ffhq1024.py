"""StyleGAN at 1024x1024 as published: grown from 8x8, 25,000 kimg.

Source: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (2019), and the row
`ffhq1024` of `models.stylegan1.PRESETS`.
Command: jaxgan train configs/stylegan1_ffhq1024.py --data FOLDER_OR_ZIP --folder runs/ffhq1024
Hardware: published on 8 V100, 6 days 14 hours.
Published figure: FID 4.40 on FFHQ, 50k images, without truncation (4.4159 in the published code's table).
Ours: not run.
"""

from jaxgan.models.stylegan1 import PRESETS
from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam
from jaxgan.training.stylegan1 import StyleGAN1

row = PRESETS["ffhq1024"]
recipe = Recipe(
    data="images",
    model=StyleGAN1(
        resolution=row.resolution,
        channel_base=row.channel_base,
        channel_max=row.channel_max,
        mbstd=row.mbstd,
        gamma=row.gamma,
        growth=Growth(
            first=row.first, stable_kimg=row.phase_kimg, fade_kimg=row.phase_kimg, batches=row.batches, lrs=row.lrs
        ),
    ),
    batch=row.batch,
    kimg=row.kimg,
    adam=Adam(lr=row.lr),
    ema=Ema(kimg=row.ema_kimg, ramp=None),
    mirror=True,
    tick_kimg=20,
    checkpoint_kimg=200,
)
