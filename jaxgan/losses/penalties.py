"""Penalties: on a discriminator's gradients, on its logits, and on weights.

Where batches are judged, each member's penalty is returned by itself, [N]; weights and means are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.losses.adversarial import per_sample


def r1(score: Callable, images: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the squared gradient norm of a discriminator at given images.

        r1_n = || d sum(score(images)) / d images_n ||^2

    Args:
        score: images -> logits; put augmentations inside, so that the gradient is that of the images before them.
        images: Where to differentiate: [N, H, W, C], or codes [N, D] of a discriminator in a latent space.

    Source: Mescheder et al. (2018), equation 9. The weight gamma / 2 and the mean over the batch are the caller's.
    """
    gradient = jax.grad(lambda x: score(x).sum())(images)
    return jnp.sum(jnp.square(gradient), axis=tuple(range(1, images.ndim)))


def r2(score: Callable, fakes: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the squared gradient norm at generated images: `r1` there, with no gradient to the generator.

    Source: Mescheder et al. (2018), equation 10.
    """
    return r1(score, jax.lax.stop_gradient(fakes))


def zero_gp(score: Callable, reals: Float[Array, "n ..."], fakes: Float[Array, "n ..."], key) -> Float[Array, " n"]:
    """Return the squared gradient norm at random points between real and generated images.

        0gp_n = || d score / d x_n ||^2    at x_n = reals_n + u_n (fakes_n - reals_n),   u_n ~ U(0, 1)

    Args:
        score: images -> logits.
        reals: Real images.
        fakes: As many generated images.
        key: Random key of u.

    Source: Thanh-Tung et al., "Improving Generalization and Stability of GANs" (2019), equation 9.
    """
    return r1(score, between(reals, fakes, key))


def wgan_gp(
    score: Callable, reals: Float[Array, "n ..."], fakes: Float[Array, "n ..."], key, target: float = 1.0
) -> Float[Array, " n"]:
    """Return how far a critic's gradient norm is from the target, at random points between real and generated images.

        gp_n = (|| d score / d x_n || - target)^2 / target^2    at x_n = reals_n + u_n (fakes_n - reals_n)

    Args:
        score: images -> logits.
        reals: Real images.
        fakes: As many generated images.
        key: Random key of u ~ U(0, 1).
        target: Wanted norm, greater than 0.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), equation 3, weight 10; the target is
    PGGAN's. Different: the norm is sqrt(sum + 1e-12), so that a critic that is flat somewhere gives no NaN.
    """
    norm = jnp.sqrt(r1(score, between(reals, fakes, key)) + 1e-12)
    return jnp.square(norm - target) / target**2


def between(reals: Float[Array, "n ..."], fakes: Float[Array, "n ..."], key) -> Float[Array, "n ..."]:
    """Draw one point on the segment from each real image to its generated one; constant for gradients."""
    u = jax.random.uniform(key, (len(reals),) + (1,) * (reals.ndim - 1), reals.dtype)
    return jax.lax.stop_gradient(reals + u * (fakes - reals))


def drift(real: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return real^2, which holds a critic's logits near zero.

    Source: PGGAN (Karras et al., 2018), appendix A.1, weight 0.001.
    """
    return per_sample(jnp.square(real))


def path_lengths(draw: Callable, ws: Float[Array, "n l d"], noise: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the length of the generator's Jacobian in a random image direction.

        J_n = d sum(draw(ws) noise / sqrt(H W)) / d ws_n,     length_n = sqrt(mean_l sum_d J_nld^2)

    Args:
        draw: w+ codes [N, L, D] -> images [N, H, W, C].
        ws: Codes.
        noise: Standard normal images [N, H, W, C].

    Source: StyleGAN2, equation 4; the mean over layers is that of the published code.
    """
    noise = noise / jnp.sqrt(noise.shape[1] * noise.shape[2])
    gradient = jax.grad(lambda w: jnp.sum(draw(w) * noise))(ws)
    return jnp.sqrt(jnp.mean(jnp.sum(jnp.square(gradient), axis=2), axis=1))


def orthogonal(params: Any, which: Callable[[str], bool] = lambda path: True) -> Float[Array, ""]:
    """Return how far the filters of every layer are from being orthogonal, whatever their lengths.

        1/2 sum_W || (W^T W) o (1 - I) ||^2,    W [fan_in, outputs]

    Args:
        params: Tree of parameters. Arrays of two axes or more count, the last axis being that of the outputs.
        which: path -> whether an array counts, with paths such as "block0/conv1/weight"; embeddings should not.

    Source: BigGAN (Brock et al., 2019), equation 3. The half makes the gradient 2 W (W^T W o (1 - I)), that of the
    authors' published code; the weight there is 1e-4.
    """
    total = jnp.zeros(())
    for path, weight in jax.tree_util.tree_leaves_with_path(params):
        if weight.ndim >= 2 and which(jax.tree_util.keystr(path, simple=True, separator="/")):
            filters = weight.reshape(-1, weight.shape[-1])
            if filters.shape[0] < filters.shape[1]:  # the smaller of the two Gram matrices has the same norm
                gram, lengths = filters @ filters.T, jnp.sum(jnp.square(filters), axis=0)
                total += (jnp.sum(jnp.square(gram)) - jnp.sum(jnp.square(lengths))) / 2
                continue
            gram = filters.T @ filters
            total += jnp.sum(jnp.square(gram - jnp.diag(jnp.diag(gram)))) / 2
    return total


def lecam(means: dict, real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return how far real logits rise above the fake ones' running mean, and fake ones fall below that of the real.

        lecam_n = max(0, real_n - means.fake)^2 + max(0, means.real - fake_n)^2

    For training sets of a few thousand images: a discriminator that tells all of them apart is drawn back.

    Args:
        means: Running means of the logits, from `lecam_means` and `lecam_moved`, kept in the game's stats and moved
            by the batch before it is penalised. No gradient goes to them.
        real: Logits of real images.
        fake: Logits of generated ones.

    Source: Tseng et al., "Regularizing Generative Adversarial Networks under Limited Data" (2021), section 3.2, with
    the one-sided squares of the authors' published code.
    """
    means = jax.lax.stop_gradient(means)
    above, below = jax.nn.relu(real - means["fake"]), jax.nn.relu(means["real"] - fake)
    return per_sample(jnp.square(above)) + per_sample(jnp.square(below))


def lecam_means() -> dict:
    """Return the running means of `lecam` before the first batch: {"real", "fake", "weight"}, all zero."""
    return {name: jnp.zeros(()) for name in ("real", "fake", "weight")}


def lecam_moved(means: dict, real: Float[Array, "n ..."], fake: Float[Array, "n ..."], decay: float = 0.99) -> dict:
    """Move the running means of `lecam` by the logits of a batch.

        weight <- decay weight + (1 - decay),    mean <- mean + (1 - decay) / weight (batch - mean)

    which is the exponential average freed of its start at zero: after one batch it is that batch's mean.

    Source: Tseng et al. (2021), section 3.2, decay 0.99; free of the start as in the published code for StyleGAN2.
    """
    weight = decay * means["weight"] + (1 - decay)
    follow = lambda mean, logits: mean + (1 - decay) / weight * (jax.lax.stop_gradient(logits).mean() - mean)
    return {"real": follow(means["real"], real), "fake": follow(means["fake"], fake), "weight": weight}
