"""A recipe: everything that decides what a training run computes, in one frozen value."""

from __future__ import annotations

import difflib
import importlib.util
import json
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from jaxgan.core.generator import known
from jaxgan.models import stylegan2
from jaxgan.training.ada import Ada
from jaxgan.training.alae import ALAE
from jaxgan.training.biggan import BigGAN
from jaxgan.training.classifier import Classifier
from jaxgan.training.dcgan import DCGAN
from jaxgan.training.diffaugment import fixed, policy
from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema
from jaxgan.training.encoder import Encoder
from jaxgan.training.flow import StyleFlow
from jaxgan.training.game import Trainer
from jaxgan.training.gan import GAN
from jaxgan.training.growth import Growth, Phase
from jaxgan.training.mapper import TextMapper
from jaxgan.training.pggan import PGGAN
from jaxgan.training.r3gan import R3GAN
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan1 import StyleGAN1
from jaxgan.training.stylegan2 import PathLength, StyleGAN2
from jaxgan.training.stylegan3 import StyleGAN3

# The games, one a family, and those of encoders, mappers and classifiers; a recipe's file says which by the class's
# name.
Model = (
    StyleGAN2
    | GAN
    | DCGAN
    | PGGAN
    | StyleGAN1
    | StyleGAN3
    | BigGAN
    | R3GAN
    | EigenGAN
    | ALAE
    | Encoder
    | TextMapper
    | Classifier
    | StyleFlow
)

# What may change when a run is continued: none of these touches the numbers of a step.
FREE = ("kimg", "tick_kimg", "checkpoint_kimg", "keep", "workers")


@dataclass(frozen=True)
class Recipe:
    """What to train on what, and for how long.

    Args:
        data: Data set, as for `jaxgan.data.source`: a folder, a zip, an array file, tfds:NAME or scenes[:RESOLUTION].
        model: The family with its sizes and losses.
        batch: Images per step over all devices.
        kimg: Length of the run, thousands of real images.
        seed: Fixes the initial weights, the order of the data and every draw.
        adam: The optimizer of every player.
        ema: The average of the generator's weights.
        ada: Adaptive augmentation in front of the discriminator, or None.
        diffaugment: Augmentation that always fires instead: "color,translation,cutout" or some of these.
        mirror: Double the data by every image's mirror image.
        labels: Train conditionally on the labels of the data.
        tick_kimg: A line of figures and a grid of samples every so often.
        checkpoint_kimg: A checkpoint every so often.
        keep: Checkpoints that stay on the disk.
        workers: Processes that decode images; 0 decodes in threads, which usually suffices.
    """

    data: str
    model: Model = field(default_factory=StyleGAN2)
    batch: int = 32
    kimg: float = 1000.0
    seed: int = 0
    adam: Adam = field(default_factory=Adam)
    ema: Ema = field(default_factory=Ema)
    ada: Ada | None = None
    diffaugment: str = ""
    mirror: bool = False
    labels: bool = False
    tick_kimg: float = 4.0
    checkpoint_kimg: float = 20.0
    keep: int = 3
    workers: int = 0

    def __post_init__(self):
        for name in ("batch", "kimg", "tick_kimg", "checkpoint_kimg", "keep"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, it must be greater than 0.")
        if self.diffaugment and self.ada:
            raise ValueError("Both ada and diffaugment are set; a run has one augmentation. Set ada to None.")
        if self.diffaugment:
            policy(self.diffaugment)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Parts of the run with one resolution and one batch each; a single one if the model does not grow."""
        growth: Growth | None = getattr(self.model, "growth", None)
        if growth is None:
            return (Phase(self.model.resolution, self.batch),)
        return growth.phases(self.model.resolution, self.batch)

    @property
    def steps(self) -> int:
        """Length of the run in steps."""
        last = [phase for phase in self.phases if phase.image < self.kimg * 1000][-1]
        return last.step + math.ceil((self.kimg * 1000 - last.image) / last.batch)

    def phase(self, step: int) -> Phase:
        """Phase that step number `step` (the first is 0) belongs to."""
        return [phase for phase in self.phases if phase.step <= step][-1]

    def seen(self, step: int) -> float:
        """Thousands of images seen after so many steps."""
        phase = self.phase(step)
        return (phase.image + (step - phase.step) * phase.batch) / 1000

    def source(self) -> Any:
        """Open the data set."""
        from jaxgan import data

        return data.source(self.data, labels="auto" if self.labels else "none", channels=self.model.channels)

    def held_out(self) -> Any:
        """Open the data by which a classifier is judged; None if its recipe names none."""
        from jaxgan import data

        word = getattr(self.model, "held_out", "")
        return data.source(part_of(self.data, word), channels=self.model.channels) if word else None

    def trainer(self, load: Callable | None = None) -> Trainer:
        """Make the game. Opens the data set if the run is conditional, to see how wide the labels are.

        Args:
            load: Word to Generator or Network, for the games that take some as they are (`model.frozen`), such as
                `jaxgan.io.frozen`.
        """
        words: Mapping[str, str] = getattr(self.model, "frozen", {})
        ready: dict[str, Any] = {"frozen": {name: load(word) for name, word in words.items()}} if load and words else {}
        classes = 0
        if self.labels:
            source = self.source()
            classes = source.label_size
            if not classes:
                raise ValueError(f"{source.name} has no labels; leave --labels away.")
            if isinstance(self.model, Classifier):
                ready |= {"data": source, "held_out": self.held_out()}
        ada = fixed(self.diffaugment) if self.diffaugment else self.ada
        return self.model.trainer(batch=self.batch, adam=self.adam, ema=self.ema, ada=ada, classes=classes, **ready)

    def batches(self, start: int = 0) -> Iterator[dict[str, np.ndarray]]:
        """Iterate over this process's rows of the batches from step `start` on, the same ones in every run."""
        if len(self.phases) == 1:
            return self._loaded(self.phases[0], start)
        return self._grown(start)

    def reals(self, batch: int) -> Iterator[dict[str, np.ndarray]]:
        """Iterate over this process's rows of batches at full resolution, in the order of the run."""
        return replace(self, workers=0)._loaded(Phase(self.model.resolution, batch), 0)

    def _grown(self, start: int) -> Iterator[dict[str, np.ndarray]]:
        for phase, after in zip(self.phases, [*self.phases[1:], None], strict=True):
            end = None if after is None else after.step
            if end is None or start < end:
                begin = max(start, phase.step)
                yield from islice(self._loaded(phase, begin), None if end is None else end - begin)

    def _loaded(self, phase: Phase, start: int) -> Iterator[dict[str, np.ndarray]]:
        """Iterate over the batches of a phase, as if it had no end."""
        import jax

        from jaxgan import data

        return data.batches(
            self.source(),
            phase.batch,
            self.seed,
            start - phase.step,
            resolution=self.model.resolution,
            mirror=self.mirror,
            workers=self.workers,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            skip=phase.image,
            shrink=self.model.resolution // phase.resolution,
        )


def part_of(data: str, word: str) -> str:
    """Return the word for a part of the same data, "photos.zip:train" and ":validation": "photos.zip:validation"."""
    if not word.startswith(":"):
        return word
    head, _, last = data.rpartition(":")
    whole = not head or last.isdecimal() or Path(data).exists()  # scenes:64 has a size, not a part
    return (data if whole else head) + word


def published(name: str, data: str, resolution: int, devices: int = 1, ada: Ada | None = None) -> Recipe:
    """Make the recipe of a row of StyleGAN2-ADA's table of configurations.

    Args:
        name: "auto", or a name in `models.stylegan2.PRESETS` such as "paper256".
        data: Data set.
        resolution: Side of the images.
        devices: What "auto" chooses the batch by.
        ada: Adaptive augmentation; the published `bgc` with target 0.6 when None. `replace(recipe, ada=None)` has none.

    Source: StyleGAN2-ADA, `train.py`. Different: the four highest resolutions compute in bfloat16, not float16.
    """
    if name != "auto":
        known(name, ("auto", *stylegan2.PRESETS), "preset")
    row = stylegan2.auto(resolution, devices) if name == "auto" else stylegan2.PRESETS[name]
    model = StyleGAN2(
        resolution=resolution,
        mapping_layers=row.mapping_layers,
        channel_base=row.channel_base,
        architecture=row.architecture,
        mbstd=row.mbstd,
        conv_clamp=256.0,
        bf16_resolutions=4,
        mixing=row.mixing,
        r1=R1(gamma=row.gamma),
        path_length=PathLength(weight=row.path_length),
    )
    return Recipe(
        data=data,
        model=model,
        batch=row.batch,
        kimg=row.kimg,
        adam=Adam(lr=row.lr),
        ema=Ema(kimg=row.ema_kimg, ramp=row.ramp),
        ada=ada or Ada(),
        checkpoint_kimg=200.0,
    )


def smoke(recipe: Recipe) -> Recipe:
    """Shrink a recipe to a few seconds of work that go through all its parts: 8 narrow steps at 16 pixels."""
    data = "scenes:16" if recipe.data.split(":")[0] == "scenes" else recipe.data
    return replace(
        recipe,
        data=data,
        model=recipe.model.smoke(),
        batch=8,
        kimg=0.064,
        tick_kimg=0.032,
        checkpoint_kimg=0.032,
        workers=0,
    )


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Args:
        path: A config, that is a Python file which sets `recipe = Recipe(...)`: it is executed, so read it first if it
            is not yours. Or the `recipe.json` of a run's folder, or that folder: data only, nothing is executed.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file holds no recipe.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "recipe.json"
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, 1)
        raise FileNotFoundError(f"There is no recipe {path}.{f' Did you mean {near[0]}?' if near else ''}")
    if path.suffix == ".json":
        try:
            return from_json(json.loads(path.read_text()))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not JSON: {error}.") from error
    if path.suffix != ".py":
        raise ValueError(f"{path} is neither a config (.py) nor a run's recipe (.json).")
    spec = importlib.util.spec_from_file_location(f"jaxgan_config_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # the suffix is .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipe = getattr(module, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{path} sets no `recipe = Recipe(...)`.")
    return recipe


def to_json(value: Any) -> Any:
    """Turn a recipe into what JSON holds; every dataclass says its name under "kind"."""
    if is_dataclass(value):
        return {"kind": type(value).__name__, **{f.name: to_json(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    if isinstance(value, Mapping):
        return {k: to_json(v) for k, v in value.items()}
    return value


def from_json(value: Any, kind: type = Recipe) -> Any:
    """Read a dataclass that `to_json` wrote. Fields that are missing get their defaults; unknown ones are errors.

    Raises:
        ValueError: Names the field and what is allowed there.
    """
    return _read(value, kind, "recipe")


def differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """Name what differs between two recipes, {"adam.lr": (0.002, 0.001)}; a part that one lacks is named as a whole."""

    def compare(a, b, path):
        if not (isinstance(a, Mapping) and isinstance(b, Mapping)):
            return {path: (said(a), said(b))} if a != b else {}
        found = {}
        for name in dict.fromkeys([*a, *b]):
            found |= compare(a.get(name), b.get(name), f"{path}.{name}" if path else name)
        return found

    def said(value):
        return value.get("kind", "set") if isinstance(value, Mapping) else value

    return compare(to_json(one), to_json(other), "")


def _read(value: Any, kind: Any, where: str) -> Any:
    if kind is Any:
        return value
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _read(value, _chosen(value, options, where), where)
    if origin is Literal:
        if value not in options:
            raise ValueError(f"{where} is {value!r}, allowed are {', '.join(map(repr, options))}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} is {value!r}, needed is a list.")
        inner = options[:1] * len(value) if options[1:] == (...,) else options
        if len(inner) != len(value):
            raise ValueError(f"{where} has {len(value)} entries, needed are {len(inner)}.")
        return tuple(_read(v, k, f"{where}[{i}]") for i, (v, k) in enumerate(zip(value, inner)))
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} is {value!r}, needed are the fields of {getattr(kind, '__name__', kind)}.")
        return _dataclass(value, kind, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (int, float, str, bool) and type(value) is not kind:
        raise ValueError(f"{where} is {value!r}, needed is {kind.__name__}.")
    if kind is type(None) and value is not None:
        raise ValueError(f"{where} is {value!r}, needed is null.")
    return value


def _dataclass(value: Mapping, kind: Any, where: str) -> Any:
    said = value.get("kind", kind.__name__)
    if said != kind.__name__:
        raise ValueError(f"{where} is a {said!r}, needed is {kind.__name__}.")
    hints = get_type_hints(kind)
    allowed = [f.name for f in fields(kind)]
    for name in value:
        if name != "kind" and name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            raise ValueError(f"{where} has no field {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
    read = {name: _read(v, hints[name], f"{where}.{name}") for name, v in value.items() if name != "kind"}
    try:
        return kind(**read)
    except TypeError as error:
        raise ValueError(f"{where}: {error}.") from error


def _chosen(value: Any, options: Sequence[Any], where: str) -> Any:
    """The member of a union that a value was written from."""
    if value is None and type(None) in options:
        return type(None)
    some = [option for option in options if option is not type(None)]
    names = ", ".join(getattr(option, "__name__", str(option)) for option in some)
    if isinstance(value, Mapping):
        named = [option for option in some if getattr(option, "__name__", "") == value.get("kind")]
        if named or len(some) == 1:
            return (named or some)[0]
        said = f"is a {value['kind']!r}" if "kind" in value else "does not say its kind"
        raise ValueError(f"{where} {said}, allowed are {names}.")
    if len(some) == 1:
        return some[0]
    fitting = [option for option in some if type(value) is option] or [float] * (isinstance(value, int))
    if not fitting or fitting[0] not in some:
        raise ValueError(f"{where} is {value!r}, which is none of {names}.")
    return fitting[0]
