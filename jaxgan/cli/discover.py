"""jaxgan discover: find directions of a latent space."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, scorers, words

# What each method can be told, the most important first.
METHODS = {
    "pca": ("space", "samples", "tap"),
    "sefa": ("layers", "samples"),
    "hessian": ("space", "tap", "steps"),
    "jacobian": ("space", "tap", "samples"),
    "resefa": ("box", "space", "tap", "samples"),
    "lowrankgan": ("box", "space", "tap", "samples"),
    "local": ("space",),
    "native": ("samples",),
    "latentclr": ("space", "tap", "steps"),
    "voynov": ("space", "steps"),
    "warped": ("space", "steps"),
    "boundary": ("scorer", "attribute", "given", "space", "samples", "layers", "extremes", "loss", "codes"),
    "stylespace": ("scorer", "attribute", "examples", "samples", "extremes", "codes"),
    "text": ("text", "clip", "vocabulary", "neutral", "beta", "images", "effects", "layers", "samples"),
}
SCORED = ("boundary", "stylespace")
REGIONAL = {"resefa": "rayleigh", "lowrankgan": "lowrank"}  # and what `directions.jacobian` calls them
LEARNED = {"hessian": "hessian", "latentclr": "latentclr", "voynov": "reconstruct", "warped": "warped"}
COUNT = 10

HELP = """Find directions of a latent space, and draw what they do: one row of the picture for each direction.

pca (GANSpace): where the population varies most. sefa: what the first layers amplify most, in closed form.
hessian (Hessian Penalty): axes that do not interact. jacobian: what changes the images most.
resefa, lowrankgan: what changes --box and little else. local (Local Basis): where w lies around the code of --seed.
latentclr, voynov, warped (WarpedGANSpace): learned in --steps, so that what they do can be told apart.
native: what the family has learned itself (EigenGAN).
boundary (InterFaceGAN): across the border between codes that score high and low, one direction for each score.
stylespace: single channels of s by which codes of an attribute differ; they bear large strengths, --by -15:15:7.
text (StyleCLIP): channels of s that change what a text asks for.

Scorers: pixels, or some of colour, brightness, hue, edges, symmetry, size, centroid; factors, which reads the factors
of rendered scenes; a classifier's file: .safetensors that was trained here, face-api's manifest, LeNet's .pth; or a
table of labels, .csv with a line of names, of the codes in --codes.

examples:
  jaxgan discover scenes64 --method pca --k 10 --out pca.safetensors
  jaxgan discover scenes64 --method sefa --layers 0-3 --report sefa.html
  jaxgan discover scenes64 --method resefa --box 0.25,0.25,0.75,0.75 --samples 16
  jaxgan discover scenes64 --method latentclr --steps 1000
  jaxgan discover scenes64 --method boundary --scorer factors --samples 4000
  jaxgan discover network.pkl --method boundary --scorer labels.csv --codes inverted/codes.safetensors
  jaxgan discover network.pkl --method boundary --scorer smile.safetensors --given "faces.safetensors#glasses,age"
  jaxgan discover scenes64 --method stylespace --scorer size --attribute size
  jaxgan discover network.pkl --method text --clip ViT-B-32.pt --text "a red coat" --neutral "a coat"
  jaxgan discover network.pkl --method hessian --steps 2000 --by -2:2:9"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    method: Annotated[
        Literal[
            "pca",
            "sefa",
            "hessian",
            "jacobian",
            "resefa",
            "lowrankgan",
            "local",
            "native",
            "latentclr",
            "voynov",
            "warped",
            "boundary",
            "stylespace",
            "text",
        ],
        arg(metavar="METHOD", help="How to search."),
    ] = "pca"
    k: Annotated[int | None, arg(metavar="INT", help="Directions: 10 if None; all scores, all texts.")] = None
    space: Annotated[str | None, arg(metavar="SPACE", help="Space of the directions; w where there is one.")] = None
    samples: Annotated[int | None, arg(metavar="INT", help="Codes that are looked at.")] = None
    layers: Annotated[str | None, arg(metavar="0-3,7", help="Layers that count and move.")] = None
    tap: Annotated[str | None, arg(metavar="TAP", help="Activation that is looked at; see jaxgan info MODEL.")] = None
    steps: Annotated[int | None, arg(metavar="INT", help="Steps of learning.")] = None
    box: Annotated[str | None, arg(metavar="T,L,B,R", help="Region: top, left, bottom, right in sides.")] = None
    scorer: Annotated[str | None, arg(metavar="WORD|FILE", help="What is read from images; pixels if None.")] = None
    attribute: Annotated[str | None, arg(metavar="NAME,NAME", help="Which scores; all if None (boundary).")] = None
    given: Annotated[
        tuple[str, ...], arg(metavar="FILE[#NAMES]", help="Directions to hold still (a conditional boundary).")
    ] = ()
    codes: Annotated[Path | None, arg(metavar="FILE", help="Codes to score instead of drawn ones.")] = None
    examples: Annotated[Path | None, arg(metavar="FILE", help="Codes that have the attribute, no scorer.")] = None
    extremes: Annotated[float | None, arg(metavar="0.02", help="Share of the codes at each end, or how many.")] = None
    loss: Annotated[
        Literal["logistic", "hinge2", "mean", "ridge"] | None, arg(metavar="LOSS", help="How a boundary is fitted.")
    ] = None
    text: Annotated[tuple[str, ...], arg(metavar="TEXT ...", help="What shall be seen; a direction for each.")] = ()
    neutral: Annotated[str | None, arg(metavar="TEXT", help="What it is without: a picture, if None.")] = None
    clip: Annotated[Path | None, arg(metavar="FILE", help="CLIP's weights: OpenAI's or Hugging Face's.")] = None
    vocabulary: Annotated[Path | None, arg(metavar="FILE", help="bpe_simple_vocab_16e6.txt.gz or merges.txt.")] = None
    beta: Annotated[float | None, arg(metavar="0.12", help="Least relevance of a channel (text).")] = None
    images: Annotated[int | None, arg(metavar="INT", help="Pictures that each channel is tried on (text).")] = None
    effects: Annotated[
        Path | None, arg(metavar="FILE", help="Where effects of channels are kept: read if there, else written.")
    ] = None
    seed: Annotated[int, arg(help="Fixes every draw, and the code of the picture.")] = 0
    by: Annotated[str, arg(metavar="-3:3:7", help="Strengths of the picture, in standard deviations.")] = "-3:3:7"
    psi: Annotated[float, arg(help="Truncation of the picture's code.")] = 0.7
    report: Annotated[
        Path | None, arg(metavar="FILE.html", help="Judge the directions on a page too; see jaxgan report --help.")
    ] = None
    out: Annotated[Path | None, arg(metavar="FILE", help="METHOD.safetensors if None; the picture lies beside.")] = None
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan discover", HELP)
    given = checked(options)
    by = words.steps(options.by)
    out = options.out or Path(f"{options.method}.safetensors")
    if out.suffix != ".safetensors":
        raise words.Mistake(f"--out is {out}; directions are written as .safetensors")
    picture = out.with_suffix(".png")
    written = [out, picture]
    if options.report is not None:
        from jaxgan.cli import report

        written += report.files(options.report)
    words.unwritten(written, options.overwrite)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, io
    from jaxgan.editing import move, sweep
    from jaxgan.editing.truncate import truncated
    from jaxgan.latents.walks import seeded

    g = models.generator(options.model)
    whole, scorer = scored(options, g) if options.method in SCORED else (None, None)
    with words.bar() as tick:
        k, how = finder(options, given, g, scorer, tick)
        found = api.discover(g, how, jax.random.key(options.seed), k)
    command = " ".join(["jaxgan discover", *args])
    io.save(found, out, {"model": options.model, "command": command})
    code, psi = truncated(g, seeded(g, [options.seed]), found.space, options.psi)
    strengths = jnp.array(by)
    rows = [
        np.stack(list(models.drawn(g, sweep(lambda s, d=d: move(d, s), strengths)(g, code), psi=psi)))
        for d in each(found)
    ]
    io.save_grid(picture, np.concatenate(rows), len(by))
    merit = merits(found)
    wide = max(12, *(len(name) + 2 for name in found.names))
    for i, (name, scale) in enumerate(zip(found.names, np.asarray(found.scales), strict=True)):
        words.say(f"{name:<{wide}}standard deviation {scale:.4g}{merit[i]}")
    words.say(f"{len(found)} directions of {found.space!r} in {out}, {picture}")
    if options.report is not None:
        from jaxgan.cli import report

        report.write(g, {options.method: found}, options.report, options.model, command, whole, options.seed)


def checked(options: Options) -> dict[str, Any]:
    """Return the options of the method that are given, or raise Mistake where they cannot be meant together."""
    given = {name: getattr(options, name) for names in METHODS.values() for name in names}
    given = {name: value for name, value in given.items() if value not in (None, ())}
    method = options.method
    wrong = [name for name in given if name not in METHODS[method]]
    if wrong:
        takes = ", ".join(f"--{name}" for name in METHODS[method])
        raise words.Mistake(f"--{wrong[0]} is not for --method {method}, which takes {takes}")
    if "layers" in given:
        given["layers"] = words.numbers(given["layers"], "layers")
    if method in REGIONAL and "box" not in given:
        raise words.Mistake(f"--method {method} compares a region with the rest: give --box 0.25,0.25,0.75,0.75")
    if method == "text":
        needed = [name for name in ("text", "clip") if name not in given]
        if needed:
            raise words.Mistake(f"--method text needs --text and --clip; --{needed[0]} is missing")
    if method == "stylespace" and "examples" in given and len({"scorer", "attribute", "codes"} & set(given)):
        raise words.Mistake("--examples stand instead of --scorer, --attribute and --codes")
    if method == "stylespace" and "examples" not in given and "attribute" not in given:
        raise words.Mistake("--method stylespace needs --attribute NAME, a score of the scorer, or --examples FILE")
    if "scorer" in given:
        labels = scorers.checked(given["scorer"], also=(".csv",))
        tables = [part for part in labels if part.endswith(".csv")]
        if tables and (len(labels) > 1 or "codes" not in given):
            raise words.Mistake(f"{tables[0]} labels codes: give --codes FILE, and no other scorer")
    for name in ("clip", "vocabulary", "codes", "examples"):
        if name in given and not given[name].exists():
            raise words.Mistake(f"--{name} {given[name]}: there is no such file")
    return given


def scored(options: Options, g) -> tuple[scorers.Chosen | None, Any]:
    """Return the scorers that the command names, and what it chooses of them: scores, or labels from a table."""
    if options.examples is not None:
        return None, None
    whole = None
    if (options.scorer or "").endswith(".csv"):
        from jaxgan.features.attributes import labels

        scorer = labels(str(options.scorer))
    else:
        whole = scorers.chosen(options.scorer or "pixels", g)
        scorer = whole.scorer
    if options.attribute is None:
        return whole, scorer
    names = [name.strip() for name in options.attribute.split(",")]
    if options.method == "stylespace" and len(names) > 1:
        raise words.Mistake(f"--attribute names {len(names)} scores; stylespace looks for one attribute at a time")
    return whole, scorers.picked(scorer, names)


def finder(options: Options, given: dict[str, Any], g, scorer, tick) -> tuple[int, Any]:
    """Return how many directions are asked for, and the finder."""
    from jaxgan import directions, io
    from jaxgan.latents.walks import seeded

    method, given = options.method, dict(given)
    if method in REGIONAL:
        given["region"] = models.box(given.pop("box"), g.resolution)
        return options.k or COUNT, directions.jacobian(method=REGIONAL[method], **given)
    if method in LEARNED:
        learn = getattr(directions, LEARNED[method])
        if tick is not None:
            steps = given.get("steps") or inspect.signature(learn).parameters["steps"].default
            given["progress"] = lambda done, loss: tick("learning", done, steps)
        return options.k or COUNT, learn(**given)
    if method == "local":
        return options.k or COUNT, directions.local_basis(seeded(g, [options.seed]), **given)
    if method not in (*SCORED, "text"):
        return options.k or COUNT, getattr(directions, method)(**given)
    for name in ("codes", "examples"):
        if name in given:
            given[name] = models.codes(given[name], g).code
    if method == "text":
        clip = io.load_clip(given.pop("clip"), given.pop("vocabulary", None))
        asked, kept = given.pop("text"), given.pop("effects", None)
        asks = {name: given.pop(name) for name in ("neutral", "beta") if name in given}
        if kept is not None:
            given = {"effects": effects(g, clip, kept, given, options.seed, tick)}
        elif tick is not None:
            given["progress"] = lambda done, total: tick("channels", done, total)
        return options.k or len(asked), directions.text(clip, asked, **asks, **given)
    for name in ("scorer", "attribute"):
        given.pop(name, None)
    if method == "stylespace":
        return options.k or COUNT, directions.stylespace(scorer, **given)
    if "given" in given:
        given["given"] = held(given["given"], g)
    return options.k or len(scorer.names), directions.boundary(scorer, **given)


def effects(g, clip, path: Path, given: dict[str, Any], seed: int, tick):
    """Load what the channels do to CLIP's embedding, or measure and keep it."""
    import jax

    from jaxgan import directions, io

    if path.exists():
        if given:
            raise words.Mistake(f"{path} is measured already; leave --{next(iter(given))} away, or name another file")
        return io.load_effects(path)
    progress = None if tick is None else lambda done, total: tick("channels", done, total)
    found = directions.channel_effects(g, clip, jax.random.key(seed), progress=progress, **given)
    io.save_effects(found, path)
    return found


def held(items: Sequence[str], g) -> Any:
    """Return the directions that `FILE`, `FILE#name,name` or `FILE#0,3` name, together."""
    from jaxgan.core import Directions

    parts = []
    for item in items:
        path, _, chosen = item.partition("#")
        found = models.loaded(path, Directions, "directions")
        models.same_generator(g, found)
        places = []
        for word in filter(None, chosen.split(",")):
            if word not in found.names and not (word.isdigit() and int(word) < len(found)):
                said = words.near(word, found.names) or f"; there are {', '.join(found.names)}"
                raise words.Mistake(f"{path} has no direction {word!r}{said}")
            places.append(found.names.index(word) if word in found.names else int(word))
        parts.append((found[places] if places else found).replace(layers=None))
    return Directions.join(*parts)


def merits(found) -> list[str]:
    """Say of each direction what its finder measured."""
    meta = dict(found.meta)
    if "accuracy" in meta:
        return [f"   {value:.0%} of held-out extremes on their side" for value in meta["accuracy"]]
    if "theta" in meta:
        return [f"   theta {value:.3g}" for value in meta["theta"]]
    if meta.get("method") == "text":
        return [f"   {count} channels" for count in meta["channels"]]
    return [""] * len(found)


def each(found):
    """Return directions one by one."""
    return [found[i] for i in range(len(found))]
