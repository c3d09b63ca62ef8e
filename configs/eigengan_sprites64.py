"""EigenGAN on the sprites, 64x64: characters of a game whose body, clothes, hair, pose and view are known.

Source: He et al., "EigenGAN: Layer-Wise Eigen-Learning for GANs" (2021); narrow, for a CPU.
Command: jaxgan train configs/eigengan_sprites64.py --data lpc_sprites64.npz --folder runs/eigengan_sprites64
Result: not run to the end.
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
