"""A classifier of the six factors of the Liberated Pixel Cup's sprites, 64x64, for measuring what directions change.

Source: a narrow ResNet (He et al., 2016); nine tenths of the full grid of factors are learned from.
Command: jaxgan train configs/classifier_sprites64.py --data lpc_sprites64.npz:train --folder runs/classifier_sprites64
Result: with --kimg 8 --model.decay-kimg 8, four minutes of a shared core: of the held-out tenth hair, action and
direction are read rightly always, topwear 99.6 %, bottomwear 81 %, body 76 %; on average 92.8 %.
"""

from jaxgan.training.classifier import Classifier
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="lpc_sprites64.npz:train",
    model=Classifier(
        resolution=64,
        sizes=(6, 6, 6, 6, 2, 3),  # body, bottomwear, topwear, hair, action, direction
        widths=(16, 32, 64),
        units=(1, 1, 1),
        held_out=":heldout",
        smoothing=0.0,
        mixup=0.0,
        decay_kimg=20,
    ),
    labels=True,
    batch=32,
    kimg=20,
    adam=Adam(lr=0.003, b1=0.9, b2=0.999),
    ema=Ema(kimg=0.5),
    tick_kimg=2,
    checkpoint_kimg=5,
)
