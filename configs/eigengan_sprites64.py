"""EigenGAN on the sprites, 64x64: characters of a game whose body, clothes, hair, pose and view are known.

Source: He et al., "EigenGAN: Layer-Wise Eigen-Learning for GANs" (2021); narrow, for a CPU.
Command: jaxgan train configs/eigengan_sprites64.py --data lpc_sprites64.npz --folder runs/eigengan_sprites64
Result: 70 of 300 kimg in 55 minutes on a shared core (24 images/s): characters in several poses, rough textures;
frechet_squeezenet 2318, kernel_squeezenet 713 on 1,024 images, precision 0. docs/results.md.
"""

from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="lpc_sprites64.npz",
    model=EigenGAN(resolution=64, z_dim=64, basis=4, channel_base=16, channel_max=96),
    batch=32,
    kimg=300,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.99),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=5,
    checkpoint_kimg=25,
)
