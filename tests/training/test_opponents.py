import jax
import jax.numpy as jnp

from jaxgan.core.network import initialise
from jaxgan.models import gan
from jaxgan.training.opponents import opponents


def test_the_discriminator_sees_noise_of_the_asked_strength_and_none_otherwise(close):
    arch = gan.arch(32, z_dim=2, hidden=())

    def discriminator(key):  # passes on the first pixel
        return initialise(gan.discriminator(32, hidden=()), key, jnp.zeros((1, 32, 32, 1)))

    weight = jnp.zeros((1024, 1)).at[0].set(1.0)
    params = {"D": {"out": {"weight": weight, "bias": jnp.zeros(1)}}}
    images, stats = jnp.full((4000, 32, 32, 1), 0.25), {"buffers": {"G": {}, "D": {}}}
    seen = {
        n: opponents(arch, discriminator, noise=n).judge(params, stats, images, None, jax.random.key(0))[0]
        for n in (0.0, 0.5)
    }
    close(seen[0.0], jnp.full((4000, 1), 0.25), 0)
    close(seen[0.5].mean(), 0.25, 0.03)
    close(seen[0.5].std(), 0.5, 0.03)
