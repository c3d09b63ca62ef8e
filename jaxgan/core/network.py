"""A network with its parameters: discriminators, encoders and frozen judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flax.linen as nn
import jax
from flax import struct


@struct.dataclass
class Network:
    """Hold a Linen module with its parameters and buffers; calling it applies the module to arrays, compiled.

    Args:
        params: Tree of trainable arrays.
        buffers: Tree of arrays that are not trained.
        module: Linen module (static, hashable).
        name: Where the module comes from, such as "stylegan2.discriminator" (static); files name it.
        config: The factory's keyword arguments as a sorted tuple of pairs (static), enough to build the module again.
    """

    params: Any
    buffers: Any
    module: nn.Module = struct.field(pytree_node=False)
    name: str = struct.field(pytree_node=False, default="")
    config: tuple = struct.field(pytree_node=False, default=())

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Network: ...

    def __call__(self, *args, **kwargs) -> Any:
        return applied(self, args, kwargs)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of what it returns, where its module has them, as a classifier's has."""
        return tuple(getattr(self.module, "names", ()))

    def in_training(self, *args, **kwargs) -> tuple[Any, Any]:
        """Apply the module with `train=True`; return its output and the buffers after this batch."""
        return applied_in_training(self, args, kwargs)


@jax.jit
def applied(network: Network, args: tuple, kwargs: dict) -> Any:
    """Apply a network's module; inside another compiled function this is part of it."""
    return network.module.apply({"params": network.params, "buffers": network.buffers}, *args, **kwargs)


@jax.jit
def applied_in_training(network: Network, args: tuple, kwargs: dict) -> tuple[Any, Any]:
    variables = {"params": network.params, "buffers": network.buffers}
    out, state = network.module.apply(variables, *args, **kwargs, train=True, mutable=["buffers"])
    return out, state.get("buffers", network.buffers)


def initialise(module: nn.Module, key, *inputs, name: str = "", config: tuple = ()) -> Network:
    """Draw a module's parameters and buffers for inputs of the given shapes and return it as a `Network`."""
    variables = module.init(key, *inputs)
    return Network(variables.get("params", {}), variables.get("buffers", {}), module, name, config)
