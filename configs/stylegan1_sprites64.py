"""StyleGAN on game sprites at 64x64, grown from 8x8: narrow, for a CPU.

Source: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (2019). Different:
narrow networks without noise, a mapping of 4 layers, short phases.
Command: jaxgan train configs/stylegan1_sprites64.py --data lpc_sprites64.npz --folder runs/stylegan1_sprites64
Result: 100 kimg in 80 minutes on a shared core: hair, skin and clothes vary, the pose hardly does; frechet_squeezenet
2381, kernel_squeezenet 927 on 1,024 images, precision 0: only some 30 kimg were at 64 px. docs/results.md.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam
from jaxgan.training.stylegan1 import StyleGAN1

recipe = Recipe(
    data="lpc_sprites64.npz",
    model=StyleGAN1(
        resolution=64,
        z_dim=64,
        w_dim=64,
        mapping_layers=4,
        mapping_hidden=64,
        channel_base=1024,
        channel_max=64,
        noise=False,
        mbstd=4,
        gamma=10.0,
        growth=Growth(first=8, stable_kimg=12, fade_kimg=12, batches=((8, 32), (16, 32))),
    ),
    batch=16,
    kimg=100,
    adam=Adam(lr=0.002),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=5,
    checkpoint_kimg=20,
)
