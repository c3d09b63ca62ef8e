"""Latent spaces: their names and shapes, charts of them, statistics of the population, walks through them."""

from jaxgan.latents import charts, spaces, stats, walks

__all__ = ["charts", "spaces", "stats", "walks"]
