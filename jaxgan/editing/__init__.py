"""Editing: an edit is `(g, code) -> code`, a drawing `(g, *codes) -> images`; edits are composed by `chain`."""

from jaxgan.editing.base import Drawing, Edit, chain, identity, sweep
from jaxgan.editing.blend import attribute, blend, lockstep
from jaxgan.editing.brush import brush
from jaxgan.editing.canvas import shift, widen
from jaxgan.editing.compress import compress
from jaxgan.editing.flow import conditioned, flow
from jaxgan.editing.follow import follow
from jaxgan.editing.mapper import mapper
from jaxgan.editing.masks import box, composite, ramp
from jaxgan.editing.mix import mix
from jaxgan.editing.morph import morph, transfer
from jaxgan.editing.move import move
from jaxgan.editing.paint import Painted, paint
from jaxgan.editing.panorama import panorama, smooth
from jaxgan.editing.swap import swap
from jaxgan.editing.truncate import truncate

__all__ = [
    "Drawing",
    "Edit",
    "Painted",
    "attribute",
    "blend",
    "box",
    "brush",
    "chain",
    "composite",
    "compress",
    "conditioned",
    "flow",
    "follow",
    "identity",
    "lockstep",
    "mapper",
    "mix",
    "morph",
    "move",
    "paint",
    "panorama",
    "ramp",
    "shift",
    "smooth",
    "swap",
    "sweep",
    "transfer",
    "truncate",
    "widen",
]
