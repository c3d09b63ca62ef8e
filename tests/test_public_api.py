"""Every public name says what it does, and the calls that the README promises exist with their arguments."""

import importlib
import inspect
import pkgutil

import pytest

import jaxgan as jg

# The parameters that users call by name; a change here breaks their code.
SIGNATURES = {
    "load": ["path", "part"],
    "save": ["thing", "path", "meta"],
    "generate": ["g", "code", "key", "cond", "psi", "cutoff", "noise", "patches"],
    "invert": ["g", "images", "how", "key", "start"],
    "discover": ["g", "finder", "key", "k"],
    "dissect": ["g", "segmenter", "key", "tap", "samples", "how"],
    "edit": ["g", "code", "how", "bounds"],
    "evaluate": [
        *("g", "data", "key", "metrics", "features", "images", "reals", "batch", "psi", "noise", "distance", "crop"),
        *("mirror", "bootstrap", "cache", "devices", "tick"),
    ],
    "train": ["recipe", "folder", "resume", "devices", "figure", "samples"],
    "Code": ["value", "space", "cond", "noise", "features"],
    "Generator.__call__": ["self", "code", "psi", "cutoff", "noise", "key", "patches"],
    "Generator.to": ["self", "code", "space", "psi", "cutoff"],
    "Generator.sample": ["self", "key", "n", "cond"],
    "inversion.chain": ["inverters"],
    "inversion.encode": ["network", "space", "objective"],
    "inversion.tune": [
        *("objective", "optimizer", "steps", "each", "trainable", "freeze", "rank", "until", "locality", "alpha"),
        *("unit", "progress"),
    ],
    "editing.chain": ["edits"],
    "editing.sweep": ["edit_fn", "values"],
    "editing.move": ["directions", "by", "layers", "relative"],
    "editing.mix": ["other", "layers"],
    "editing.truncate": ["psi", "cutoff"],
    "editing.morph": ["other", "t", "space"],
    "editing.transfer": ["source", "target", "by", "space"],
    "editing.swap": ["g", "other", "layers", "by"],
    "editing.blend": ["masks", "taps"],
    "editing.attribute": ["mask", "taps", "share", "by_rows"],
    "editing.widen": ["width", "height", "mode", "at"],
    "editing.panorama": ["ramp", "window"],
    "training.parallel": ["step", "devices"],
}

# Names that must be there; the first arguments are part of the promise.
PROMISED = {
    "inversion.refine": ["objective", "optimizer", "steps", "space"],
    "directions.pca": ["space", "samples"],
    "directions.sefa": ["layers"],
    "directions.hessian": ["steps"],
    "directions.hessian_penalty": ["fn", "z", "key"],
    "losses.pixel": [],
    "losses.perceptual": [],
    "losses.lpips": ["network"],
    "losses.near_mean_w": [],
    "io.load_inception": ["weights", "resize"],
    "metrics.mse": ["a", "b"],
    "metrics.psnr": ["a", "b"],
    "metrics.ssim": ["a", "b"],
    "data.source": ["spec"],
    "data.batches": ["source", "batch", "seed", "start"],
    "io.read_images": ["source", "resolution"],
    "io.save_grid": ["path", "images"],
    "io.save_video": ["path", "frames"],
    "training.load_recipe": ["path"],
}


def reach(path: str):
    value = jg
    for name in path.split("."):
        value = getattr(value, name)
    return value


MODULES = [info.name for info in pkgutil.walk_packages(jg.__path__, "jaxgan.")]


@pytest.mark.parametrize("path", SIGNATURES)
def test_signature_is_kept(path):
    assert list(inspect.signature(reach(path)).parameters) == SIGNATURES[path]


@pytest.mark.parametrize("path", PROMISED)
def test_promised_name_starts_with_its_arguments(path):
    names = list(inspect.signature(reach(path)).parameters)
    assert names[: len(PROMISED[path])] == PROMISED[path]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module):
    package = importlib.import_module(module)
    assert package.__doc__ or not vars(package).get("__all__"), f"{module} says nothing"
    for name in getattr(package, "__all__", ()):
        thing = getattr(package, name)
        if inspect.isroutine(thing) or inspect.isclass(thing):
            assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("verb", ["discover", "edit", "evaluate", "generate", "invert", "load", "save", "train"])
def test_verb_explains_its_arguments(verb):
    function = getattr(jg, verb)
    for name in inspect.signature(function).parameters:
        assert name in function.__doc__.partition("Args:")[2], f"{verb} does not explain {name}"


def test_all_lists_what_can_be_reached():
    for name in jg.__all__:
        assert getattr(jg, name) is not None
    assert set(jg.__all__) <= set(dir(jg))
    assert jg.__version__


def test_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(AttributeError, match="no 'genrate'"):
        _ = jg.genrate


def test_functions_are_not_named_get_build_or_make():
    wrong = []
    for module in MODULES:
        own = [f for f in vars(importlib.import_module(module)).values() if inspect.isfunction(f)]
        names = [f.__name__ for f in own if f.__module__ == module]
        wrong += [f"{module}.{name}" for name in names if name.startswith(("get_", "build_", "make_"))]
    assert not wrong
