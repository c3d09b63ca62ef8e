"""The central values: read these files and you know the library."""

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Affine, Arch, Chart, Generator, Stage, fingerprint
from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, Target, term

__all__ = [
    "Affine",
    "Arch",
    "Chart",
    "Code",
    "Directions",
    "Generator",
    "Network",
    "Objective",
    "Stage",
    "Target",
    "fingerprint",
    "term",
]
