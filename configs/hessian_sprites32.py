"""DCGAN on game sprites at 32x32 with 12 latent axes, and the Hessian penalty: do single axes come to act alone?

Source: Peebles et al., "The Hessian Penalty" (2020), section 5.1: z of 12, finite differences of 0.1, two probes, a sum
over activations. Different: a narrow DCGAN instead of PGGAN, the mean over activations (as in the paper's search for
directions) instead of the maximum. With the maximum a weight of 0.1 drew noise at 10 kimg, 0.002 hardly sprites at 30.
Command: jaxgan train configs/hessian_sprites32.py --data lpc_sprites64.npz --folder runs/hessian_sprites32
Without the penalty: the same with --model.disentangle.weight 0.
Hardware: a shared core of an AMD EPYC virtual machine: 140 to 160 images/s, 150 to 230 without the penalty.
Result with the penalty (without), one seed, `benchmarks/disentangle.py` on 10,000 codes: MIG 0.063 (0.025), SAP 0.044
(0.024), FactorVAE score 0.37 (0.31), DCI disentanglement 0.081 (0.065), PPL in z 2.13 (2.65), penalty of the images
2.06 (3.63), Hessians with their maximum on the diagonal 71.5 % (68.4 %), frechet_random 1.34 (1.44). All 12 axes stay
active in both: the published fall in their number did not show. docs/results.md.
"""

from jaxgan.training.dcgan import DCGAN
from jaxgan.training.disentangle import Disentangle
from jaxgan.training.ema import Ema
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import Adam

recipe = Recipe(
    data="lpc_sprites64.npz",
    model=DCGAN(
        resolution=32,
        z_dim=12,
        width=24,
        disentangle=Disentangle(
            weight=0.05, taps=("b4", "b8", "b16", "image"), reduce="mean", ramp_kimg=20.0, shrink=2
        ),
    ),
    batch=32,
    kimg=200,
    adam=Adam(lr=0.0002, b1=0.5, b2=0.999),
    ema=Ema(kimg=5, ramp=0.05),
    tick_kimg=10,
    checkpoint_kimg=20,
)
