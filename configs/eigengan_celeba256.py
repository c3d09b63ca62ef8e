"""EigenGAN on faces at 256x256 as published: 6 stages with 6 dimensions each, penalty 10 on every 3rd step.

Source: He et al., "EigenGAN: Layer-Wise Eigen-Learning for GANs" (2021), and its published code. Different: one more
convolution in each stage, as in the PyTorch port (see `models.eigengan`), half-life of the weight average by images.
Command: jaxgan train configs/eigengan_celeba256.py --data FOLDER_OR_ZIP --folder runs/eigengan_celeba256
Hardware: not stated here; published is one GPU, 160 epochs of CelebA (recalled, not checked here).
Published figure: none on pictures' quality that this run would be held to.
Ours: not run.
"""

from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="images",
    model=EigenGAN(resolution=256),
    batch=64,
    kimg=32_000,
    adam=Adam(lr=0.0001, b1=0.5, b2=0.999),
    ema=Ema(kimg=44, ramp=None),
    mirror=True,
    checkpoint_kimg=500,
)
