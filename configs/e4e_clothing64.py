"""e4e for the generator of clothing, 64x64: narrow, for a CPU, from photographs and images that the generator draws.

Source: Tov et al., "Designing an Encoder for StyleGAN Image Manipulation" (2021), with a narrow trunk; half of the
images are drawn, and their codes known. The generator is that of configs/stylegan2_clothing64.py.
Command: jaxgan train configs/e4e_clothing64.py --data clothing64.zip:train --folder runs/e4e_clothing64
Result: of 40 kimg in two runs: colours and kinds of garments come, printed cloth does not. After 79 kimg more without
its regularisers (--model.delta 0 --model.latent 0 --model.progress.start 0 --resume ...), on 256 held-out photographs:
LPIPS (SqueezeNet) 0.372 by itself and 0.2862 with 50 steps of refinement; 200 steps from the mean reach 0.2902 in 3.5
times the time, and the lower squared error (0.0310 against 0.0334).
"""

from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder, Stages
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="clothing64.zip:train",
    model=Encoder(
        generator="runs/clothing64/latest.safetensors",
        paper="e4e",
        resolution=64,
        widths=(16, 32, 64, 128),
        units=(1, 2, 2, 1),
        generated=0.5,
        code=0.1,
        delta=2e-3,
        progress=Stages(start=4, every=1),
        latent=0.1,
        decay_kimg=40,
    ),
    batch=16,
    kimg=40,
    adam=Adam(lr=0.002),
    ema=Ema(kimg=1, ramp=0.05),
    mirror=True,
    tick_kimg=4,
    checkpoint_kimg=5,
)
