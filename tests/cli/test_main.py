"""Whatever is wrong with a command is said in one line, with the nearest right word, and exit code 2."""

import pytest

from jaxgan.cli import main as program
from jaxgan.cli.main import VERBS

WRONG = {
    "verb": (["genrate", "x"], "no verb 'genrate'; did you mean 'generate'?"),
    "strange verb": (["frob"], "verbs are train, generate"),
    "option": (["generate", "tiny.safetensors", "--sedes", "3"], "no option --sedes; did you mean '--seeds'?"),
    "strange option": (["generate", "x", "--qqq"], "no option --qqq; see jaxgan generate --help"),
    "number": (["generate", "x", "--psi", "abc"], "--psi takes a number, got 'abc'"),
    "whole number": (["discover", "x", "--k=3.5"], "--k takes a whole number, got '3.5'"),
    "no value": (["generate", "x", "--psi"], "--psi takes a number"),
    "choice": (["generate", "x", "--noise", "konst"], "--noise takes one of const, random, none, got 'konst'"),
    "missing word": (["generate"], "MODEL is missing"),
    "one word too many": (["generate", "a", "b"], "what is 'b' for?"),
    "cutoff alone": (["generate", "x", "--cutoff", "2"], "give --psi too"),
    "seeds": (["generate", "x", "--seeds", "5-1"], "seeds are '5-1'; write them as 0-63"),
    "strengths": (["edit", "x", "--seeds", "1", "--directions", "d", "--by", "1:2"], "from:to:count"),
    "model": (["generate", "nothing.safetensors"], "nothing.safetensors"),
    "bundled name": (["generate", "scenes65"], "no bundled generator of that name"),
    "no images": (["invert", "x"], "IMAGE is missing"),
    "config": (["train", "configs/nothing.py"], "no recipe configs/nothing.py"),
    "config last": (["train", "--batch", "3"], "the config comes first"),
    "suffix": (["convert", "a.pkl", "b.onnx"], "what is written is .safetensors, .pkl, .pt, .pth, .bin"),
    "data": (["info", "nothing"], "no data at 'nothing'"),
    "foreign option": (["discover", "x", "--method", "sefa", "--steps", "3"], "--steps is not for --method sefa"),
    "either or": (["edit", "x", "--directions", "d"], "either --codes or --seeds"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistake_is_answered_in_one_line_with_exit_code_2(case, command):
    words, expected = WRONG[case]
    answer = command(*words)
    assert answer.code == 2
    assert answer.err.startswith("jaxgan: error: ") and answer.err.count("\n") == 1
    assert expected in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_and_every_option_is_explained(verb, command):
    answer = command(verb, "--help")
    assert answer.code == 0
    assert "examples:" in answer.out and f"jaxgan {verb}" in answer.out


def test_bare_command_shows_the_verbs_and_fails(command):
    answer = command()
    assert answer.code == 2
    assert all(verb in answer.out for verb in VERBS)


def test_version_is_that_of_the_package(command):
    import jaxgan

    assert command("--version").out == f"jaxgan {jaxgan.__version__}\n"


def test_debug_shows_where_an_error_comes_from(command):
    with pytest.raises(FileNotFoundError):
        command("generate", "nothing.safetensors", "--debug")


def test_interruption_and_failed_work_have_their_own_exit_codes(command, monkeypatch):
    def failing(error):
        def main(args):
            raise error

        return main

    module = program.importlib.import_module("jaxgan.cli.info")
    monkeypatch.setattr(module, "main", failing(KeyboardInterrupt()))
    assert command("info", "x").code == 130
    monkeypatch.setattr(module, "main", failing(RuntimeError("the loss\nis NaN")))
    answer = command("info", "x")
    assert answer.code == 1
    assert answer.err == "jaxgan: error: the loss is NaN\n"
