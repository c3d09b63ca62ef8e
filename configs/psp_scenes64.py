"""pSp for the bundled generator of scenes, 64x64: narrow, for a CPU, from images that the generator draws.

Source: Richardson et al., "Encoding in Style" (2021), with a narrow trunk; half of the images are drawn, and their
codes known.
Command: jaxgan train configs/psp_scenes64.py --folder runs/psp_scenes64
Result: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="scenes",
    model=Encoder(
        generator="scenes64",
        paper="psp",
        resolution=64,
        widths=(16, 32, 64, 128),
        units=(1, 2, 2, 1),
        generated=0.5,
        code=0.1,
        optimizer="ranger",
        decay_kimg=40,
    ),
    batch=16,
    kimg=40,
    adam=Adam(lr=0.002),
    ema=Ema(kimg=1, ramp=0.05),
    tick_kimg=4,
    checkpoint_kimg=5,
)
