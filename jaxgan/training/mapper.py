"""The game of a mapper: one player that learns what a text asks of every code of a frozen generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxgan import losses
from jaxgan.core import Code, Network
from jaxgan.core.network import initialise
from jaxgan.encoders import mapper, sizes
from jaxgan.features.embedder import Pair, phrases
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.fitting import fitting
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.ranger import ranger
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class TextMapper:
    """StyleCLIP's mapper for one text: its generator, its embedder, and what holds it back.

    Images of the data set are not looked at; the codes are drawn anew at every step.

    Args:
        generator: File or bundled name of the generator, which stays as it is.
        clip: Word for the embedder, "clip:FILE:VOCABULARY".
        text: What edited images shall be.
        resolution, channels: Of the generator's images.
        levels, active: As for `encoders.mapper.mapper`.
        by: Factor of the change.
        psi: Truncation of the codes, where the generator has it.
        asked: Weight of 1 - cos between the edited image and the text.
        stay: Weight of the mean squared change of codes.
        same: Weight of 1 - cos between the embeddings of both images.
        embed: Word for their network, "arcface:FILE" or "moco:FILE"; "" leaves the term out.
        optimizer: "ranger" or "adam", with the recipe's step size; 0.5 with Ranger is published.
    """

    generator: str = "scenes64"
    clip: str = ""
    text: str = ""
    resolution: int = 64
    channels: int = 3
    levels: tuple[int, ...] = (4, 8)
    active: tuple[bool, ...] = (True, True, True)
    by: float = 0.1
    psi: float = 0.7
    asked: float = 1.0
    stay: float = 0.8
    same: float = 0.1
    embed: str = ""
    optimizer: Literal["ranger", "adam"] = "ranger"

    def smoke(self) -> TextMapper:
        """Train fewer levels; the generator stays."""
        return replace(self, active=(True, *[False] * len(self.levels)))

    @property
    def frozen(self) -> dict[str, str]:
        """Words for the networks that the game takes as they are."""
        words = {"G": self.generator, "clip": self.clip, "embed": self.embed}
        return {name: word for name, word in words.items() if word}

    def trainer(
        self,
        *,
        batch: int,
        adam: Adam,
        ema: Ema,
        ada: Ada | None = None,
        classes: int = 0,
        frozen: Mapping[str, Any] | None = None,
    ) -> Trainer:
        """Make the game of one move, M.

            asked (1 - cos(e(G(w')), t)) + stay mean (w' - w)^2 + same (1 - cos(f(G(w')), f(G(w)))),
            w' = w + by M(w),   w of the prior

        Args:
            batch: Codes per step, over all devices.
            adam: Optimizer, or the step size of Ranger.
            ema: Average of the mapper.
            ada: Not used here: there is no discriminator.
            classes: Not used here.
            frozen: The networks of `self.frozen`, loaded; "clip" is any embedder whose image side is a Network.

        Raises:
            ValueError: A network is missing, or the generator draws other images than the recipe says.

        Source: Patashnik et al., "StyleCLIP" (2021), section 5, and its code. Different: codes are drawn, not read from
        a file; the embedder sees images as it was trained to.
        """
        if ada is not None:
            raise ValueError("A mapper is trained without a discriminator: leave ada and diffaugment away.")
        given = dict(frozen or {})
        missing = [name for name in {**self.frozen, "clip": self.clip} if name not in given]
        if missing or not self.text:
            what = ", ".join(missing) or "text"
            raise ValueError(f"This game needs {what}: set the recipe's words and text, and use recipe.trainer(load).")
        embedder = given.pop("clip")
        g = fitting(given["G"], self.generator, self.resolution, self.channels, "w+")
        if not isinstance(embedder.image, Network):
            raise ValueError("The embedder's image side is a function; a game takes a Network, whose arrays it keeps.")
        given["clip"] = embedder.image
        shape = sizes(g.arch)
        config = dict(rows=shape["rows"], w_dim=shape["w_dim"], levels=self.levels, active=self.active)
        module, described = mapper.mapper(**config), tuple(sorted(config.items()))
        blank = [jnp.zeros(s) for s in module.inputs()]
        make = lambda key: initialise(module, key, *blank, name=f"{mapper.NAME}.mapper", config=described)
        makers = {"M": make} | {name: (lambda key, part=part: part) for name, part in given.items()}
        parts = {name: jax.eval_shape(maker, jax.random.key(0)) for name, maker in makers.items()}
        t = phrases(embedder, self.text, ("{}",))

        def part(name, params, stats) -> Any:
            return parts[name].replace(params=params[name], buffers=stats["buffers"][name])

        def codes(g, key, n: int) -> Code:
            return g.to(g.sample(key, n), "w+", psi=self.psi if g.arch.truncates else None)

        def m_move(params, stats, batch, key):
            g, network = part("G", params, stats), part("M", params, stats)
            code = codes(g, key, len(batch["image"]))
            change = self.by * network(code.value)
            judge = self.asked * losses.text(Pair(part("clip", params, stats), lambda _: t), self.text)
            if self.embed:
                judge += self.same * losses.identity(part("embed", params, stats))
            edited = code.replace(value=code.value + change)
            loss, terms = judge(g(edited), jax.lax.stop_gradient(g(code)), edited, g)
            stay = jnp.square(change).mean()
            metrics = {name: value.mean() for name, value in terms.items()} | {"stay": stay}
            total = loss.mean() + self.stay * stay
            return total, ({"loss": total, **metrics}, stats)

        def show(parts, images):
            code = codes(parts["G"], jax.random.key(0), len(images))
            return parts["G"](code.replace(value=code.value + self.by * parts["M"](code.value)))

        own = ranger(adam.lr) if self.optimizer == "ranger" else optax.adam(adam.lr, adam.b1, adam.b2, adam.eps)
        players = {"M": Player(("M",), own)}
        made = game(makers, players, [Move("M", "M", m_move)], ema=half_life(ema), averaged=("M",))
        return made._replace(result="M", show=show)
