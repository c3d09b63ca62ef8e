"""pSp for the bundled generator of scenes, 64x64: narrow, for a CPU, from images that the generator draws.

Source: Richardson et al., "Encoding in Style" (2021), with a narrow trunk; half of the images are drawn, and their
codes known.
Command: jaxgan train configs/psp_scenes64.py --folder runs/psp_scenes64
Hardware: a core of an AMD EPYC machine, some 33 images/s, 90 minutes.
Result: of 168 kimg in three runs (40, 36, 92, each from the weights of the one before): on 192 held-out scenes LPIPS
(SqueezeNet) 0.092 by itself. With 50 steps of refinement behind it 0.0641; 200 steps from the mean reach 0.0690 in
three times the time (image by image 0.0049 +- 0.0015 more). `python benchmarks/encoders.py`. Edges of boxes are round,
as the generator's are.
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
        decay_kimg=160,
    ),
    batch=16,
    kimg=160,
    adam=Adam(lr=0.002),
    ema=Ema(kimg=1, ramp=0.05),
    tick_kimg=4,
    checkpoint_kimg=5,
)
