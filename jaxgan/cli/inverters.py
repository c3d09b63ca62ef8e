"""Inverters by a word of the command line: a space to search, the name of a paper, each with settings of its own."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jaxgan.cli.words import Mistake, near

if TYPE_CHECKING:
    from jaxgan.core import Generator, Network, Objective
    from jaxgan.inversion import Inverter

STEPS, LR = 500, 0.1
MAKERS = ("refine", "encode")
HIDDEN = ("objective", "network", "mask", "chart", "optimizer", "progress", "chunk", "schedule")


def parse(word: str) -> tuple[str, dict[str, Any]]:
    """Read `ii2s:weight=0.01,steps=300` as a name and its settings.

    Raises:
        Mistake: A setting is not written as name=value.
    """
    name, _, rest = word.partition(":")
    settings = {}
    for part in filter(None, rest.split(",")):
        key, equal, value = part.partition("=")
        if not equal or not key:
            raise Mistake(f"--how {word!r}: write settings as {name}:steps=300,weight=0.01")
        try:
            settings[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            settings[key.strip()] = value.strip()
    return name, settings


def offered(g: Generator) -> tuple[str, ...]:
    """Names that `inverter` takes: spaces, `refine`, `encode` and the papers."""
    from jaxgan.inversion import papers

    return (*MAKERS, *g.spaces, *papers.__all__)


def inverter(
    word: str,
    g: Generator,
    objective: Objective,
    *,
    encoder: Network | None = None,
    settings: Mapping[str, Any] | None = None,
    chunk: int | None = None,
    progress: Any = None,
) -> Inverter:
    """Return the inverter that a word names.

    Args:
        word: "w", "w+" ... (optimisation in that space), "refine" (in w+ where there is one, or by its settings),
            "encode" (one pass of the encoder), or a paper of `jaxgan.inversion.papers`; behind a colon settings, such
            as "ii2s:weight=0.01".
        g: Generator.
        objective: What they minimise.
        encoder: Network from images to codes: `encode` and some papers need it, optimisation starts from its codes.
        settings: Settings that the word does not have itself.
        chunk: Images at a time.
        progress: Called with steps done and their number, by what takes it.

    Raises:
        Mistake: There is no such name or setting, or an encoder is missing.
    """
    name, own = parse(word)
    own = {**(settings or {}), **own}
    if name not in offered(g):
        raise Mistake(
            f"--how {name}: no such inverter{near(name, offered(g)) or '; there are ' + ', '.join(offered(g))}"
        )
    if name == "encode":
        return encoded(encoder, name, own)
    if name == "refine" or name in g.spaces:
        space = {} if name == "refine" else {"space": name}
        return searched(name, g, objective, encoder, {**own, **space}, chunk, progress)
    return published(name, objective, encoder, own, chunk, progress)


def encoded(encoder: Network | None, name: str, own: Mapping[str, Any]) -> Inverter:
    from jaxgan import inversion

    allowed(name, own, ("space",))
    return inversion.encode(needed(encoder, name), **own)


def searched(name: str, g: Generator, objective, encoder, own: dict[str, Any], chunk, progress) -> Inverter:
    """Optimisation in a space, from the mean or from an encoder's codes."""
    from jaxgan import inversion, losses
    from jaxgan.latents.spaces import styled

    takes = tuple(parameters(inversion.refine))
    allowed(name, own, ("lr", "prior", *takes))
    wide = styled(g) + "+" if styled(g) + "+" in g.spaces else styled(g)
    own = {"space": wide, "steps": STEPS, "start": "mean" if encoder is None else "given", **own}
    if weight := own.pop("prior", None):
        objective = objective + weight * prior(g, losses)
    how = inversion.refine(objective, adam(own.pop("lr", LR)), **own, **more(inversion.refine, chunk, progress))
    return how if encoder is None else inversion.chain(inversion.encode(encoder), how)


@cache  # one object for each step size: another one would compile anew
def adam(lr: float):
    import optax

    return optax.adam(lr)


def prior(g: Generator, losses):
    """The population's prior in P, from a population that is always the same."""
    import jax

    from jaxgan.latents.stats import population

    if "p" not in g.spaces:
        raise Mistake(f"prior needs the space 'p', {g.arch.name} offers {', '.join(g.spaces)}")
    return losses.mahalanobis(population(g, jax.random.key(0)))


def published(name: str, objective, encoder, own: dict[str, Any], chunk, progress) -> Inverter:
    """A paper's composition."""
    from jaxgan.inversion import papers

    paper = getattr(papers, name)
    takes = parameters(paper)
    allowed(name, own, tuple(takes))
    if "network" in inspect.signature(paper).parameters:
        own["network"] = needed(encoder, name)
    missing = [key for key, p in takes.items() if p.default is p.empty and key not in own]
    if "objective" not in inspect.signature(paper).parameters:
        raise Mistake(f"--how {name} is for Python: jaxgan.inversion.papers.{name}")
    if missing:
        raise Mistake(f"--how {name} needs {missing[0]}: write {name}:{missing[0]}=...")
    return paper(objective=objective, **own, **more(paper, chunk, progress))


def parameters(factory) -> dict[str, inspect.Parameter]:
    """What a word may set of a factory."""
    return {key: p for key, p in inspect.signature(factory).parameters.items() if key not in HIDDEN}


def more(factory, chunk, progress) -> dict[str, Any]:
    """What the command sets of a factory, where it takes it."""
    takes = inspect.signature(factory).parameters
    return {key: value for key, value in (("chunk", chunk), ("progress", progress)) if key in takes}


def allowed(name: str, own: Mapping[str, Any], takes: tuple[str, ...]) -> None:
    for key in own:
        if key not in takes:
            raise Mistake(f"{key} is not for --how {name}{near(key, takes) or ', which takes ' + ', '.join(takes)}")


def needed(encoder: Network | None, name: str) -> Network:
    if encoder is None:
        raise Mistake(f"--how {name} needs --encoder FILE")
    return encoder


def network(path) -> Network:
    """Load an encoder."""
    from jaxgan import io
    from jaxgan.core import Network

    found = io.load(path)
    if not isinstance(found, Network):
        raise Mistake(f"{path} holds a {type(found).__name__}, needed is an encoder; see jaxgan info {path}")
    return found
