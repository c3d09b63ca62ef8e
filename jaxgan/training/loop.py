"""The loop of a training run: short and boring. What is learned is in the game; what is kept is in the folder."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import jax
import numpy as np

from jaxgan.core import Generator
from jaxgan.training.checkpoint import Checkpoints, versions
from jaxgan.training.game import State, Trainer
from jaxgan.training.journal import Diverged, Figures, Journal
from jaxgan.training.parallel import mesh_of, parallel, replicate, replicated
from jaxgan.training.progress import Progress
from jaxgan.training.recipe import FREE, Recipe, differences, to_json
from jaxgan.training.transfer import read_weights, transfer


class Files(NamedTuple):
    """How models and pictures are read and written; training itself knows no file format.

    Args:
        save: `save(generator_or_network, path)`.
        load: `load(path, part="G" | "D" | "G_ema")`.
        save_grid: `save_grid(path, images, columns)` with images [N, H, W, C] in [-1, 1].
    """

    save: Callable
    load: Callable
    save_grid: Callable


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


def run(
    recipe: Recipe,
    folder: str | Path,
    files: Files,
    *,
    resume: str | Path | None = None,
    devices: Sequence[jax.Device] | None = None,
    figure: Callable[[Generator], float] | None = None,
    samples: int = 64,
    stream: TextIO | None = None,
) -> Outcome:
    """Train by a recipe in a folder; continue if the folder holds a part of the same run.

    The process may be killed at any moment: the same call goes on at the last checkpoint, and on one device arrives
    at the same bits as a run that was never stopped. SIGTERM and SIGINT save a checkpoint and return.

    In the folder: `recipe.json`, `checkpoints/`, `metrics.jsonl`, `tensorboard/`, `reals.png`, `samples/kimg_*.png`
    (averaged weights, the same codes each time), `latest.safetensors` (averaged generator, with each checkpoint),
    `best.safetensors` (with `figure`), and at the end `generator.safetensors` and `discriminator.safetensors`.

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
    folder, first = Path(folder), jax.process_index() == 0
    mesh = mesh_of(devices)
    with ExitStack() as stack:
        if first:
            stack.enter_context(claimed(folder, recipe))
        kept = stack.enter_context(Checkpoints(folder / "checkpoints", recipe.keep, 1 if figure else 0))
        asked = stack.enter_context(interrupts())
        trainer = recipe.trainer()
        data = recipe.source().fingerprint
        key, sample_key = jax.random.split(jax.random.key(recipe.seed))
        done, notes, best = 0, [], float("inf")
        if kept.latest is not None:
            state = kept.restore(jax.eval_shape(trainer.init, key), sharding=replicated(mesh))
            meta = kept.meta()
            done, best = meta["step"], meta.get("best") or best
            notes.append(f"continuing at step {done} (kimg {done * recipe.batch / 1000:g})")
            if meta["data"]["fingerprint"] != data:
                notes.append(f"the data has changed since: {recipe.data} was {meta['data']['fingerprint']}, is {data}")
        else:
            state = jax.jit(trainer.init)(key)
            if resume is not None:
                state, fresh, taken = transfer(state, read_weights(resume, files.load))
                notes.append(
                    f"took over {taken} arrays from {resume}" + (f"; {len(fresh)} stay fresh:" if fresh else "")
                )
                notes += [f"  {name}" for name in fresh[:8]] + ["  ..."] * (len(fresh) > 8)
        state = replicate(state, mesh)
        step, figures = parallel(trainer.step, mesh), Figures(trainer)
        tick, save_every = (steps_of(kimg, recipe.batch) for kimg in (recipe.tick_kimg, recipe.checkpoint_kimg))
        journal = Journal(folder, done) if first else None
        if journal:
            stack.callback(journal.close)
        show = stack.enter_context(Progress(recipe.kimg, done * recipe.batch / 1000, stream=stream, quiet=not first))
        for note in [headline(recipe, trainer, state, mesh.size), *notes]:
            show.say(note)
        if first and done == 0:
            reals = real_images(recipe, samples)
            files.save_grid(folder / "reals.png", reals, columns(samples))

        def checkpoint() -> None:
            """Save the state, which is known to be finite, and the models beside it."""
            nonlocal best
            g = on_host(trainer.generator(state))
            value = float(figure(g)) if figure else None
            if first:
                files.save(g, folder / "latest.safetensors")
                if value is not None and value < best:
                    files.save(g, folder / "best.safetensors")
            best = best if value is None else min(best, value)
            meta = {
                "recipe": to_json(recipe),
                "versions": versions(),
                "data": {"position": done * recipe.batch, "fingerprint": data},
                "best": None if best == float("inf") else best,
            }
            kept.save(done, state, meta, value)
            if value is not None and journal:
                journal.write({"step": done, "kimg": done * recipe.batch / 1000, "figure": value})

        def settle() -> None:
            try:
                figures.settle()
            except Diverged as error:
                raise lost(error, kept, recipe) from error

        rate, since, at, compiled = None, time.monotonic(), done, False
        for batch in recipe.batches(start=done) if done < recipe.steps else ():
            state, metrics = step(state, batch, active=trainer.active(done))
            try:
                figures.add(done, metrics)
            except Diverged as error:
                raise lost(error, kept, recipe) from error
            done += 1
            if not compiled:
                settle()  # the first step waits for the compiler; it does not count
                since, at, compiled = time.monotonic(), done, True
                show.begin(done * recipe.batch / 1000)
            last, stop = done >= recipe.steps, agreed(asked, done)
            kimg = done * recipe.batch / 1000
            if done > at:
                pace = (done - at) * recipe.batch / max(time.monotonic() - since, 1e-9)
                show.advance(kimg, pace)
            if done % tick == 0 or last or stop:
                settle()
                if done > at:
                    rate = (done - at) * recipe.batch / max(time.monotonic() - since, 1e-9)
                means = figures.means()
                if journal:
                    journal.write({"step": done, "kimg": kimg, "images_per_second": rate, **means, "time": time.time()})
                show.tick(kimg, rate, means)
                if first:
                    grid = sampled(on_host(trainer.generator(state)), sample_key, samples, recipe.batch)
                    files.save_grid(folder / "samples" / f"kimg_{named(kimg, recipe)}.png", grid, columns(samples))
            if done % save_every == 0 or last or stop:
                settle()
                checkpoint()
            if done % tick == 0:
                since, at = time.monotonic(), done
            if last or stop:
                break
        kept.wait()
        finished = done >= recipe.steps
        if finished and first:
            files.save(on_host(trainer.generator(state)), folder / "generator.safetensors")
            if "D" in trainer.parts:
                files.save(on_host(trainer.network(state, "D")), folder / "discriminator.safetensors")
        if finished:
            show.say(f"finished: {folder / 'generator.safetensors'}")
        else:
            show.say(f"stopped by {asked[0] if asked else 'another process'} at step {done}, saved; the same command continues")
        return Outcome(folder, trainer, state, done, finished)


def headline(recipe: Recipe, trainer: Trainer, state: State, devices: int) -> str:
    """Say what is trained: `G 1,912,345, D 2,104,551 parameters; 25000 steps of 16 images on 1 x cpu`."""
    sizes = [f"{name} {sum(x.size for x in jax.tree.leaves(state.params[name])):,}" for name in trainer.parts]
    kind = jax.devices()[0].device_kind
    return f"{', '.join(sizes)} parameters; {recipe.steps} steps of {recipe.batch} images on {devices} x {kind}"


def steps_of(kimg: float, batch: int) -> int:
    """Steps in a duration, at least 1."""
    return max(1, round(kimg * 1000 / batch))


def lost(error: Diverged, kept: Checkpoints, recipe: Recipe) -> RuntimeError:
    """Say what became of a run whose figures are no longer finite."""
    kept.wait()
    good = f"step {kept.latest} in {kept.folder}" if kept.latest is not None else "none yet"
    return RuntimeError(
        f"{error} (kimg {error.step * recipe.batch / 1000:g}). Last good checkpoint: {good}. "
        f"Lower --adam.lr ({recipe.adam.lr:g}) or look at the data, and train in a new folder with --resume."
    )


@contextmanager
def claimed(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Hold a folder for one process and one recipe.

    Raises:
        ValueError: The folder holds another recipe; names the fields that differ. The length of the run, how often
            it reports and how it loads may change.
        RuntimeError: Another process holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when the process dies
        except ImportError:  # Windows
            pass
        except OSError as error:
            raise RuntimeError(
                f"Another process is training in {folder}; wait for it or take another folder."
            ) from error
        path = folder / "recipe.json"
        if path.exists():
            differing = {
                name: pair
                for name, pair in differences(json.loads(path.read_text()), to_json(recipe)).items()
                if name not in FREE
            }
            if differing:
                words = [f"{name} is {was!r} there and {now!r} now" for name, (was, now) in differing.items()]
                raise ValueError(
                    f"{folder} holds a run of another recipe: {'; '.join(words[:6])}. Take another folder, or "
                    f"--resume {folder} to start a new run from its weights."
                )
        temporary = folder / ".recipe.part"
        temporary.write_text(json.dumps(to_json(recipe), indent=2) + "\n")
        os.replace(temporary, path)
        yield


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


def on_host(model: Any) -> Any:
    """Take a model from the mesh to one device, so that one process alone can use it."""
    return jax.tree.map(lambda x: np.asarray(x.addressable_data(0)), model)


def sampled(g: Generator, key, n: int, batch: int) -> np.ndarray:
    """Draw n images of codes that depend on the key only, a batch at a time, going through the classes in turn."""
    cond = np.eye(g.arch.classes, dtype=np.float32)[np.arange(n) % g.arch.classes] if g.arch.classes else None
    code = g.sample(key, n, cond)
    return np.concatenate([np.asarray(g(code[i : i + batch])) for i in range(0, n, batch)])


def real_images(recipe: Recipe, n: int) -> np.ndarray:
    """The first n images of the run's own order (this process's rows)."""
    found = []
    for batch in replace(recipe, workers=0).batches(start=0):
        found.append(batch["image"])
        if sum(map(len, found)) >= n:
            break
    return np.concatenate(found)[:n]


def columns(n: int) -> int:
    """Images in a row of the grid."""
    return max(1, round(n**0.5))


def named(kimg: float, recipe: Recipe) -> str:
    """Kimg as it stands in a file's name, so that names sort in time."""
    return f"{int(kimg):06d}" if recipe.tick_kimg >= 1 else f"{kimg:010.3f}"
