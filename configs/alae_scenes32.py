"""ALAE on the embedded scenes, 32x32: an autoencoder of narrow networks, without growing.

Source: Pidhorskyi et al., "Adversarial Latent Autoencoders" (2020); narrow, for a CPU.
Command: jaxgan train configs/alae_scenes32.py --folder runs/alae_scenes32
The encoder lies beside the generator: jaxgan invert runs/alae_scenes32/latest.safetensors photos --how encode --encoder
runs/alae_scenes32/encoder.safetensors.
Result: 78 of 200 kimg in 45 minutes on a shared core (29 images/s): solids on coloured floors, their kind unclear;
frechet_squeezenet 1102 on 1,024 images; held-out scenes come back at 17.6 dB. docs/results.md.
"""

from jaxgan.training.alae import ALAE
from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="scenes:32",
    model=ALAE(
        resolution=32,
        z_dim=64,
        w_dim=64,
        mapping_layers=4,
        mapping_hidden=64,
        channel_base=1024,
        channel_max=64,
        gamma=1.0,
        growth=Growth(first=32),
    ),
    batch=32,
    kimg=200,
    adam=Adam(lr=0.002, b1=0.0, b2=0.99),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=10,
    checkpoint_kimg=20,
)
