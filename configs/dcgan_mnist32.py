"""DCGAN on the MNIST test digits, 32x32 grey; narrow, for a CPU.

Source: Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks"
(2016).
Command: jaxgan train configs/dcgan_mnist32.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/dcgan_mnist32
Hardware: two cores of an AMD EPYC virtual machine that a dozen other programs shared: 40 images/s.
Result, after 65 of the 200 kimg: by `benchmarks/digits.py` all ten labels, label entropy 2.05 (real digits: 2.30), 87 %
of the digits sure (99.6 %).
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
