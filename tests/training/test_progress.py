import io
import os
import pty
import re

from jaxgan.training.progress import Progress, summary

FIGURES = {"D/loss": 0.8123, "D/sign": 0.2, "D_r1/penalty": 0.0123, "G/loss": 1.5, "ada/p": 0.0204}


def test_a_line_says_kimg_speed_time_left_losses_and_strength():
    assert summary(12.0, 1000, 84.4, 3723.0, FIGURES) == (
        "kimg 12.0/1000  84 img/s  left 1:02:03  D 0.812  D_r1 0.0123  G 1.50  p 0.0204"
    )


def test_a_moves_second_figure_says_which_it_is():
    both = {"D/loss": 0.5, "D/penalty": 0.25, "G/loss": 1.0}
    assert summary(1.0, 10, None, None, both) == "kimg 1.0/10  D 0.500  D penalty 0.250  G 1.00"


def test_what_is_not_known_yet_is_left_out():
    assert summary(0.5, 2, None, None, {}) == "kimg 0.500/2"


def test_a_file_gets_one_plain_line_a_tick():
    stream = io.StringIO()
    with Progress(10, stream=stream) as show:
        show.say("hello")
        show.begin(0.0)
        show.advance(0.5)
        show.tick(1.0, FIGURES)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "hello" and len(lines) == 2 and "\x1b" not in stream.getvalue()
    assert re.match(r"kimg 1\.0/10  \d+ img/s  left 0:00:00  D 0\.812", lines[1])


def test_other_processes_are_quiet():
    stream = io.StringIO()
    with Progress(10, stream=stream, quiet=True) as show:
        show.say("hello")
        show.tick(1.0, FIGURES)
    assert stream.getvalue() == ""


def everything(control):
    """What was written to a terminal that is closed by now."""
    parts = []
    try:
        while part := os.read(control, 1 << 16):
            parts.append(part)
    except OSError:  # Linux's way to say that the other end is closed
        pass
    return b"".join(parts).decode()


def test_a_terminal_gets_a_bar_that_fits_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    control, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, Progress(10, stream=stream) as show:
        show.say("hello")
        show.begin(0.0)
        show.tick(5.0, FIGURES)
    text = everything(control)
    os.close(control)
    assert "hello\r\n" in text and "kimg 5.0/10" in text and " img/s" in text
    frames = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    assert max(map(len, frames)) <= 60


def test_time_left_counts_from_the_end_of_compiling(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("jaxgan.training.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    show = Progress(10, done=2.0, stream=stream)
    now[0] = 500.0
    show.begin(2.1)
    now[0] = 510.0
    show.tick(3.1, {})
    assert "100 img/s  left 0:01:09" in stream.getvalue()
    now[0] = 600.0
    show.go_on(3.1)  # drawing a grid took 90 s: no part of the speed, but of the time left
    now[0] = 610.0
    assert abs(show.rate(4.1) - 100.0) < 1e-6
