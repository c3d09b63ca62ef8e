"""jaxgan convert: read a model file and write it in the library's own format or in another program's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from jaxgan.cli import words

HELP = """Read a model of any known format and write it as .safetensors, or as other programs read it.

OUT is .safetensors (the library's own), .pkl (NVIDIA's) or .pt (rosinality's). A file of another program gets all the
networks that IN holds. Nothing that a file contains is executed.

examples:
  jaxgan convert network.pkl network.safetensors
  jaxgan convert network.pkl network.pt
  jaxgan convert network.pkl discriminator.safetensors --part D
  jaxgan convert generator.safetensors network.pkl --discriminator discriminator.safetensors"""


@dataclass(frozen=True)
class Options:
    source: Annotated[str, Positional, arg(metavar="IN", help="A file, or the name of a bundled generator.")]
    out: Annotated[Path, Positional, arg(metavar="OUT", help="File to write, .safetensors, .pkl or .pt.")]
    part: Annotated[str | None, arg(help="Part to take, such as G or D; G_ema if None.")] = None
    discriminator: Annotated[
        Path | None, arg(metavar="FILE", help="Goes into a .pkl or .pt beside the generator, in place of IN's.")
    ] = None
    overwrite: Annotated[bool, arg(help="Replace OUT if it exists.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan convert", HELP)
    foreign = (".pkl", ".pt")
    if options.out.suffix not in (".safetensors", *foreign):
        raise words.Mistake(f"OUT is {options.out}; what is written is .safetensors, {' or '.join(foreign)}")
    if options.discriminator and options.out.suffix not in foreign:
        raise words.Mistake("--discriminator belongs to a .pkl or .pt; write a second .safetensors with --part D")
    words.unwritten([options.out], options.overwrite)

    from jaxgan import io

    if options.out.suffix in foreign:
        parts = io.load_parts(options.source) if options.part is None else {}
        generator = parts.get("G_ema") or parts.get("G") or io.load(options.source, options.part)
        critic = io.load(options.discriminator, "D") if options.discriminator else parts.get("D")
        io.export(generator, options.out, critic, parts.get("G"))
    else:
        thing = io.load(options.source, options.part)
        io.save(thing, options.out, {"source": Path(options.source).name, "part": options.part or "G_ema"})
    words.say(f"{options.out}, {options.out.stat().st_size / 2**20:.1f} MiB")
