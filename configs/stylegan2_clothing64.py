"""StyleGAN2-ADA on the clothing photographs, 64x64: 3,068 pictures, few enough to need augmentation.

Source: Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020); narrow, for a CPU.
Command, from coarse to fine, each run taking over the weights of the one before (DATA is clothing64.zip:train):

    jaxgan train configs/stylegan2_clothing64.py --data DATA --model.resolution 16 --batch 32 --kimg 150 \
        --model.r1.gamma 0.03 --folder runs/clothing16
    jaxgan train configs/stylegan2_clothing64.py --data DATA --model.resolution 32 --batch 32 --kimg 130 \
        --model.r1.gamma 0.06 --resume runs/clothing16 --folder runs/clothing32
    jaxgan train configs/stylegan2_clothing64.py --data DATA --kimg 83 --model.r1.gamma 0.15 --ema.kimg 10 \
        --resume runs/clothing32 --folder runs/clothing64

Hardware: 2 shared cores of an AMD EPYC machine: 113 images/s at 16 pixels, 60 at 32, 32 at 64, some 100 minutes.
Result: trousers, shirts, shorts and hats are recognised; printed cloth becomes a lattice. frechet_squeezenet 3,290,
precision 0.56, recall 0.04 against the 341 photographs of the validation part; docs/results.md.
The run behind it began with 60 kimg at gamma 0.3 (colour patches) and with noise, which the layers used as speckle at
32 pixels: after 52 kimg there it was turned off, and garments came within 24 more.
"""

from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import StyleGAN2

recipe = Recipe(
    data="clothing64.zip:train",
    model=StyleGAN2(
        resolution=64,
        z_dim=128,
        w_dim=128,
        mapping_layers=2,
        channel_base=1024,
        channel_max=128,
        mbstd=4,
        noise=False,
        r1=R1(gamma=0.3),
    ),
    batch=16,
    kimg=400,
    adam=Adam(lr=0.0025),
    ema=Ema(kimg=5, ramp=0.05),
    ada=Ada(pipe="bgc", target=0.6, kimg=100),
    mirror=True,
    tick_kimg=4,
    checkpoint_kimg=10,
)
