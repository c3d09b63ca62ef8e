"""WarpedGANSpace: curved paths up the landscapes of radial functions, learned so that they can be told apart."""

from __future__ import annotations

import flax.linen as nn

from jaxgan.directions.reconstruct import Progress, learned
from jaxgan.nn.reconstructor import RESNET18


def warped(
    steps: int = 1000,
    *,
    space: str | None = None,
    dipoles: int = 32,
    trunk: nn.Module = RESNET18,
    batch: int = 8,
    reach: tuple[float, float] = (0.25, 0.5),
    weight: float = 0.25,
    lr: float = 1e-4,
    straight: bool = True,
    progress: Progress | None = None,
):
    """Learn K landscapes of radial functions whose gradients are directions, together with a network as `reconstruct`.

        v_k(x) = unit(grad f_k(x)),    f_k(x) = sum_i alpha_i exp(-gamma |x - s_ki|^2),    alpha = 1, -1, 1, -1, ...

    A path follows v_k in small steps: `field = warped(straight=False)(g, key, k)`, `editing.follow(field, 0, by=2.0)`.

    Args:
        steps: Steps of Adam; 150,000 are published.
        space: Space to search; "w" where there is one, else the first.
        dipoles: Pairs of supports of each landscape; 512 are published for StyleGAN2.
        trunk, batch, weight, lr, progress: As for `reconstruct`; 12 pairs a step are published.
        reach: Least and largest length of a step, in units of the population's spread in one coordinate.
        straight: Return the mean direction of each axis; otherwise the field v itself, for `editing.follow`.

    Returns:
        A finder `(g, key, k) -> Directions`, or a learner of a `Network` that maps points and the number of an axis to
        unit directions. Meta as for `reconstruct`, and "straight", the length of the mean direction: how little the
        paths bend.

    Source: Tzelepis et al., "WarpedGANSpace: Finding Non-linear RBF Paths in GAN Latent Space" (2021), section 3, and
    its code. Different: points are centred and lengths in units of the population.
    """
    learner = learned("warped", {"dipoles": dipoles}, "warped", steps, space, trunk, batch, reach, weight, lr)
    return lambda g, key, k: learner(g, key, k, progress, straight)
