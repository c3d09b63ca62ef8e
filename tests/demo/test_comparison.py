"""The page that compares inverters holds every number, stands alone, and says what it does not know."""

import math
import re

import numpy as np
import pytest

from jaxgan.demo.comparison import Comparison, Entry, apart, number, plane, scale, written

TITLES = {
    "lpips": ("LPIPS", "lower"),
    "psnr": ("PSNR", "higher"),
    "mahalanobis_p": ("Mahalanobis in P", "lower"),
    "drift": ("drift", "near one"),
    "kernel": ("kernel", "lower"),
}


def entry(name, lpips, distance, **whole):
    images = np.zeros((2, 8, 8, 3), np.float32)
    figures = {"lpips": np.array(lpips), "psnr": np.array([20.0, 22.0]), "mahalanobis_p": np.array(distance)}
    return Entry(name, images, images, figures, whole)


@pytest.fixture
def comparison():
    entries = [
        entry("w", [0.3, 0.5], [1.2, 1.4], kernel=6.0, drift=0.9),
        entry("<w+> & co", [0.1, 0.2], [8.0, 40.0], kernel=9.0, drift=1.3),
        entry("s", [0.2, math.nan], [math.nan, math.nan]),
    ]
    originals = np.zeros((2, 8, 8, 3), np.float32)
    reference = {"mahalanobis_p": 1.0, "kernel": 5.0, "drift": 1.0}
    planes = {"mahalanobis_p": "how far", "kernel": "how unlike"}
    return Comparison(
        "toy", ["a.png", "b.png"], originals, entries, TITLES, "lpips", reference, "moved", planes, {"Device": "cpu"}
    )


def test_the_page_stands_alone(comparison):
    page = written(comparison)
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r'(?:src|href)="(?!data:)', page) and "@import" not in page and "http" not in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<img ") == 2 * (1 + 3) + 2 * (1 + 3)


def test_names_are_escaped(comparison):
    page = written(comparison)
    assert "<w+>" not in page and page.count("&lt;w+&gt; &amp; co") >= 4


def test_means_leave_out_what_is_no_number_and_the_best_is_bold(comparison):
    assert comparison.entries[2].mean("lpips") == pytest.approx(0.2)
    assert math.isnan(comparison.entries[2].mean("mahalanobis_p"))
    page = written(comparison)
    table = page[page.index("<h2>Figures") : page.index("<h2>Reconstructed")]
    assert "<td class=best>0.15</td>" in table and "<td class=best>1.3</td>" in table
    assert "<td class=best>0.9</td>" in table  # of the drifts the one nearest to 1
    assert "\N{EN DASH}" in table


def test_every_inverter_with_both_figures_is_in_the_plane(comparison):
    drawn = plane(comparison, "lpips", "mahalanobis_p")
    assert drawn.count('class="mean"') == 2 and drawn.count('class="one"') == 4 and "the population" in drawn
    whole = plane(comparison, "lpips", "kernel")
    assert whole.count('class="mean"') == 2 and 'class="one"' not in whole
    for x, y in re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)"', drawn):
        assert 0 <= float(x) <= 540 and 0 <= float(y) <= 380


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], [0.01, 5.0, 80.0], [2.0, 2.0], [-3.0, 0.0, 4.0]])
def test_a_scale_carries_its_values_and_marks_inside_in_order(values):
    place, marks = scale(values, 50.0, 400.0)
    at = [place(v) for v in sorted(values)]
    assert at == sorted(at) and at[0] >= 50 and at[-1] <= 400
    assert 1 <= len(marks) <= 15 and all(50 <= place(m) <= 400 for m in marks)


def test_labels_do_not_cover_each_other_and_keep_their_order():
    places = [100.0, 101.0, 99.0, 100.5, 300.0]
    moved = apart(places, 14, 20, 320)
    order = np.argsort(places, kind="stable")
    gaps = np.diff(np.array(moved)[order])
    assert gaps.min() >= 14 - 1e-6 and min(moved) >= 20 and max(moved) <= 320
    assert moved[4] == 300.0


def test_numbers_have_three_digits_that_count():
    assert [number(v) for v in (0.12345, 12.345, 1234.5, -2.5, math.nan)] == [
        "0.123",
        "12.3",
        "1234",
        "\N{MINUS SIGN}2.5",
        "\N{EN DASH}",
    ]
