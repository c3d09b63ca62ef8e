"""The words of a command: options by name with the nearest right one, ranges, classes, files to write."""

from __future__ import annotations

import difflib
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

HELP = ("-h", "--help")


class Mistake(ValueError):
    """Something in the command that cannot be meant."""


def near(word: str, allowed: Iterable[str]) -> str:
    """Say `; did you mean 'x'?` if an allowed word is near, else nothing.

    Of a dotted word such as `adam.lr` the last part alone is near too.
    """
    allowed = list(allowed)
    last = lambda name: name.rpartition(".")[2].lstrip("-")
    close = [name for name in allowed if last(name) == last(word)] or difflib.get_close_matches(word, allowed, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def read(kind: type[T], words: Sequence[str], prog: str, description: str, default: T | None = None) -> T:
    """Read a command's words into a dataclass: fields are options, those marked `Positional` are words.

    Args:
        kind: The dataclass.
        words: The words after the verb.
        prog: What help and messages call the command.
        description: Help text above the options, with examples.
        default: Values of fields that the words leave out; the dataclass's own if None.

    Raises:
        Mistake: Names the word that is wrong and the nearest right one.
        SystemExit: After `--help`.
    """
    import tyro

    if any(word in HELP for word in words):
        words = ["--help"]  # alone: positional words that are already given would be left out of the help
    else:
        check_options(kind, words, prog, default)
    config = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
    more: Any = {} if default is None else {"default": default}
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            value, rest = tyro.cli(
                kind,
                args=list(words),
                prog=prog,
                description=description,
                config=config,
                return_unknown_args=True,
                **more,
            )
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise Mistake(plainly(said.getvalue(), words, options(kind, default), prog)) from None
    if rest:
        raise Mistake(f"what is {rest[0]!r} for? See {prog} --help")
    return value


def check_options(kind: type, words: Sequence[str], prog: str, default: Any = None, also: Iterable[str] = ()) -> None:
    """Raise Mistake at the first option that neither the dataclass has nor `also` names."""
    allowed = [*HELP, *options(kind, default), *also]
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0].replace("_", "-")
        if re.match(r"-{1,2}[A-Za-z]", word) and name not in allowed:
            raise Mistake(f"there is no option {name}{near(name, allowed[len(HELP) :]) or f'; see {prog} --help'}")


def options(kind: type, default: Any = None, prefix: str = "") -> dict[str, Any]:
    """Return the options of a dataclass with their types, `--adam.lr` for the fields of its fields."""
    hints, found = get_type_hints(kind, include_extras=True), {}
    for field in fields(kind):
        hint, name = hints[field.name], field.name
        if get_origin(hint) is Annotated:
            hint, *marks = get_args(hint)
            if any("Positional" in repr(mark) for mark in marks):
                continue
            name = next((mark.name for mark in marks if getattr(mark, "name", None)), name)
        value = getattr(default, field.name, None)
        inner = type(value) if is_dataclass(value) else hint
        if isinstance(inner, type) and is_dataclass(inner):
            found |= options(inner, value, f"{prefix}{name}.")
        else:
            off = "no-" if hint is bool and (value is True or (default is None and field.default is True)) else ""
            found[f"--{prefix}{off}{name}".replace("_", "-")] = hint
    return found


def plainly(box: str, words: Sequence[str], allowed: dict[str, Any], prog: str) -> str:
    """Turn tyro's message of several lines in a box, drawn in Unicode or ASCII, into one line."""
    lines = [line.strip("│ ") for line in box.splitlines()]
    rules = [i for i, line in enumerate(lines) if line and set(line) <= set("─-")] + [len(lines)]
    framed = box.lstrip().startswith("╭")  # else the title is a paragraph of its own
    first, end = (1, rules[0]) if framed else (rules[0] + 1, [*rules, len(lines)][1])
    text = " ".join(line for line in lines[first:end] if line and not line.startswith("╰"))
    text = re.sub(r"^Error parsing \w+: ", "", text)
    missing = re.match(r"Missing from .*?: (\S+) (.*?) \(required\)", text)
    if missing:
        what = re.sub("^[A-Z]{2,} ", "", missing[2]).rstrip(".").lower()
        return f"{missing[1]} is missing: {what}; see {prog} --help"
    option = next((name for name in allowed if re.search(rf"{re.escape(name)}\b(?![.-])", text)), None)
    if option is None:
        return text or f"the command is not understood; see {prog} --help"
    at = next((i for i, word in enumerate(words) if word.partition("=")[0].replace("_", "-") == option), None)
    got = "".join(words[at].partition("=")[2:]) or " ".join(words[at + 1 : at + 2]) if at is not None else ""
    return (
        f"{option} takes {kind_of(allowed[option])}, got {got!r}"
        if got
        else f"{option} takes {kind_of(allowed[option])}"
    )


def kind_of(hint: Any) -> str:
    """Say what an option takes."""
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    inner = [kind_of(option) for option in get_args(hint) if option is not type(None)]
    names = {int: "a whole number", float: "a number", str: "a word", Path: "a path", bool: "True or False"}
    return names.get(hint) or " or ".join(inner) or getattr(hint, "__name__", str(hint))


def numbers(words: str, what: str = "numbers") -> list[int]:
    """Read `0-3,7` as [0, 1, 2, 3, 7].

    Raises:
        Mistake: It is no such list.
    """
    found: list[int] = []
    for part in words.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        if not match or (match[2] and int(match[2]) < int(match[1])):
            raise Mistake(f"{what} are {words!r}; write them as 0-63 or 1,5,9 or 0-3,7")
        low, high = int(match[1]), int(match[2] or match[1])
        if high - low > 10_000_000:
            raise Mistake(f"{what} are {words!r}; that is more than ten million")
        found += range(low, high + 1)
    return found


def steps(words: str, what: str = "strengths") -> list[float]:
    """Read `-3:3:7` as 7 numbers from -3 to 3, and `-2,0,2` or `1.5` as they stand.

    Raises:
        Mistake: It is neither.
    """
    try:
        if ":" in words:
            low, high, count = words.split(":")
            n = int(count)
            if not 1 < n <= 10_000:
                raise ValueError
            return [float(low) + (float(high) - float(low)) * i / (n - 1) for i in range(n)]
        return [float(word) for word in words.split(",")]
    except ValueError:
        raise Mistake(f"{what} are {words!r}; write them as -3:3:7 (from:to:count), as -2,0,2 or as 1.5") from None


def unwritten(paths: Iterable[Path], overwrite: bool) -> None:
    """Raise Mistake if a file that shall be written exists and may not be replaced."""
    there = [] if overwrite else [path for path in paths if path.exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise Mistake(f"{there[0]}{more} exists already; choose another --out, or replace it with --overwrite")


def say(line: str) -> None:
    """Show a line of results."""
    print(line, flush=True)


def note(line: str) -> None:
    """Show a line beside the results."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give what shows how much is done, `tick(what, done, total)`; None where there is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def tick(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        yield tick
