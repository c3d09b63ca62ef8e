"""jaxgan: train GANs, invert images into them, discover what their latent directions mean, and edit, in JAX."""

from jaxgan import core, models
from jaxgan.core import Arch, Code, Directions, Generator, Network, Objective, fingerprint
