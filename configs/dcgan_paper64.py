"""DCGAN at 64x64 as published: 1024 channels at 4x4, kernels of 5, batch 128.

Source: Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks"
(2016), sections 3 and 4. Different: the average of weights; a normal z instead of a uniform one.
Command: jaxgan train configs/dcgan_paper64.py --data FOLDER_OR_ZIP --folder runs/dcgan64
Hardware: not stated in the paper.
Published figure: none for pictures; it shows bedrooms after 1 and 5 epochs of LSUN's 3 million.
Ours: not run.
"""

from jaxgan.training.dcgan import DCGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="images",
    model=DCGAN(resolution=64, channels=3, z_dim=100, width=128, width_max=1024, kernel=5),
    batch=128,
    kimg=15_000,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.999),
    ema=Ema(kimg=10, ramp=0.05),
    tick_kimg=50,
    checkpoint_kimg=500,
)
