"""What a run leaves behind in its folder: figures, pictures and models."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgan.core import Generator
from jaxgan.training.game import State, Trainer
from jaxgan.training.journal import Journal
from jaxgan.training.recipe import FREE, Recipe, differences, from_json, to_json


class Files(NamedTuple):
    """How models and pictures are read and written; training itself knows no file format.

    Args:
        save: `save(generator_or_network, path)`.
        load: `load(path, part="G" | "D" | "G_ema")`.
        save_grid: `save_grid(path, images, columns)` with images [N, H, W, C] in [-1, 1].
        frozen: `frozen(word)`: a network that a game takes as it is; `load` if None.
    """

    save: Callable
    load: Callable
    save_grid: Callable
    frozen: Callable | None = None


class Shelf:
    """Write figures, grids of samples and models into a run's folder. Use as a context manager.

    Args:
        folder: The run's folder.
        recipe: Its recipe.
        files: How to write models and pictures.
        key: Random key of the samples' codes, which stay the same.
        samples: Images in a grid.
        step: Steps done so far; at 0 a grid of real images is drawn.
        writes: Whether this process writes, as the first one does; the others only follow.
    """

    def __init__(self, folder: Path, recipe: Recipe, files: Files, key, samples: int, step: int, writes: bool):
        self.folder, self.recipe, self.files, self.key, self.samples = folder, recipe, files, key, samples
        self.journal = Journal(folder, step) if writes else None
        self.reals: Any = real_images(recipe, samples) if writes else None
        if writes and step == 0:
            files.save_grid(folder / "reals.png", self.reals, columns(samples))

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *exception) -> None:
        if self.journal:
            self.journal.close()

    def write(self, step: int, figures: Mapping[str, Any]) -> None:
        """Write a line of figures."""
        if self.journal:
            self.journal.write({"step": step, "kimg": self.recipe.seen(step), **figures, "time": time.time()})

    def draw(self, step: int, trainer: Trainer, state: State) -> None:
        """Draw the same codes as ever with the generator as it is now; or, below the same images, what is made of them.

        A game without samples shows rows of images, each above the row of what it makes of them; one that makes
        nothing of them, as a classifier's, shows nothing.
        """
        if self.journal and (trainer.show is not None or trainer.result == "G"):
            show = trainer.show
            if show is None:
                images = sampled(on_host(trainer.model(state)), self.key, self.samples, self.recipe.batch)
            else:
                parts = {name: on_host(trainer.network(state, name, name in state.ema)) for name in trainer.parts}
                images = beside(self.reals, lambda some: show(parts, some), self.recipe.batch)
            path = self.folder / "samples" / f"kimg_{named(self.recipe.seen(step), self.recipe)}.png"
            self.files.save_grid(path, images, columns(self.samples))

    def keep(self, name: str, model: Any) -> Any:
        """Save a model as NAME.safetensors; return it with host arrays."""
        model = on_host(model)
        if self.journal:
            self.files.save(model, self.folder / f"{name}.safetensors")
        return model


@contextmanager
def claimed(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Hold a folder for one process and one recipe.

    Raises:
        ValueError: The folder holds checkpoints of another recipe; names the fields that differ. The length of the
            run, how often it reports and how it loads may change.
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
        # Before the first checkpoint there is nothing to protect: a run that failed at its data, say.
        if path.exists() and any(p.name.isdigit() for p in (folder / "checkpoints").glob("*")):
            before = from_json(json.loads(path.read_text()), type(recipe))
            differing = {name: pair for name, pair in differences(before, recipe).items() if name not in FREE}
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


def on_host(model: Any) -> Any:
    """Take a model from the mesh to one device, so that one process alone can use it."""
    return jax.tree.map(lambda x: np.asarray(x.addressable_data(0)) if isinstance(x, jax.Array) else x, model)


def sampled(g: Generator, key, n: int, batch: int) -> np.ndarray:
    """Draw n images of codes that depend on the key only, a batch at a time, going through the classes in turn."""
    cond = np.eye(g.arch.classes, dtype=np.float32)[np.arange(n) % g.arch.classes] if g.arch.classes else None
    code = g.sample(key, n, cond)
    return np.concatenate([np.asarray(g(code[i : i + batch])) for i in range(0, n, batch)])


def real_images(recipe: Recipe, n: int) -> np.ndarray:
    """The first n images of the run's own order (this process's rows)."""
    found = []
    for batch in recipe.reals(recipe.batch):
        found.append(batch["image"])
        if sum(map(len, found)) >= n:
            break
    return np.concatenate(found)[:n]


def beside(images: np.ndarray, show: Callable, batch: int) -> np.ndarray:
    """Return rows of images, each followed by the row of what `show` makes of them; a grid of as many rows as columns.

    The last batch is filled up, so that all have one size and one program serves them.
    """
    width = columns(len(images))
    n = max(1, len(images) // width // 2) * width
    size = min(batch, n)
    at = np.minimum(np.arange(-(-n // size) * size), n - 1).reshape(-1, size)
    made = np.concatenate([np.asarray(show(images[some])) for some in at])[:n]
    pairs = np.stack([images[:n].reshape(-1, width, *made.shape[1:]), made.reshape(-1, width, *made.shape[1:])], 1)
    return pairs.reshape(-1, *made.shape[1:])


def columns(n: int) -> int:
    """Images in a row of the grid."""
    return max(1, round(n**0.5))


def named(kimg: float, recipe: Recipe) -> str:
    """Kimg as it stands in a file's name, so that names sort in time."""
    return f"{int(kimg):06d}" if recipe.tick_kimg >= 1 else f"{kimg:010.3f}"
