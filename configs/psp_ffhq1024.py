"""pSp for StyleGAN2's faces, as published; LPIPS and ArcFace are files of your own.

Source: Richardson et al., "Encoding in Style" (2021), and the published code: Ranger at 1e-4, batch 8, 500,000 steps,
pixel 1, LPIPS (AlexNet) 0.8, identity 0.1, real images only. Different: its trunk begins with ArcFace's weights, ours
with random ones.
Command: jaxgan train configs/psp_ffhq1024.py --data ffhq1024.zip --model.generator stylegan2-ffhq-config-f.pt \
    --model.lpips lpips:alex:alexnet.pth:alex.pth --model.embed arcface:model_ir_se50.pth
Result: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="ffhq1024.zip",
    model=Encoder(
        generator="stylegan2-ffhq-config-f.pt",
        paper="psp",
        resolution=1024,
        size=256,
        generated=0.0,
    ),
    batch=8,
    kimg=4000,
    adam=Adam(lr=1e-4),
    ema=Ema(kimg=10, ramp=0.05),
    mirror=True,
    tick_kimg=20,
    checkpoint_kimg=100,
)
