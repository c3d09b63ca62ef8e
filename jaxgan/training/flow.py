"""The game of a flow: one player that learns which codes of a frozen generator show which attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan.core import Code, Generator, fingerprint, moments
from jaxgan.core.network import initialise
from jaxgan.encoders import flow
from jaxgan.features.attributes import score_names, scores
from jaxgan.latents.charts import whitening
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.fitting import fitting
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.settings import Adam

BATCH = 64  # images drawn and scored at a time
FLOOR = 0.05  # smallest deviation of the whitening: a mapping's last layer leaves a few directions almost flat


@dataclass(frozen=True)
class StyleFlow:
    """A flow, the generator whose codes it knows, and the scorer that says what they show.

    Images of the data set are not looked at; codes and their scores are drawn once, before the first step.

    Args:
        generator: File or bundled name of the generator.
        scorer: Word for the scorer, "factors:RESOLUTION", "pixels", or the file of a classifier.
        resolution, channels: Of the generator's images.
        samples: Codes that are scored.
        psi: Truncation of the codes, where the generator has it.
        hidden: As for `encoders.flow.flow`.
        tolerance: Of the solver while the flow learns; the flow that is kept is solved to 1e-5.
        blur: Noise on the scores, in their standard deviations. Codes that have given scores exactly fill no volume:
            their density has no bound, and a flow that is trained long enough without noise becomes stiff.
        exact: Take the exact trace of the Jacobian instead of one probe's estimate: as many derivatives as w is wide.
        whiten: Whiten by the whole covariance; False by each coordinate's deviation alone, which is nearer to the
            published batch statistics.
    """

    generator: str = "scenes64"
    scorer: str = "factors:64"
    resolution: int = 64
    channels: int = 3
    samples: int = 10_000
    psi: float = 1.0
    hidden: tuple[int, ...] = (512,) * 5
    tolerance: float = 1e-5
    blur: float = 0.1
    exact: bool = False
    whiten: bool = True

    def smoke(self) -> StyleFlow:
        """Shrink to a narrow flow of a few codes; the generator and the scorer stay."""
        return replace(self, samples=64, hidden=(8,), tolerance=1e-2)

    @property
    def frozen(self) -> dict[str, str]:
        """Words for what the game takes as it is."""
        return {"G": self.generator, "scorer": self.scorer}

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
        """Make the game of one move, F.

            minimise  -log p(w | a) / D,     log p(w | a) = log N(z) + int_0^1 tr(df/dx) dt + log|det of the ends|

        Args:
            batch: Codes per step, over all devices.
            adam: Optimizer.
            ema: Average of the flow.
            ada: Not used here: there is no discriminator.
            classes: Not used here: codes of w need no condition.
            frozen: What `self.frozen` names, loaded.

        Raises:
            ValueError: The generator or the scorer is missing, the generator has no w, or draws other images than the
                recipe says.

        Source: Abdal et al., "StyleFlow" (2021), and its code. Different: what `encoders.flow.flow` names; any scorer
        in place of a face service, and noise on what it says.
        """
        if ada is not None:
            raise ValueError("A flow is trained without a discriminator: leave ada and diffaugment away.")
        given = dict(frozen or {})
        missing = [name for name in self.frozen if name not in given]
        if missing:
            raise ValueError(f"This game needs {', '.join(missing)}: use recipe.trainer(load).")
        scorer = given["scorer"]
        g = fitting(given["G"], self.generator, self.resolution, self.channels, "w")
        codes, table, names = scored(g, scorer, self.samples, self.psi if g.arch.truncates else None)
        m = moments.of(codes)
        covariance = moments.covariance(m)
        if not self.whiten:
            covariance = jnp.diag(jnp.diag(covariance))
        white = whitening(m.mean, covariance, FLOOR)
        fixed = {"mean": white.mean, "basis": white.basis, "std": white.std}
        fixed |= {"usual": table.mean(0), "unit": jnp.maximum(table.std(0), 1e-6)}
        width = codes.shape[1]
        config = dict(w_dim=width, names=names, hidden=self.hidden, generator=fingerprint(g))
        module, described = flow.flow(**config), tuple(sorted(config.items()))
        learning: Any = module.clone(tolerance=self.tolerance)
        blank = [jnp.zeros(s) for s in module.inputs()]

        def make(key):
            made: Any = initialise(module, key, *blank, name=f"{flow.NAME}.flow", config=described)
            return made.replace(buffers=fixed)

        def f_move(params, stats, batch, key):
            pick, probe, noise = jax.random.split(key, 3)
            n = len(batch["image"])
            chosen = jax.random.randint(pick, (n,), 0, len(stats["codes"]))
            probes = None if self.exact else jax.random.normal(probe, (n, width))
            variables = {"params": params["F"], "buffers": stats["buffers"]["F"]}
            w, a = stats["codes"][chosen], stats["scores"][chosen]
            a = a + self.blur * fixed["unit"] * jax.random.normal(noise, a.shape)
            log_p, divergence = learning.apply(variables, w, a, probes, method="log_density")
            loss = -log_p.mean() / width
            return loss, ({"loss": loss, "divergence": divergence.mean() / width}, stats)

        def show(parts, images):
            z = jax.random.normal(jax.random.key(0), (len(images), width))
            asked = table[jnp.arange(len(images)) % len(table)]
            return g(Code(flow.decode(parts["F"], z, asked), "w"))

        own = optax.adam(adam.lr, adam.b1, adam.b2, adam.eps)
        made = game(
            {"F": make},
            {"F": Player(("F",), own)},
            [Move("F", "F", f_move)],
            ema=half_life(ema),
            averaged=("F",),
            stats={"codes": codes, "scores": table},
        )
        return made._replace(result="F", show=show)


def scored(g: Generator, scorer, samples: int, psi: float | None) -> tuple[Any, Any, tuple[str, ...]]:
    """Draw codes of w [S, D] and score their images [S, A], the same ones every time; return the scores' names too."""
    size, codes, table, names = min(BATCH, samples), [], [], ()
    for i in range(-(-samples // size)):
        code = g.to(g.sample(jax.random.fold_in(jax.random.key(0), i), size), "w", psi=psi)
        images = jnp.clip(g(code), -1, 1)
        names = names or score_names(scorer, images)
        codes.append(np.asarray(code.value))
        table.append(np.asarray(scores(scorer, images)))
    return jnp.asarray(np.concatenate(codes)[:samples]), jnp.asarray(np.concatenate(table)[:samples]), names
