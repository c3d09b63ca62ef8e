"""StyleCLIP's latent optimisation: a given code moved until its image is what a text says."""

from __future__ import annotations

import optax

from jaxgan.core.network import Network
from jaxgan.features.embedder import Embedder
from jaxgan.inversion.base import Found, Inverter
from jaxgan.inversion.refine import refine
from jaxgan.losses.identity import identity
from jaxgan.losses.text import near, text


def styleclip(
    embedder: Embedder,
    words: str,
    steps: int = 300,
    *,
    lr: float = 0.1,
    stay: float = 0.008,
    face: Network | None = None,
    same: float = 0.005,
    space: str = "w+",
) -> Inverter:
    """Edit codes by a text, one optimisation each.

        minimise  1 - cos(e(G(w)), t) + stay |w - w_0|^2 + same (1 - cos(f(G(w)), f(image)))

    Call it with the images to be edited and their codes: `jg.invert(g, images, styleclip(clip, "..."), key,
    start=code)`.

    Args:
        embedder: As for `losses.text`.
        words: The text.
        steps: Iterations.
        lr: Step size, in the space's own coordinates; ramped up over 5 % and down over 25 % of the steps.
        stay: Weight of the distance from the start: the most important choice; less of it changes more.
        face: Network that knows whose face it is, such as `io.load_arcface`; None leaves its term out.
        same: Its weight.
        space: "w+" or "s".

    Source: Patashnik et al., "StyleCLIP" (2021), section 4, and its code. Different: the best code is returned, not the
    last one, and the embedder sees images as it was trained to.
    """
    optimizer, asked = optax.adam(lr), text(embedder, words)

    def inverter(found: Found, images, key) -> tuple[Found, dict]:
        if found.code is None:
            raise ValueError("styleclip edits a code: pass jg.invert(..., start=code), or put an inverter before it.")
        objective = asked + stay * near(found.generator.to(found.code, space))
        objective = objective if face is None else objective + same * identity(face)
        return refine(objective, optimizer, steps, space, start="given", unit=1.0)(found, images, key)

    return inverter
