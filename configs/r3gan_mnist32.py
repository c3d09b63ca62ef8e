"""R3GAN on the MNIST test digits, 32x32 grey; narrow, for a CPU, with penalties on every 4th step.

Source: Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN" (2024).
Command: jaxgan train configs/r3gan_mnist32.py --data mnist-t10k-images-idx3-ubyte.gz --folder runs/r3gan_mnist32
Result: 48 of 300 kimg in 45 minutes on a shared core (10 to 30 images/s): all ten digits, a classifier is sure of 90
% of 2,000, label entropy 2.06 (real ones 99.6 %, 2.30); many are still shapes between digits. docs/results.md.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.r3gan import R3GAN, Decay
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="mnist-t10k-images-idx3-ubyte.gz",
    model=R3GAN(
        resolution=32,
        channels=1,
        widths=(64, 64, 48, 32),
        blocks=1,
        group=16,
        gamma=1.0,
        every=4,
        decay=Decay(kimg=200, b2=0.99),
    ),
    batch=32,
    kimg=300,
    adam=Adam(lr=0.0005, b1=0.0, b2=0.9),
    ema=Ema(kimg=10),
    tick_kimg=5,
    checkpoint_kimg=25,
)
