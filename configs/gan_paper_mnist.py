"""The first GAN on MNIST with the paper's sizes: 1200-1200 rectifiers ending in a sigmoid, against 240-240.

Source: Goodfellow et al., "Generative Adversarial Nets" (2014). Different: Adam instead of stochastic gradient descent
with growing momentum, leaky ReLUs instead of maxout with dropout in the discriminator, and a normal z.
Command: jaxgan train configs/gan_paper_mnist.py --data train-images-idx3-ubyte.gz --folder runs/gan_paper
Hardware: not stated in the paper.
Published figure: Parzen-window log-likelihood 225 +- 2 (paper, table 1; recalled, not checked here).
Ours: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.gan import GAN
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="train-images-idx3-ubyte.gz",
    model=GAN(
        resolution=28, channels=1, z_dim=100, hidden=(1200, 1200), d_hidden=(240, 240), output="sigmoid", loss="minimax"
    ),
    batch=100,
    kimg=10_000,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.999),
    ema=Ema(kimg=10, ramp=0.05),
    tick_kimg=50,
    checkpoint_kimg=500,
)
