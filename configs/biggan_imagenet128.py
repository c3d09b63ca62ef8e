"""BigGAN on ImageNet at 128x128 as published: 1000 classes, global batch statistics, two discriminator moves a step.

Source: Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019),
appendix C. A step here sees 4096 real images, 2048 for each move of the discriminator; 614,400 kimg are 150,000 steps.
The average that starts after 20,000 steps, and Adam's eps, are those of the authors' published PyTorch code.
Command: jaxgan train configs/biggan_imagenet128.py --data IMAGENET_FOLDER --folder runs/biggan128
Hardware: published on 128 TPU v3 cores, 24 to 48 hours.
Published figure: Inception score 98.8, FID 8.7 (table 1; recalled, not checked here). The run collapses after its best
point, so keep the best checkpoints. Ours: not run.
"""

from jaxgan.training.biggan import BigGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="imagenet/train",
    model=BigGAN(resolution=128, width=96, z_dim=120, shared_dim=128, d_steps=2, d_lr=2e-4, orthogonal=1e-4),
    batch=4096,
    kimg=614_400,
    adam=Adam(lr=5e-5, b1=0.0, b2=0.999, eps=1e-6),
    # 0.9999 a step is a half-life of 6931 steps.
    ema=Ema(kimg=28_390, ramp=None, start=81_920),
    labels=True,
    mirror=True,
    tick_kimg=400,
    checkpoint_kimg=4_000,
)
