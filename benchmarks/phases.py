"""Time each phase of training: loss, gradient, Adam and the average of G, for G, G_path, D and D_r1.

The peer goes through the same phases as its training loop does. A second comparison, without the peer: a move that the
program makes or not by the step number, in a branch (`step(state, batch)`), against the same move in a program of its
own (`active=`). Nearly all of the script's time is compilation, a minute a phase on a busy core: keep the programs with
--cache where you run it twice.
"""

from __future__ import annotations

import optax
from _peer import FLAGS, peer
from _steps import Run
from _timing import arguments, interleave, report

from jaxgan.training.ema import Ema
from jaxgan.training.game import Player, game
from jaxgan.training.settings import Adam
from jaxgan.training.stylegan2 import StyleGAN2

BASE, BATCH = 4096, 4  # channel base; images a step
RESOLUTIONS = ("--resolutions", dict(type=int, nargs="+", default=[64], metavar="PX", help="of the images (64)"))


def main() -> None:
    args = arguments(__doc__, 5, RESOLUTIONS, *FLAGS)
    other = peer(args)
    base, batch = 128 if args.quick else BASE, BATCH
    for i, resolution in enumerate([16] if args.quick else args.resolutions):
        width, layers = (16, 2) if args.quick else (512, 2)
        model = StyleGAN2(resolution=resolution, z_dim=width, w_dim=width, mapping_layers=layers, channel_base=base)
        shape = (batch, resolution, resolution, 3)
        run = Run(model.trainer(batch=batch, adam=Adam(), ema=Ema(kimg=10)), shape)
        case = f"{resolution} px, channel base {base}, batch {batch}"
        peers = {}
        if other:
            peers = other.timers(
                "phases", resolution=resolution, channel_base=base, batch=batch, width=width, mapping_layers=layers
            )
        for name in run.active(0):
            program, seconds = run.program((name,))
            ways = {"jaxgan": run.timer(program)}
            if other:
                ways["pytorch"] = peers[name]
            extra = {"peer": other.versions} if other else {}
            times = interleave(ways, args.rounds)
            report("phases", f"{name}, {case}", times, compile_s=round(seconds, 2), **extra)
        if i == 0:
            branch(model, shape, args.rounds, case)


def branch(model: StyleGAN2, shape: tuple[int, ...], rounds: int, case: str) -> None:
    """Time R1's move in a branch and by itself, in a game that consists of it."""
    moves = model.trainer(batch=shape[0], adam=Adam(), ema=Ema()).moves
    penalty = next(m for m in moves if m.name == "D_r1")
    run = Run(game({"D": model.discriminator}, {"D": Player(("D",), optax.adam(1e-3))}, [penalty]), shape)
    (named, alone), (branched, inside) = run.program(("D_r1",)), run.program(None)
    times = interleave({"named": run.timer(named), "in a branch": run.timer(branched)}, rounds)
    seconds = {"named": round(alone, 2), "in a branch": round(inside, 2)}
    report("phases", f"one move, D_r1, {case}", times, compile_s=seconds)


if __name__ == "__main__":
    main()
