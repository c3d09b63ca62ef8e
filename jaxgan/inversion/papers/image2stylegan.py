"""Image2StyleGAN: inversion in W+, and with noise maps afterwards."""

from __future__ import annotations

import optax

from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Inverter
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine


def image2stylegan(
    objective: Objective | None = None, steps: int = 5000, *, lr: float = 0.02, chunk: int | None = None
) -> Inverter:
    """Embed images in W+, a style of its own for every layer: nearly any picture can be drawn.

    Args:
        objective: Compares images; the paper's is `pixel()` and squares of conv1_1, conv1_2, conv3_2 and conv4_2 of
            VGG16, all of weight 1.
        steps: Iterations.
        lr: Step size in spreads of W.
        chunk: Images at a time.

    Source: Abdal et al., "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?" (2019), section 3: Adam
    0.01, 5000 steps from the mean of w, about 7 minutes an image. Different: steps scale with the population's
    spread, and the best code is kept.
    """
    search = refine(
        judged(objective), optax.adam(lr), steps, "w+", start="mean", wander=0.0, schedule="constant", chunk=chunk
    )
    return search
