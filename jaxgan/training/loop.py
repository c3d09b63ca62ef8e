"""The loop of a training run: short and boring. What is learned is in the game; what is kept is in the folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import jax
import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.training.checkpoint import Checkpoints, versions
from jaxgan.training.game import State, Trainer
from jaxgan.training.journal import Diverged, Figures
from jaxgan.training.parallel import Devices, mesh_of, parallel, replicate, replicated
from jaxgan.training.progress import Progress
from jaxgan.training.recipe import Recipe, to_json
from jaxgan.training.shelf import Files, Shelf, claimed
from jaxgan.training.transfer import read_weights, transfer

# Of the files of a finished run.
NAMES = {"G": "generator", "E": "encoder", "M": "mapper", "F": "flow", "C": "classifier"}


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        folder: Where everything lies.
        trainer: The game.
        state: The last state.
        step: Steps done.
        finished: Whether the recipe's length is reached; False if a signal stopped the run.
    """

    folder: Path
    trainer: Trainer
    state: State
    step: int
    finished: bool

    @property
    def generator(self) -> Generator:
        """The generator with averaged weights."""
        return self.trainer.generator(self.state)

    @property
    def model(self) -> Generator | Network:
        """What the game is about, with averaged weights: the generator, or the encoder."""
        return self.trainer.model(self.state)


def run(
    recipe: Recipe,
    folder: str | Path,
    files: Files,
    *,
    resume: str | Path | None = None,
    devices: Devices = None,
    figure: Callable[[Generator], float] | None = None,
    samples: int = 64,
    stream: TextIO | None = None,
) -> Outcome:
    """Train by a recipe in a folder; continue if the folder holds a part of the same run.

    The process may be killed at any moment: the same call goes on at the last checkpoint, and on one device arrives
    at the same bits as a run that was never stopped. SIGTERM and SIGINT save a checkpoint and return.

    In the folder: `recipe.json`, `checkpoints/`, `metrics.jsonl`, `tensorboard/`, `reals.png`, `samples/kimg_*.png`
    (averaged weights, the same codes each time), `latest.safetensors` (averaged generator, with each checkpoint),
    `best.safetensors` (with `figure`), and at the end `generator.safetensors` and `discriminator.safetensors`. Where an
    encoder is trained it is the one that is kept, at the end as `encoder.safetensors`, and the grids show images above
    their reconstructions. A classifier is judged by held-out images, and has no grids. A game's companions, as ALAE's
    `encoder.safetensors`, are written with each checkpoint.

    Args:
        recipe: What to train.
        folder: The run's folder; made if need be.
        files: How to read and write models and pictures.
        resume: A run's folder or a file of weights to start from, if the folder holds no checkpoint yet (transfer
            learning): weights are taken where path and shape agree, the run starts at step 0.
        devices: Devices to divide each batch among; all if None.
        figure: Judges the averaged generator at every checkpoint, lower is better; the best one is kept.
        samples: Images in a grid.
        stream: Where progress is shown; standard output if None.

    Raises:
        ValueError: The folder belongs to another recipe: names the fields. Or the devices do not divide the batch.
        RuntimeError: A figure became NaN or infinite: names the step, the figure and the last good checkpoint. Or
            another process is training in this folder.
    """
    folder, first, mesh = Path(folder), jax.process_index() == 0, mesh_of(devices)
    with ExitStack() as stack:
        if first:
            stack.enter_context(claimed(folder, recipe))
        trainer = recipe.trainer(files.frozen or files.load)
        if figure and trainer.result != "G":
            raise ValueError("A figure judges generators, and this game trains none. Leave it away.")
        judge = (lambda g: {"figure": float(figure(g))}) if figure else trainer.figure
        kept = stack.enter_context(Checkpoints(folder / "checkpoints", recipe.keep, 1 if judge else 0))
        asked = stack.enter_context(interrupts())
        key, sample_key = jax.random.split(jax.random.key(recipe.seed))
        state, origin, notes = begin(recipe, trainer, key, kept, mesh, resume, files)
        done, best = origin["step"], origin["best"]
        shelf = stack.enter_context(Shelf(folder, recipe, files, sample_key, samples, done, writes=first))
        show = stack.enter_context(Progress(recipe.kimg, recipe.seen(done), stream=stream, quiet=not first))
        for note in [headline(recipe, trainer, state, mesh.size), *notes]:
            show.say(note)
        stack.enter_context(divergence(kept, recipe))
        for phase in recipe.phases[1:]:  # the first one's batch is looked at by the first step
            if phase.batch % mesh.size:
                raise ValueError(
                    f"At {phase.resolution} pixels {phase.batch} images a step do not divide among {mesh.size} devices."
                )
        step, figures, compiled = parallel(trainer.step, mesh), Figures(trainer), set()
        for batch in recipe.batches(start=done) if done < recipe.steps else ():
            active, phase = trainer.active(done), recipe.phase(done)
            state, metrics = step(state, batch, active=active)
            figures.add(done, metrics)
            done += 1
            kimg, last = recipe.seen(done), done >= recipe.steps
            program = (phase.resolution, active)
            if program not in compiled:  # this step has waited for the compiler, which is no measure of speed
                figures.settle()
                show.begin(kimg)
                compiled.add(program)
                if done == phase.step + 1 and phase.step:
                    show.say(f"now at {phase.resolution} pixels, {phase.batch} images a step")
            show.advance(kimg)
            ending = last or agreed(asked, done)
            tick, save = (
                (done - phase.step) % steps_of(every, phase.batch) == 0
                for every in (recipe.tick_kimg, recipe.checkpoint_kimg)
            )
            if tick or ending:
                figures.settle()
                means = figures.means()
                show.tick(kimg, means)
                shelf.write(done, {"images_per_second": show.rate(kimg), **means})
                shelf.draw(done, trainer, state)
            if save or ending:
                figures.settle()  # only states whose figures are known to be finite are kept
                model = shelf.keep("latest", trainer.model(state))
                for name, take in trainer.companions.items():
                    shelf.keep(name, take(trainer, state))
                judged = judge(model) if judge else {}
                value = next(iter(judged.values()), None)
                if value is not None:
                    shelf.write(done, judged)
                    show.say(f"at kimg {kimg:g}: " + ", ".join(f"{name} {v:.4g}" for name, v in judged.items()))
                    if best is None or value < best:
                        best = value
                        shelf.keep("best", model)
                kept.save(done, state, {**origin, "step": done, "best": best}, value)
            if tick:
                show.go_on(kimg)
            if ending:
                break
        kept.wait()
        finished = done >= recipe.steps
        if finished:
            shelf.keep(NAMES[trainer.result], trainer.model(state))
            if "D" in trainer.parts:
                shelf.keep("discriminator", trainer.network(state, "D"))
            show.say(f"finished: {folder / NAMES[trainer.result]}.safetensors")
        else:
            who = asked[0] if asked else "another process"
            show.say(f"stopped by {who} at step {done}, saved; the same command continues")
        return Outcome(folder, trainer, state, done, finished)


def headline(recipe: Recipe, trainer: Trainer, state: State, devices: int) -> str:
    """Say what is trained: `G 1,912,345, D 2,104,551 parameters; 25000 steps of 16 images on 1 x cpu`."""
    sizes = [f"{name} {sum(x.size for x in jax.tree.leaves(state.params[name])):,}" for name in trainer.parts]
    kind = jax.devices()[0].device_kind
    return f"{', '.join(sizes)} parameters; {recipe.steps} steps of {recipe.batch} images on {devices} x {kind}"


def begin(recipe: Recipe, trainer: Trainer, key, kept: Checkpoints, mesh, resume, files: Files) -> tuple:
    """Take up the run where it stands: its last checkpoint, or other weights, or fresh ones.

    Returns:
        The state; what is to be written beside it, {"step", "best", "recipe", "versions", "data"}; lines to show.
    """
    data = recipe.source().fingerprint
    origin = {"step": 0, "best": None, "recipe": to_json(recipe), "versions": versions(), "data": data}
    if kept.latest is not None:
        meta = kept.meta()
        notes = [f"continuing at step {meta['step']} (kimg {recipe.seen(meta['step']):g})"]
        if meta["data"] != data:
            notes.append(f"the data has changed since: {recipe.data} was {meta['data']}, is {data}")
        state = kept.restore(jax.eval_shape(trainer.init, key), sharding=replicated(mesh))
        return state, {**origin, "step": meta["step"], "best": meta["best"]}, notes
    state, notes = jax.jit(trainer.init)(key), []
    if resume is not None:
        state, fresh, taken = transfer(state, read_weights(resume, files.load, trainer.result))
        notes.append(f"took over {taken} arrays from {resume}" + (f"; {len(fresh)} stay fresh:" if fresh else ""))
        notes += [f"  {name}" for name in fresh[:8]] + ["  ..."] * (len(fresh) > 8)
    return replicate(state, mesh), origin, notes


def steps_of(kimg: float, batch: int) -> int:
    """Steps in a duration, at least 1."""
    return max(1, round(kimg * 1000 / batch))


@contextmanager
def divergence(kept: Checkpoints, recipe: Recipe) -> Iterator[None]:
    """Say what became of a run whose figures are no longer finite."""
    try:
        yield
    except Diverged as error:
        kept.wait()
        good = f"step {kept.latest} in {kept.folder}" if kept.latest is not None else "none yet"
        raise RuntimeError(
            f"{error} (kimg {recipe.seen(error.step):g}). Last good checkpoint: {good}. "
            f"Lower --adam.lr ({recipe.adam.lr:g}) or look at the data, and train in a new folder with --resume."
        ) from error


@contextmanager
def interrupts() -> Iterator[list[str]]:
    """Collect the names of SIGTERM and SIGINT instead of dying of them; a second one of these ends the process.

    Outside the main thread, where handlers cannot be set, signals are left alone.
    """
    asked: list[str] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def note(number, frame):
        asked.append(signal.Signals(number).name)
        if len(asked) > 1:
            raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def agreed(asked: Sequence[str], step: int, every: int = 8) -> bool:
    """Whether to stop after this step. Several processes ask each other every few steps, for all must stop together."""
    if jax.process_count() == 1:
        return bool(asked)
    if step % every:
        return False
    from jax.experimental.multihost_utils import process_allgather

    return bool(process_allgather(np.array(len(asked))).any())
