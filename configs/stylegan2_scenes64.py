"""StyleGAN2 on the embedded scenes, 64x64: the generator that ships with the package as "scenes64"."""

from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.stylegan2 import R1, Adam, StyleGAN2

recipe = Recipe(
    data="scenes",
    model=StyleGAN2(
        resolution=64,
        z_dim=128,
        w_dim=128,
        mapping_layers=4,
        channel_base=1024,
        channel_max=128,
        mbstd=4,
        r1=R1(gamma=0.3),
    ),
    batch=16,
    kimg=400,
    adam=Adam(lr=0.0025),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=4,
    checkpoint_kimg=10,
)
