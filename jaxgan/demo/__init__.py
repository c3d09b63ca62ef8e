"""The demonstration: invert, discover, name, edit with one generator, told by one web page."""

from jaxgan.demo.judge import Score, best, named, rescore
from jaxgan.demo.stages import Plan, tour

__all__ = ["Plan", "Score", "best", "named", "rescore", "tour"]
