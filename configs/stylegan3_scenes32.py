"""StyleGAN3-T on the embedded scenes, 32x32: narrow and with six layers, for a CPU.

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021).
Command: jaxgan train configs/stylegan3_scenes32.py --folder runs/stylegan3_scenes32
Result: 56 of 100 kimg, 14 images/s on a core: solids with their stripe on coloured floors, soft; at 50 kimg
frechet_squeezenet 1444, precision 0.08 on 1,024 images. The numbers are those that suit StyleGAN2 on the same scenes.
docs/results.md.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan3 import StyleGAN3

recipe = Recipe(
    data="scenes:32",
    model=StyleGAN3(
        resolution=32,
        z_dim=64,
        w_dim=64,
        layers=6,
        margin=4,
        channel_base=512,
        channel_max=32,
        d_channel_base=512,
        d_channel_max=64,
        d_lr=0.0025,
        mbstd=4,
        conv_clamp=None,
        r1=R1(gamma=0.1),
    ),
    batch=16,
    kimg=100,
    adam=Adam(lr=0.0025),
    ema=Ema(kimg=2, ramp=0.05),
    tick_kimg=2,
    checkpoint_kimg=10,
)
