"""ReStyle for StyleGAN2's faces, as published; LPIPS and ArcFace are files of your own.

Source: Alaluf et al., "ReStyle" (2021), and the published code: the losses of pSp at each of 5 looks. Different: the
trunk begins with random weights.
Command: jaxgan train configs/restyle_ffhq1024.py --data ffhq1024.zip --model.generator stylegan2-ffhq-config-f.pt \
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
        paper="restyle",
        resolution=1024,
        size=256,
        iterations=5,
        generated=0.0,
    ),
    batch=8,
    kimg=880,
    adam=Adam(lr=1e-4),
    ema=Ema(kimg=10, ramp=0.05),
    mirror=True,
    tick_kimg=20,
    checkpoint_kimg=40,
)
