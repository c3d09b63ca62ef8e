"""StyleFlow for the bundled generator of scenes, 64x64: which codes show which factors, narrow, for a CPU.

Source: Abdal et al., "StyleFlow" (2021), with narrower layers and larger steps; the scorer reads the factors of scenes.
Command: jaxgan train configs/styleflow_scenes64.py --folder runs/styleflow_scenes64
Hardware: 2 cores that much other work shared, 79 to 379 codes/s, 17 minutes with the scores of 10,000 images.
Result: 32 codes edited by a standard deviation to either side: the factor asked for moves by 0.54 (rotation) to 1.91
(the floor's hue) standard deviations, with 0.685 of all squared changes in the mean over factors; the best directions
of boundaries have 0.48. `python benchmarks/styleflow.py runs/styleflow_scenes64/flow.safetensors`.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.flow import StyleFlow
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="blank",
    model=StyleFlow(generator="scenes64", scorer="factors:64", hidden=(128,) * 3, tolerance=1e-3),
    batch=64,
    kimg=100,
    adam=Adam(lr=2e-3, b1=0.9, b2=0.99),
    ema=Ema(kimg=2),
    tick_kimg=4,
    checkpoint_kimg=20,
)
