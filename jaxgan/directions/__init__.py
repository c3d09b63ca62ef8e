"""Directions: every finder is `(g, key, k) -> Directions`."""

from jaxgan.directions.boundary import boundary
from jaxgan.directions.hessian import hessian
from jaxgan.directions.jacobian import jacobian
from jaxgan.directions.native import native
from jaxgan.directions.pca import pca
from jaxgan.directions.probes import curvature, hessian_penalty
from jaxgan.directions.sefa import sefa

__all__ = ["boundary", "curvature", "hessian", "hessian_penalty", "jacobian", "native", "pca", "sefa"]
