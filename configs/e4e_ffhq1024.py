"""e4e for StyleGAN2's faces, as published; LPIPS and ArcFace are files of your own.

Source: Tov et al., "Designing an Encoder for StyleGAN Image Manipulation" (2021), and the published code: as pSp, with
differences from 160,000 images on (20,000 steps of 8), a row more every 16,000, and a judge of rows. Different: its
trunk begins with ArcFace's weights, ours with random ones.
Command: jaxgan train configs/e4e_ffhq1024.py --data ffhq1024.zip --model.generator stylegan2-ffhq-config-f.pt \
    --model.lpips lpips:alex:alexnet.pth:alex.pth --model.embed arcface:model_ir_se50.pth
Result: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder, Stages
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam

recipe = Recipe(
    data="ffhq1024.zip",
    model=Encoder(
        generator="stylegan2-ffhq-config-f.pt",
        paper="e4e",
        resolution=1024,
        size=256,
        generated=0.0,
        delta=2e-4,
        progress=Stages(start=160, every=16),
        latent=0.1,
        latent_lr=2e-5,
        r1=R1(gamma=10.0, every=16),
    ),
    batch=8,
    kimg=2400,
    adam=Adam(lr=1e-4),
    ema=Ema(kimg=10, ramp=0.05),
    mirror=True,
    tick_kimg=20,
    checkpoint_kimg=100,
)
