"""The first GAN on the MNIST test digits, 28x28 grey: two hidden layers each, and noise on what D sees.

Source: Goodfellow et al., "Generative Adversarial Nets" (2014).
Command: jaxgan train configs/gan_mnist.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/gan_mnist
"""

from jaxgan.training.ema import Ema
from jaxgan.training.gan import GAN
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="mnist-t10k-images-idx3-ubyte.gz",
    model=GAN(resolution=28, channels=1, z_dim=64, hidden=(512, 512), d_hidden=(256, 256), noise=1.0),
    batch=64,
    kimg=1000,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.999),
    ema=Ema(kimg=10, ramp=0.05),
    tick_kimg=50,
    checkpoint_kimg=200,
)
