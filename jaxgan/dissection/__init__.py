"""Dissection: what single units of a generator stand for, and what happens without them."""

from jaxgan.dissection.ace import Strengths, ace
from jaxgan.dissection.intervene import ablate, blend, insert
from jaxgan.dissection.quantiles import Histogram, histogram
from jaxgan.dissection.report import Report
from jaxgan.dissection.show import lit, strongest
from jaxgan.dissection.units import iou

__all__ = [
    "Histogram",
    "Report",
    "Strengths",
    "ablate",
    "ace",
    "blend",
    "histogram",
    "insert",
    "iou",
    "lit",
    "strongest",
]
