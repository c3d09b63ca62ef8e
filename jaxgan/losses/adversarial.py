"""Adversarial losses: logits [N, 1], [N], or a patch discriminator's maps [N, H, W, 1], to one number a sample, [N].

A discriminator's loss takes (real logits, fake logits), a generator's the fake ones; in the pairing game both do.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def minimax_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's minimax loss, -softplus(fake) = log(1 - sigmoid(fake)).

    Its gradient vanishes where the discriminator is sure of itself; `nonsaturating_g` has the same fixed point. The
    discriminator's loss is `nonsaturating_d` in both games.

    Source: Goodfellow et al. (2014), equation 1.
    """
    return per_sample(-jax.nn.softplus(fake))


def nonsaturating_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's non-saturating loss, softplus(-fake) = -log sigmoid(fake).

    Source: Goodfellow et al. (2014), section 3.
    """
    return per_sample(jax.nn.softplus(-fake))


def nonsaturating_d(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the discriminator's loss, softplus(fake) + softplus(-real).

    Source: Goodfellow et al. (2014), algorithm 1.
    """
    return per_sample(jax.nn.softplus(fake)) + per_sample(jax.nn.softplus(-real))


def least_squares_g(fake: Float[Array, "n ..."], goal: float = 1.0) -> Float[Array, " n"]:
    """Return the generator's least-squares loss, (fake - goal)^2 / 2.

    Source: Mao et al., "Least Squares Generative Adversarial Networks" (2017), equation 9 (goal 1) or 8 (goal 0,
    with `real_goal` 1 and `fake_goal` -1 for the discriminator, which minimises Pearson's chi^2). CycleGAN leaves out
    the generator's half.
    """
    return per_sample(jnp.square(fake - goal)) / 2


def least_squares_d(
    real: Float[Array, "n ..."], fake: Float[Array, "n ..."], real_goal: float = 1.0, fake_goal: float = 0.0
) -> Float[Array, " n"]:
    """Return the discriminator's least-squares loss, ((real - real_goal)^2 + (fake - fake_goal)^2) / 2.

    Source: Mao et al. (2017), equation 9; also CycleGAN's and pix2pixHD's.
    """
    return (per_sample(jnp.square(real - real_goal)) + per_sample(jnp.square(fake - fake_goal))) / 2


def wasserstein_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's loss against a critic, -fake; also that of the hinge game.

    Source: Arjovsky et al., "Wasserstein GAN" (2017), algorithm 1.
    """
    return per_sample(-fake)


def wasserstein_d(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the critic's loss, fake - real.

    Means something only while the critic is kept Lipschitz: `penalties.wgan_gp`, or spectral normalisation.

    Source: Arjovsky et al. (2017), equation 3, negated.
    """
    return per_sample(fake) - per_sample(real)


def hinge_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's loss in the hinge game, -fake.

    Source: Lim and Ye, "Geometric GAN" (2017); Miyato et al. (2018), equation 17.
    """
    return per_sample(-fake)


def hinge_d(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the discriminator's hinge loss, max(0, 1 - real) + max(0, 1 + fake).

    Logits beyond the margin of 1 have no gradient.

    Source: Lim and Ye (2017); Miyato et al., "Spectral Normalization for GANs" (2018), equation 16.
    """
    return per_sample(jax.nn.relu(1 - real)) + per_sample(jax.nn.relu(1 + fake))


def relativistic_g(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's loss in the pairing game, softplus(real - fake), member by member.

    The n-th fake is judged against the n-th real image: what counts is which of a pair looks more real, so that no
    constant added to all logits changes anything. Its gradient with respect to `real` is the caller's to drop or not:
    the generator does not reach it.

    Source: Jolicoeur-Martineau, "The relativistic discriminator" (2018), section 4.1; R3GAN (Huang et al., 2024),
    equation 2 with f(t) = -softplus(-t).
    """
    return per_sample(jax.nn.softplus(real - fake))


def relativistic_d(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the discriminator's loss in the pairing game, softplus(fake - real): the generator's with roles exchanged.

    Source: As `relativistic_g`.
    """
    return per_sample(jax.nn.softplus(fake - real))


def per_sample(values: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Average everything but the batch axis."""
    return values.reshape(len(values), -1).mean(1)
