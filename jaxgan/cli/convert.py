"""jaxgan convert: read a model file and write it in the library's own format or in another program's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from jaxgan.cli import words

HELP = """Read a model of any known format and write it as .safetensors, or as other programs read it.

OUT is .safetensors (the library's own), .pkl (NVIDIA's StyleGAN), .pt (rosinality's StyleGAN2), .pth or .bin (BigGAN).
A .pkl or .pt gets all the networks that IN holds, other files one. Nothing that a file contains is executed.

examples:
  jaxgan convert network.pkl network.safetensors
  jaxgan convert network.pkl network.pt
  jaxgan convert biggan-deep-128.bin G_ema.pth
  jaxgan convert network.pkl discriminator.safetensors --part D
  jaxgan convert generator.safetensors network.pkl --discriminator discriminator.safetensors"""

WHOLE = (".pkl", ".pt")  # what holds all networks of a training
SUFFIXES = (".safetensors", *WHOLE, ".pth", ".bin")


@dataclass(frozen=True)
class Options:
    source: Annotated[str, Positional, arg(metavar="IN", help="A file, or the name of a bundled generator.")]
    out: Annotated[Path, Positional, arg(metavar="OUT", help="File to write; the suffix chooses the layout.")]
    part: Annotated[str | None, arg(help="Part to take, such as G or D; G_ema if None.")] = None
    discriminator: Annotated[
        Path | None, arg(metavar="FILE", help="Goes into a .pkl or .pt beside the generator, in place of IN's.")
    ] = None
    overwrite: Annotated[bool, arg(help="Replace OUT if it exists.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan convert", HELP)
    suffix = options.out.suffix
    if suffix not in SUFFIXES:
        raise words.Mistake(f"OUT is {options.out}; what is written is {', '.join(SUFFIXES)}")
    if options.discriminator and suffix not in WHOLE:
        raise words.Mistake(f"--discriminator belongs to a .pkl or .pt; write a second {suffix} with --part D")
    words.unwritten([options.out], options.overwrite)

    from jaxgan import io

    if suffix in WHOLE:
        parts = io.load_parts(options.source) if options.part is None else {}
        generator = parts.get("G_ema") or parts.get("G") or io.load(options.source, options.part)
        critic = io.load(options.discriminator, "D") if options.discriminator else parts.get("D")
        io.export(generator, options.out, critic, parts.get("G"))
    elif suffix != ".safetensors":
        io.export(io.load(options.source, options.part), options.out)
    else:
        thing = io.load(options.source, options.part)
        io.save(thing, options.out, {"source": Path(options.source).name, "part": options.part or "G_ema"})
    words.say(f"{options.out}, {options.out.stat().st_size / 2**20:.1f} MiB")
