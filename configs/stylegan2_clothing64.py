"""StyleGAN2-ADA on the clothing photographs, 64x64: 3,068 pictures, few enough to need augmentation.

Source: Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020); narrow, for a CPU.
Command: jaxgan train configs/stylegan2_clothing64.py --data clothing64.zip:train --folder runs/clothing64, best from
coarse to fine as in stylegan2_scenes64.py.
Result: not run to the end. 56 kimg at 16 pixels on a shared core gave patches of the right colours, no garments.
"""

from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import StyleGAN2

recipe = Recipe(
    data="clothing64.zip:train",
    model=StyleGAN2(
        resolution=64,
        z_dim=128,
        w_dim=128,
        mapping_layers=2,
        channel_base=1024,
        channel_max=128,
        mbstd=4,
        noise=False,
        r1=R1(gamma=0.3),
    ),
    batch=16,
    kimg=400,
    adam=Adam(lr=0.0025),
    ema=Ema(kimg=5, ramp=0.05),
    ada=Ada(pipe="bgc", target=0.6, kimg=100),
    mirror=True,
    tick_kimg=4,
    checkpoint_kimg=10,
)
