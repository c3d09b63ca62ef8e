"""StyleGAN2 on the MNIST test digits, 32x32 grey: idx files are read as they are and resized to 32.

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020); narrow, for a CPU.
Command: jaxgan train configs/stylegan2_mnist32.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/mnist32
Hardware: one shared core of an AMD EPYC machine, 28 to 55 images/s, 56 minutes until it was stopped at 125 kimg.
Result: digits; a LeNet is sure of 93 % of 2,000 (99.6 % of real ones), label entropy 2.18 (2.30).
With gamma up to 0.5 every code gave the same digit, which changed as training went on; a strong R1 stops that.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import PathLength, StyleGAN2

recipe = Recipe(
    data="mnist-t10k-images-idx3-ubyte.gz",
    model=StyleGAN2(
        resolution=32,
        channels=1,
        z_dim=64,
        w_dim=64,
        mapping_layers=2,
        channel_base=512,
        channel_max=64,
        mbstd=4,
        noise=False,
        mixing=0.0,
        r1=R1(gamma=8.0),
        path_length=PathLength(weight=0.0),
    ),
    batch=32,
    kimg=200,
    adam=Adam(lr=0.002),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=10,
    checkpoint_kimg=20,
)
