import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxgan.training.checkpoint import Checkpoints
from jaxgan.training.loop import agreed, interrupts, run, steps_of
from jaxgan.training.shelf import claimed, named, sampled
from tests.training import toy
from tests.training.test_checkpoint import assert_identical
from tests.training.toy import FILES, ToyRecipe

ONE = jax.devices()[:1]
SHORT = ToyRecipe(kimg=0.16)


def trained(recipe, folder, **options):
    stream = io.StringIO()
    outcome = run(recipe, folder, FILES, devices=ONE, samples=4, stream=stream, **options)
    return outcome, stream.getvalue()


def journal(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of 20 steps that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    outcome, text = trained(ToyRecipe(), folder)
    return folder, outcome, text


def test_a_run_leaves_everything_in_its_folder(whole):
    folder, outcome, _ = whole
    assert outcome.finished and outcome.step == 20
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if "checkpoints" not in str(p)}
    assert {"recipe.json", "metrics.jsonl", "reals.npy", "latest.safetensors", "generator.safetensors"} <= names
    assert "discriminator.safetensors" in names
    assert sorted(n for n in names if n.startswith("samples/")) == [
        f"samples/kimg_{kimg}.npy" for kimg in ("000000.064", "000000.128", "000000.192", "000000.256", "000000.320")
    ]
    assert any(n.startswith("tensorboard/events") for n in names)
    with Checkpoints(folder / "checkpoints", read_only=True) as kept:
        assert kept.steps == (15, 20)
        assert kept.meta()["recipe"]["batch"] == 16


def test_it_learns(whole):
    folder, _, _ = whole
    first, last = np.load(folder / "samples/kimg_000000.064.npy"), np.load(folder / "samples/kimg_000000.320.npy")
    real = np.load(folder / "reals.npy").mean(0)
    assert np.abs(last.mean(0) - real).mean() < 0.97 * np.abs(first.mean(0) - real).mean()


def test_the_journal_has_one_line_a_tick_and_means_over_the_steps_made(whole):
    folder, _, _ = whole
    lines = journal(folder)
    assert [line["step"] for line in lines] == [4, 8, 12, 16, 20]
    trainer = toy.toy_game()
    step, state, losses, penalties = jax.jit(trainer.step), trainer.init(first_key()), [], []
    for i in range(8):
        state, metrics = step(state, toy.toy_batch(i))
        losses.append(float(metrics["D/loss"]))
        penalties.append(float(metrics["D_r1/penalty"]))
    assert lines[1]["D/loss"] == pytest.approx(np.mean(losses[4:]), rel=1e-5)
    assert lines[1]["D_r1/penalty"] == pytest.approx(penalties[4], rel=1e-3)  # made on step 4 only


def first_key():
    return jax.random.split(jax.random.key(0))[0]


def test_half_a_run_twice_is_a_whole_run_bit_for_bit(whole, tmp_path):
    folder, outcome, _ = whole
    trained(replace(ToyRecipe(), kimg=0.16), tmp_path)
    again, text = trained(ToyRecipe(), tmp_path)
    assert "\ncontinuing at step 10 (kimg 0.16)\n" in text
    assert_identical(again.state, outcome.state)
    for name in ("kimg_000000.192", "kimg_000000.320"):
        np.testing.assert_array_equal(
            np.load(tmp_path / f"samples/{name}.npy"), np.load(folder / f"samples/{name}.npy")
        )


def test_a_finished_run_started_again_changes_nothing(tmp_path):
    one, _ = trained(SHORT, tmp_path)
    before = (tmp_path / "metrics.jsonl").read_text()
    two, _ = trained(SHORT, tmp_path)
    assert two.finished and two.step == one.step
    assert_identical(one.state, two.state)
    assert (tmp_path / "metrics.jsonl").read_text() == before


def test_changed_data_is_told_when_a_run_is_continued(tmp_path, monkeypatch):
    trained(SHORT, tmp_path)
    monkeypatch.setattr(ToyRecipe, "source", lambda self: SimpleNamespace(fingerprint="circles"))
    _, text = trained(SHORT, tmp_path)
    assert "the data has changed since: squares was squares, is circles" in text


def test_lines_after_the_checkpoint_are_written_once(tmp_path):
    trained(SHORT, tmp_path)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 12, "kimg": 0.19}\n{"step": 14, "ki')  # as a kill leaves them
    trained(ToyRecipe(), tmp_path)
    assert [line["step"] for line in journal(tmp_path)] == [4, 8, 10, 12, 16, 20]


@pytest.mark.parametrize("broken", [0, 7, 19])
def test_a_nan_stops_with_step_metric_and_last_good_checkpoint(tmp_path, broken):
    with pytest.raises(RuntimeError) as error:
        trained(replace(ToyRecipe(), broken_at=broken), tmp_path)
    good = {0: "none yet", 7: "step 5 in", 19: "step 15 in"}[broken]
    assert str(error.value).startswith(f"D/loss is nan at step {broken} (kimg ")
    assert f"Last good checkpoint: {good}" in str(error.value) and "\n" not in str(error.value)
    with Checkpoints(tmp_path / "checkpoints", read_only=True) as kept:
        assert kept.latest in (None, 5, 15)
        if kept.latest:
            restored = kept.restore(jax.eval_shape(toy.toy_game().init, jax.random.key(0)))
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(restored.params))


def test_another_recipe_in_the_same_folder_is_refused_by_field(tmp_path):
    trained(SHORT, tmp_path)
    with pytest.raises(
        ValueError, match=r"holds a run of another recipe: seed is 0 there and 1 now; adam\.lr is 0\.01"
    ):
        trained(replace(SHORT, seed=1, adam=replace(SHORT.adam, lr=0.5)), tmp_path)


def test_length_and_reporting_may_change(tmp_path):
    trained(SHORT, tmp_path)
    outcome, _ = trained(replace(SHORT, kimg=0.192, tick_kimg=0.032, keep=1, checkpoint_kimg=0.5), tmp_path)
    assert outcome.step == 12


def test_a_folder_without_checkpoints_takes_another_recipe(tmp_path):
    with claimed(tmp_path, SHORT):
        pass  # a run that failed before it kept anything
    with claimed(tmp_path, replace(SHORT, seed=5)):
        assert json.loads((tmp_path / "recipe.json").read_text())["seed"] == 5


def test_one_folder_holds_one_run_at_a_time(tmp_path):
    with claimed(tmp_path, SHORT), pytest.raises(RuntimeError, match="Another process is training"):
        trained(SHORT, tmp_path)
    assert trained(SHORT, tmp_path)[0].finished


def test_resume_takes_weights_and_starts_at_step_zero(tmp_path):
    one, _ = trained(SHORT, tmp_path / "one")
    two, text = trained(replace(SHORT, seed=4, kimg=0.016), tmp_path / "two", resume=tmp_path / "one")
    assert "\ntook over 12 arrays from " in text and "stay fresh" not in text
    assert two.step == 1
    distance = lambda a, b: max(float(np.abs(x - y).max()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b)))
    assert distance(one.state.params, two.state.params) < 0.03  # one step of Adam from there
    fresh = replace(SHORT, seed=4).trainer().init(first_key())
    assert distance(fresh.params, two.state.params) > 0.1


def test_resume_names_what_does_not_fit(tmp_path):
    trained(SHORT, tmp_path / "one")
    _, text = trained(replace(SHORT, width=12), tmp_path / "two", resume=tmp_path / "one")
    assert "params.G.draw.hidden.kernel ([4, 8] there, [4, 12] here)" in text


def test_resume_from_nothing_is_told_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"There is no checkpoint in .*empty"):
        trained(SHORT, tmp_path / "two", resume=tmp_path / "empty")


def test_the_best_generator_is_kept(tmp_path):
    figures = iter([3.0, 1.0, 2.0, 5.0])
    trained(replace(ToyRecipe(), keep=1), tmp_path, figure=lambda g: next(figures))
    with Checkpoints(tmp_path / "checkpoints", read_only=True) as kept:
        assert kept.steps == (10, 20)
        assert kept.meta()["best"] == 1.0
    assert [line["figure"] for line in journal(tmp_path) if "figure" in line] == [3.0, 1.0, 2.0, 5.0]
    best, latest = (np.load(tmp_path / f"{name}.safetensors") for name in ("best", "latest"))
    assert any((best[k] != latest[k]).any() for k in best)


def test_eight_devices_train_as_one(whole, tmp_path, close):
    _, outcome, _ = whole
    many = run(ToyRecipe(), tmp_path, FILES, devices=jax.devices(), samples=4, stream=io.StringIO())
    for a, b in zip(jax.tree.leaves(many.state.ema), jax.tree.leaves(outcome.state.ema), strict=True):
        close(a, b, 2e-5)  # 20 steps of Adam amplify the rounding of reordered sums


def test_a_first_signal_is_noted_and_a_second_ends():
    before = signal.getsignal(signal.SIGTERM)
    with interrupts() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked == ["SIGTERM"] and agreed(asked, 3)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    assert signal.getsignal(signal.SIGTERM) is before


def test_samples_depend_on_the_key_only():
    g = toy.toy_arch().init(jax.random.key(0))
    one, other = sampled(g, jax.random.key(1), 5, batch=2), sampled(g, jax.random.key(1), 5, batch=5)
    assert one.shape == (5, 8, 8, 3)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_durations_in_steps_and_names_that_sort():
    assert steps_of(1.0, 32) == 31 and steps_of(0.001, 32) == 1
    assert [named(k, replace(SHORT, tick_kimg=4.0)) for k in (4.0, 12.03, 1000.0)] == ["000004", "000012", "001000"]


def start(folder, kimg, slow, *world):
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, str(Path(toy.__file__)), str(folder), str(kimg), str(slow), *map(str, world)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
        env=os.environ
        | {
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": str(root),
            "JAX_COMPILATION_CACHE_DIR": str(root / ".cache" / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        },
    )


def wait_for(process, word):
    seen = []
    for line in process.stdout:
        seen.append(line)
        if word in line:
            return
    raise AssertionError("".join(seen))


def test_killed_and_started_again_arrives_at_the_same_bits(whole, tmp_path):
    _, outcome, _ = whole
    for word, delay in (("kimg 0.128/0.32", 0.3), ("kimg 0.192/0.32", 0.02)):
        process = start(tmp_path, 0.32, 0.05)
        wait_for(process, word)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    again, text = trained(ToyRecipe(slow=0.05), tmp_path)
    assert "\ncontinuing at step " in text
    assert_identical(again.state, outcome.state)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_exits_with_zero(tmp_path, number):
    process = start(tmp_path, 100.0, 0.01)
    wait_for(process, "kimg 0.1/100")
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    last = text.splitlines()[-1]
    assert last.startswith(f"stopped by {number.name} at step ")
    with Checkpoints(tmp_path / "checkpoints", read_only=True) as kept:
        assert f"at step {kept.latest}," in last


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_processes_train_as_one_and_stop_together(tmp_path, close):
    port = free_port()
    some = [start(tmp_path, 100.0, 0.02, port, 2, i) for i in range(2)]
    wait_for(some[0], "kimg 0.1/100")
    some[1].send_signal(signal.SIGTERM)  # one is told, both stop
    texts = [process.communicate(timeout=120)[0] for process in some]
    assert [process.returncode for process in some] == [0, 0], texts
    assert "stopped" in texts[0] and "kimg" not in texts[1]
    with Checkpoints(tmp_path / "checkpoints", read_only=True) as kept:
        step = kept.latest
        state = kept.restore(jax.eval_shape(toy.toy_game().init, jax.random.key(0)))
    assert step >= 8 and int(state.images) == 16 * step
    alone, _ = trained(ToyRecipe(kimg=0.016 * step), tmp_path / "alone")
    for a, b in zip(jax.tree.leaves(state.params), jax.tree.leaves(alone.state.params), strict=True):
        close(a, b, 5e-5)


def test_steps_are_compiled_by_the_moves_they_make(tmp_path, monkeypatch):
    trainer, asked = ToyRecipe().trainer(), []

    def step(state, batch, active=None):
        asked.append(active)
        return trainer.step(state, batch, active)

    monkeypatch.setattr(ToyRecipe, "trainer", lambda self, load=None: trainer._replace(step=step))
    trained(SHORT, tmp_path)
    assert asked == [("G", "D", "D_r1"), ("G", "D")]  # traced once each
