import json
import math

import jax.numpy as jnp
import pytest

from jaxgan.training.journal import WAITING, Diverged, Figures, Journal
from tests.training.toy import toy_game


@pytest.fixture(scope="module")
def trainer():
    return toy_game()


def metrics(loss, penalty=0.0):
    return {"D/loss": jnp.float32(loss), "D_r1/penalty": jnp.float32(penalty), "ada/p": jnp.float32(0.5)}


def test_means_are_over_the_steps_on_which_a_move_is_made(trainer):
    figures = Figures(trainer)
    for step in range(6):
        figures.add(step, metrics(step, 10 + step if step % 4 == 0 else 0))
    figures.settle()
    assert figures.means() == {"D/loss": 2.5, "D_r1/penalty": 12.0, "ada/p": 0.5}
    figures.add(6, metrics(1.0))
    figures.settle()
    assert figures.means() == {"D/loss": 1.0, "ada/p": 0.5}


def test_figures_are_not_looked_at_before_some_steps_wait(trainer):
    figures = Figures(trainer)
    for step in range(WAITING):
        figures.add(step, metrics(math.nan))
    with pytest.raises(Diverged, match="D/loss is nan at step 0"):
        figures.add(WAITING, metrics(1.0))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_step_and_metric_that_are_not_finite_are_named(trainer, value):
    figures = Figures(trainer)
    figures.add(3, metrics(1.0))
    figures.add(4, metrics(1.0, value))
    with pytest.raises(Diverged) as error:
        figures.settle()
    assert (error.value.step, error.value.metric) == (4, "D_r1/penalty")


def test_a_move_that_is_not_made_cannot_diverge(trainer):
    figures = Figures(trainer)
    figures.add(5, metrics(1.0, math.nan))
    figures.settle()
    assert "D_r1/penalty" not in figures.means()


def test_lines_and_events_are_written_and_later_lines_dropped(tmp_path):
    journal = Journal(tmp_path, 0)
    for step in (4, 8, 12):
        journal.write({"step": step, "kimg": step / 10, "D/loss": 1.0 / step})
    journal.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 13, "km')
    Journal(tmp_path, 8).close()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{"step": 4, "kimg": 0.4, "D/loss": 0.25}, {"step": 8, "kimg": 0.8, "D/loss": 0.125}]
    assert list((tmp_path / "tensorboard").iterdir())
