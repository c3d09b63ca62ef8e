"""ALAE on FFHQ, 1024x1024, as published for eight GPUs: 60,000 images, growing from 4x4.

Source: Pidhorskyi et al., "Adversarial Latent Autoencoders" (2020), and the authors' configuration for FFHQ.
Command: jaxgan train configs/alae_ffhq1024.py --data ffhq1024.zip --folder runs/alae_ffhq1024
Hardware: the authors' 8 GPUs of 16 GB or more. The paper's figure: FID 13.09 for samples (recalled,
not checked here).
Result: not run.
"""

from jaxgan.models.alae import PRESETS
from jaxgan.training.alae import ALAE
from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

row = PRESETS["ffhq1024"]
recipe = Recipe(
    data="ffhq1024.zip",
    model=ALAE(
        resolution=row.resolution,
        channel_base=row.channel_base,
        channel_max=row.channel_max,
        gamma=row.gamma,
        growth=Growth(first=4, stable_kimg=row.phase_kimg, fade_kimg=row.phase_kimg, batches=row.batches, lrs=row.lrs),
    ),
    batch=row.batch,
    kimg=row.kimg,
    adam=Adam(lr=row.lr, b1=0.0, b2=0.99),
    ema=Ema(kimg=10.0),
    tick_kimg=40,
    checkpoint_kimg=400,
)
