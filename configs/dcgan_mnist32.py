"""DCGAN on the MNIST test digits, 32x32 grey; narrow, for a CPU.

Source: Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks"
(2016).
Command: jaxgan train configs/dcgan_mnist32.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/dcgan_mnist32
"""

from jaxgan.training.dcgan import DCGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="mnist-t10k-images-idx3-ubyte.gz",
    model=DCGAN(resolution=32, channels=1, z_dim=64, width=32),
    batch=64,
    kimg=200,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.999),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=10,
    checkpoint_kimg=50,
)
