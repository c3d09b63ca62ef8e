"""StyleGAN2 on the embedded scenes, 64x64: the generator that ships with the package as "scenes64".

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020); narrow, for a CPU.
Command, from coarse to fine, each run taking over the weights of the one before:

    jaxgan train configs/stylegan2_scenes64.py --data scenes:16 --model.resolution 16 --batch 32 --kimg 60 \
        --folder runs/scenes16
    jaxgan train configs/stylegan2_scenes64.py --data scenes:32 --model.resolution 32 --kimg 65 \
        --resume runs/scenes16 --folder runs/scenes32
    jaxgan train configs/stylegan2_scenes64.py --kimg 203 --resume runs/scenes32 --folder runs/scenes64

Hardware: 2 of the 4 cores of an AMD EPYC virtual machine that did other work too: 8 minutes at 16 pixels (127
images/s), 17 at 32 (67 images/s), 100 at 64 (40 images/s when not disturbed).
Result: frechet_random 0.146 (the data's other half: 0.049), frechet_squeezenet 891 (16), 2,048 images,
`python benchmarks/quality.py`.
The run behind it had noise until 97 kimg at 64 pixels, which the layers used as speckle, and was then continued for 106
kimg without, with --adam.lr 0.002 and --ema.kimg 10, by --resume: outlines came within the first of these.
Straight at 64 pixels with R1 gamma 0.05 the discriminator won and the samples hardly differed after 24 kimg; the
larger gamma and the smaller sizes first are what made these minutes enough.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import StyleGAN2

recipe = Recipe(
    data="scenes",
    model=StyleGAN2(
        resolution=64,
        z_dim=128,
        w_dim=128,
        mapping_layers=4,
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
    tick_kimg=4,
    checkpoint_kimg=10,
)
