"""The first GAN on the MNIST test digits, 28x28 grey: two hidden layers each, and noise on what D sees.

Source: Goodfellow et al., "Generative Adversarial Nets" (2014).
Command: jaxgan train configs/gan_mnist.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/gan_mnist
Hardware: two cores of an AMD EPYC virtual machine that a dozen other programs shared: 700 to 1300 images/s.
Result, after 571 of the 1000 kimg, 11 minutes: by `benchmarks/digits.py` all ten labels, label entropy 2.18 (real
digits: 2.30), 90 % of the digits sure (99.6 %). Without the noise three other choices of sizes collapsed to a few
digits: entropy 1.2 to 1.8 at 500 to 650 kimg, at worst 0.6.
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
