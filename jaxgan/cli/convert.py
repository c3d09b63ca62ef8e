"""jaxgan convert: read a model file and write it in the library's own format or in NVIDIA's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import words

HELP = """Read a model, NVIDIA's .pkl or an own file, and write it as .safetensors or as NVIDIA's .pkl.

Nothing that a file contains is executed.

examples:
  jaxgan convert network.pkl network.safetensors
  jaxgan convert network.pkl discriminator.safetensors --part D
  jaxgan convert generator.safetensors network.pkl --discriminator discriminator.safetensors"""


@dataclass(frozen=True)
class Options:
    source: Annotated[str, Positional, arg(metavar="IN", help="A file, or the name of a bundled generator.")]
    out: Annotated[Path, Positional, arg(metavar="OUT", help="File to write, .safetensors or .pkl.")]
    part: Annotated[Literal["G_ema", "G", "D"] | None, arg(help="Part to take; G_ema if None.")] = None
    discriminator: Annotated[
        Path | None, arg(metavar="FILE", help="Goes into a .pkl beside the generator; NVIDIA's programs want one.")
    ] = None
    overwrite: Annotated[bool, arg(help="Replace OUT if it exists.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan convert", HELP)
    if options.out.suffix not in (".safetensors", ".pkl"):
        raise words.Mistake(f"OUT is {options.out}; what is written is .safetensors or .pkl")
    if options.discriminator and options.out.suffix != ".pkl":
        raise words.Mistake("--discriminator belongs to a .pkl; write a second .safetensors with --part D")
    words.unwritten([options.out], options.overwrite)

    from jaxgan import io

    thing = io.load(options.source, options.part)
    if options.out.suffix == ".pkl":
        io.to_nvidia(thing, io.load(options.discriminator, "D") if options.discriminator else None, options.out)
    else:
        io.save(thing, options.out, {"source": Path(options.source).name, "part": options.part or "G_ema"})
    words.say(f"{options.out}, {options.out.stat().st_size / 2**20:.1f} MiB")
