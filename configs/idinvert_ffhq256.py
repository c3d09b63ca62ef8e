"""IDInvert's domain-guided encoder for a generator of faces at 256 pixels, after the published settings.

Source: Zhu et al., "In-Domain GAN Inversion" (2020), and the published code: pixel 1, a judge of images 0.08 with R1
of gamma 10, Adam 1e-4 (0.9, 0.99), batch 128, 14 million images. Different: LPIPS (VGG) in place of VGG16's conv4_3,
step sizes along a cosine in place of quarters, and the judge is StyleGAN2's and begins with random weights.
Command: jaxgan train configs/idinvert_ffhq256.py --data ffhq256.zip --model.generator ffhq256.pkl \
    --model.lpips lpips:vgg:vgg16.pth:vgg.pth
Result: not run.
"""

from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder
from jaxgan.training.recipe import Recipe
from jaxgan.training.settings import R1, Adam

recipe = Recipe(
    data="ffhq256.zip",
    model=Encoder(
        generator="ffhq256.pkl",
        paper="idinvert",
        resolution=256,
        widths=(64, 512),
        units=(1, 1),
        generated=0.0,
        adversarial=0.08,
        r1=R1(gamma=10.0, every=16),
        optimizer="adam",
        decay_kimg=14_000,
    ),
    batch=128,
    kimg=14_000,
    adam=Adam(lr=1e-4, b1=0.9, b2=0.99),
    ema=Ema(kimg=10, ramp=0.05),
    tick_kimg=50,
    checkpoint_kimg=200,
)
