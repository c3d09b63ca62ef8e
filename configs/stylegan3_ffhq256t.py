"""StyleGAN3-T at 256x256 as published: the ablation on FFHQ-U, without augmentation.

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021), table 1; the published list of training
configurations, "FFHQ-U ablations at 256x256 resolution".
Command: jaxgan train configs/stylegan3_ffhq256t.py --data FOLDER_OR_ZIP --folder runs/stylegan3_ffhq256t
    R is the row "r256": `variant="r"`, `blur=Blur()`.
Hardware: published on 8 V100, 7.40 s/kimg, 25,000 kimg (8 A100: 3.74 s/kimg).
Published figure: FID 4.62, EQ-T 63.0 dB, EQ-R 13.1 dB (FFHQ-U at 256x256; open-mmlab's evaluation of the published
weights).
Ours: not run.
Different: the four highest rates compute in bfloat16, not float16.
"""

from jaxgan.models.stylegan3 import PRESETS
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan3 import StyleGAN3

row = PRESETS["t256"]
recipe = Recipe(
    data="images",
    model=StyleGAN3(
        resolution=row.resolution,
        variant="r" if row.radial else "t",
        channel_base=row.channel_base,
        channel_max=row.channel_max,
        d_lr=row.d_lr,
        mbstd=4,
        bf16_resolutions=4,
        r1=R1(gamma=row.gamma),
    ),
    batch=row.batch,
    kimg=row.kimg,
    adam=Adam(lr=row.lr),
    ema=Ema(kimg=row.batch * 10 / 32, ramp=0.05),
    mirror=True,
    checkpoint_kimg=200.0,
)
