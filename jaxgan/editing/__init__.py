"""Editing: every edit is `(g, code) -> code`; edits are composed by `chain`."""

from jaxgan.editing.base import Edit, chain, identity, sweep
from jaxgan.editing.mix import mix
from jaxgan.editing.move import move
from jaxgan.editing.truncate import truncate

__all__ = ["Edit", "chain", "identity", "mix", "move", "sweep", "truncate"]
