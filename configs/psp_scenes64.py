"""pSp for the bundled generator of scenes, 64x64: narrow, for a CPU, from images that the generator draws.

Source: Richardson et al., "Encoding in Style" (2021), with a narrow trunk; half of the images are drawn, and their
codes known.
Command: jaxgan train configs/psp_scenes64.py --folder runs/psp_scenes64
Hardware: 2 shared cores of an AMD EPYC machine, 15 to 44 images/s, 29 minutes.
Result: on 64 held-out scenes LPIPS (SqueezeNet) 0.108 by itself. With 50 steps of refinement behind it 0.069, what 200
steps from the mean reach (image by image 0.0007 +- 0.0022 more), in a quarter to a third of the time; 50 steps from the
mean reach 0.106 (32 scenes). `python benchmarks/encoders.py`. Edges of boxes are round, as the generator's are.
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
