"""A classifier of ten kinds of clothing in photographs of 64x64 pixels, which names directions and judges edits.

Source: a narrow ResNet (He et al., 2016) with mixup and augmentation, for 3,068 photographs.
Command: jaxgan train configs/classifier_clothing64.py --data clothing64.zip:train --folder runs/classifier_clothing64
Result: 78.3 % of the 341 photographs of the validation part (44 minutes of a share of one core, 20 to 45 images/s; 66 %
at half the way). The most frequent class is 24 %.
"""

from jaxgan.training.classifier import Classifier
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="clothing64.zip:train",
    model=Classifier(
        resolution=64,
        widths=(24, 48, 96, 192),
        units=(1, 1, 1, 1),
        held_out=":validation",
        mixup=0.2,
        decay_kimg=60,
    ),
    labels=True,
    mirror=True,
    diffaugment="color,translation",
    batch=64,
    kimg=60,
    adam=Adam(lr=0.002, b1=0.9, b2=0.999),
    ema=Ema(kimg=2),
    tick_kimg=5,
    checkpoint_kimg=5,
)
