"""The program `jaxgan`: finds the verb, and answers a mistake in one line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from jaxgan.cli.words import Mistake, near

VERBS = {
    "train": "train a GAN by a config; the same command continues a run that was stopped",
    "generate": "draw images from seeds, grids and interpolation films",
    "invert": "find the codes that draw given images",
    "compare": "run several inverters on the same images, as one web page",
    "restore": "fill holes, enlarge, colour or denoise pictures",
    "discover": "find directions of a latent space",
    "report": "judge directions: what each changes, how purely and how surely, as one web page",
    "dissect": "find what single units of a generator stand for",
    "edit": "move codes along directions and draw the results",
    "combine": "make one picture from several, or a wider one: morphs, blends, panoramas, layer swaps",
    "evaluate": "take figures of a generator: FID, KID, precision and recall, path length and others",
    "convert": "turn a foreign model file into the library's own format, or take one part of it",
    "info": "tell what a model, a file of codes or directions, a run or a data set is",
    "demo": "invert, discover and edit with the bundled generator, as one web page",
}

HELP = """usage: jaxgan VERB ...

Train GANs, invert images into them, discover what their latent directions mean, and edit.

{verbs}

examples:
  jaxgan generate scenes64 --seeds 0-63 --grid
  jaxgan train configs/stylegan2_scenes64.py --data photos.zip --folder runs/photos
  jaxgan invert scenes64 picture.png --out inverted
  jaxgan evaluate scenes64 --data scenes
  jaxgan VERB --help

A model is a file (.safetensors or NVIDIA's .pkl) or the name of a bundled generator.
Existing files are kept: a verb that would replace one stops before it computes, unless told --overwrite.
Every verb takes --debug, which shows where an error comes from. Exit codes: 0 done, 1 the work failed,
2 the command or a file is wrong, 130 interrupted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code.

    Args:
        argv: Words after the program's name; the process's own when None.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP.format(verbs="\n".join(f"  {verb:<10}{what}" for verb, what in VERBS.items())))
        return 0 if words else 2
    if words[0] in ("--version", "version"):
        import jaxgan

        print(f"jaxgan {jaxgan.__version__}")
        return 0
    verb, *rest = words
    try:
        if verb not in VERBS:
            known = f"; verbs are {', '.join(VERBS)}"
            raise Mistake(f"there is no verb {verb!r}{near(verb, VERBS) or known}")
        module = importlib.import_module(f"jaxgan.cli.{verb}")
        return module.main(rest) or 0
    except SystemExit as end:  # --help
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        print("jaxgan: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone
        sys.stderr.close()
        return 1
    except (ValueError, KeyError, IndexError, OSError, ImportError, RuntimeError) as error:
        if debug:
            raise
        # str() of a KeyError is the repr of its message.
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"jaxgan: error: {one_line(text)}", file=sys.stderr)
        return 1 if isinstance(error, RuntimeError) else 2


def one_line(error: object) -> str:
    """Put a message into one line of reasonable length."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 600 else line[:600] + " ..."


if __name__ == "__main__":
    sys.exit(main())
