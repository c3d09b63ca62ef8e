"""BigGAN on 10,000 CIFAR-10 images, 32x32, conditional on the 10 folders they lie in; narrow, for a CPU.

Source: Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019); one
discriminator move a step, as in the configuration that the authors' published PyTorch code comes with.
Command: jaxgan train configs/biggan_cifar32.py --data cifar10_train10k.zip --folder runs/biggan_cifar32
Result: 135 of 300 kimg in 45 minutes on a shared core (71 to 85 images/s): vehicles and animals before their grounds
are guessed at, hardly an object is sharp; frechet_squeezenet 300, kernel_squeezenet 54, precision 0.81, recall 0.32
on 1,024 images. docs/results.md.
"""

from jaxgan.training.biggan import BigGAN
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="cifar10_train10k.zip",
    model=BigGAN(
        resolution=32,
        width=8,
        d_width=8,
        z_dim=80,
        shared_dim=32,
        attention=(16,),
        d_attention=(16,),
        d_steps=1,
        d_lr=8e-4,
        orthogonal=0.0,
    ),
    batch=50,
    kimg=300,
    adam=Adam(lr=2e-4, b1=0.0, b2=0.99, eps=1e-6),
    ema=Ema(kimg=5, ramp=0.05),
    labels=True,
    mirror=True,
    tick_kimg=10,
    checkpoint_kimg=20,
)
