"""PGGAN on rendered scenes at 32x32, grown from 4x4: narrow, for a CPU.

Source: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018). Different:
narrow networks, short phases, and larger batches only while they are cheap.
Command: jaxgan train configs/pggan_scenes32.py --folder runs/pggan_scenes32
Result: 160 kimg, grown from 4 to 32 px, in some 45 minutes on a shared core: striped solids with shadows on coloured
floors, outlines ragged and colours mixed; frechet_squeezenet 914, kernel_squeezenet 251, precision and recall 0.03
and 0.04 on 1,024 images, far from the data. docs/results.md.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.pggan import PGGAN
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="scenes:32",
    model=PGGAN(
        resolution=32,
        z_dim=64,
        channel_base=512,
        channel_max=64,
        mbstd=4,
        growth=Growth(first=4, stable_kimg=15, fade_kimg=15, batches=((4, 64), (8, 32))),
    ),
    batch=16,
    kimg=160,
    adam=Adam(lr=0.0015),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=10,
    checkpoint_kimg=20,
)
