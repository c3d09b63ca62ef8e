"""R3GAN on the clothing photographs, 64x64; narrow, for a CPU, with penalties on every 4th step and augmentation.

Source: Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN" (2024).
Command: jaxgan train configs/r3gan_clothing64.py --data clothing64.zip:train --folder runs/r3gan_clothing64
Result: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.r3gan import R3GAN, Decay
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="clothing64.zip:train",
    model=R3GAN(
        resolution=64,
        widths=(96, 96, 64, 48, 32),
        blocks=1,
        group=16,
        gamma=2.0,
        every=4,
        augment=0.3,
        decay=Decay(kimg=400, b2=0.99),
    ),
    batch=16,
    kimg=600,
    adam=Adam(lr=0.0005, b1=0.0, b2=0.9),
    ema=Ema(kimg=10),
    mirror=True,
    tick_kimg=5,
    checkpoint_kimg=25,
)
