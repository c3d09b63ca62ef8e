"""StyleFlow for StyleGAN2's faces, 1024x1024: eight attributes and nine of lighting are published, any scorer's here.

Source: Abdal et al., "StyleFlow" (2021): 10,000 codes, five layers of 512, Adam 1e-3, 5 codes a step, 3 epochs as in
its code.
Command: jaxgan train configs/styleflow_ffhq1024.py --model.generator stylegan2-ffhq-config-f.pkl --model.scorer \
faces.safetensors --folder runs/styleflow_ffhq1024, with a classifier of faces that was trained here.
Result: not run here.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.flow import StyleFlow
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="blank",
    model=StyleFlow(
        generator="stylegan2-ffhq-config-f.pkl",
        scorer="faces.safetensors",
        resolution=1024,
        whiten=False,
    ),
    batch=5,
    kimg=30,
    adam=Adam(lr=1e-3, b1=0.9, b2=0.999),
    ema=Ema(kimg=0.5),
    tick_kimg=1,
    checkpoint_kimg=5,
)
