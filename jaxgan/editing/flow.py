"""StyleFlow: edits that ask for attributes, by a flow that knows which codes have them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, fingerprint, known
from jaxgan.core.network import Network
from jaxgan.editing.base import Edit
from jaxgan.encoders.flow import decode, encode
from jaxgan.features.attributes import scores
from jaxgan.latents.spaces import check_layers

# Rows of 18 that each attribute of a face may change, as published.
FACES = {
    "light": range(7, 12),
    "gender": range(8),
    "glasses": range(2, 4),
    "yaw": range(4),
    "pitch": range(4),
    "baldness": range(6),
    "beard": range(5, 10),
    "age": range(4, 8),
    "expression": range(4, 6),
}


def flow(
    network: Network,
    changes: Mapping[str, Any],
    attributes: Callable[[Any], Any] | Float[Array, "n a"],
    layers: Iterable[int] | None = None,
    *,
    relative: bool = True,
) -> Edit:
    """Change attributes of codes as a flow says: what is not asked for stays as likely as it was.

        z = flow(w, a),   w' = flow^-1(z, a'),   row by row; rows that are not asked for stay as they were

    Edits one after another see the attributes that the edit before has left, if they are read by a scorer.

    Args:
        network: A trained `encoders.flow`.
        changes: {attribute: strength}, leaves: a number or [N].
        attributes: What the codes show: a scorer that reads their images, or scores [N, A] in the flow's order.
        layers: Rows of w+ that change (`editing.flow.FACES` for faces of 1024 pixels); all when None.
        relative: Strengths are changes in standard deviations (the default), or else the values asked for, as the
            scorer gives them.

    Returns:
        An edit to "w+", or to "w" where the code has come no further and all rows change.

    Raises:
        ValueError: The flow does not know the attribute, is of other codes, or the scores are not its attributes.

    Source: Abdal et al., "StyleFlow" (2021): joint reverse encoding, conditional forward editing, edit-specific layers.
    Different: any scorer of images, strengths in standard deviations.
    """
    names = described(network).names
    for name in changes:
        known(name, names, "attribute")
    chosen = None if layers is None else tuple(layers)

    def edit(g: Generator, code: Code) -> Code:
        fitting(network, g)
        by_rows = "w+" in g.spaces and (chosen is not None or code.space in ("w+", "p+"))
        code = g.to(code, "w+" if by_rows else "w")
        check_layers(g, code.space, chosen)
        given = scores(attributes, jnp.clip(g(code), -1, 1)) if callable(attributes) else jnp.asarray(attributes)
        if given.shape != (len(code), len(names)):
            raise ValueError(
                f"The scores are {list(given.shape)}, the flow knows {len(names)} attributes of {len(code)} codes: "
                f"{', '.join(names)}."
            )
        asked = given
        for name, strength in changes.items():
            i = names.index(name)
            step = given[:, i] + strength * network.buffers["unit"][i] if relative else strength
            asked = asked.at[:, i].set(step)
        value = decode(network, encode(network, code.value, given), asked)
        if chosen is not None:
            value = jnp.where(jnp.isin(jnp.arange(value.shape[1]), jnp.array(chosen))[:, None], value, code.value)
        return code.replace(value=value)

    return edit


def conditioned(network: Network, key, attributes: Float[Array, "n a"]) -> Code:
    """Draw codes of "w" that show given attributes: z normal, w = flow^-1(z, a).

    Args:
        network: A trained `encoders.flow`.
        key: Random key.
        attributes: Scores [N, A] in the flow's order, as a scorer gives them.

    Source: Abdal et al., "StyleFlow" (2021), attribute-conditioned sampling.
    """
    module, attributes = described(network), jnp.asarray(attributes, jnp.float32)
    if attributes.ndim != 2 or attributes.shape[1] != len(module.names):
        raise ValueError(
            f"attributes are {list(attributes.shape)}; needed are [N, {len(module.names)}]: {module.names}."
        )
    z = jax.random.normal(key, (len(attributes), module.w_dim))
    return Code(decode(network, z, attributes), "w")


def described(network: Network) -> Any:
    """Return the flow's module, or raise ValueError if the network is none."""
    if not hasattr(network.module, "log_density"):
        raise ValueError(f"{network.name or type(network.module).__name__} is no flow; needed is an `encoders.flow`.")
    return network.module


def fitting(network: Network, g: Generator) -> None:
    """Raise ValueError if a generator has other codes than a flow, warn if it is not the one that the flow knows."""
    module = network.module
    if "w" not in g.spaces or g.arch.shape("w") != (module.w_dim,):
        has = f"'w' of {g.arch.shape('w')}" if "w" in g.spaces else f"no 'w' but {', '.join(g.spaces)}"
        raise ValueError(f"The flow knows codes of 'w' of ({module.w_dim},), {g.arch.name} has {has}.")
    if not module.generator or any(isinstance(x, Tracer) for x in jax.tree.leaves(g)):
        return
    if module.generator != fingerprint(g):
        warnings.warn("The flow was trained on another generator; what it asks for here may differ.", stacklevel=3)
