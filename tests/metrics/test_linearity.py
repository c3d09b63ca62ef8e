"""Linearity of planted paths."""

import numpy as np
import pytest

from jaxgan.metrics import linearity


def test_a_straight_path_is_linear_at_any_pace():
    pace = np.array([-3.0, -1.0, 0.0, 0.5, 4.0])
    way = np.random.default_rng(0).normal(size=(3, 7))
    np.testing.assert_allclose(linearity(pace[:, None, None] * way + 5.0), 1.0, atol=1e-12)


def test_a_circle_turns_by_its_angle_and_a_path_to_and_fro_by_half_a_turn():
    angle = np.radians(25) * np.arange(6)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None]
    np.testing.assert_allclose(linearity(circle), np.cos(np.radians(25)), atol=1e-12)
    to_and_fro = np.array([0.0, 1.0, 0.0, 1.0])[:, None, None] * np.ones((1, 1, 2))
    np.testing.assert_allclose(linearity(to_and_fro), -1.0, atol=1e-12)


def test_images_that_do_not_change_have_no_linearity_and_a_pause_does_not_count():
    still, paused = np.zeros(5), np.array([0.0, 1.0, 1.0, 2.0, 3.0])
    found = linearity(np.stack([still, paused], axis=1)[:, :, None])
    assert np.isnan(found[0]) and found[1] == 1.0
    with pytest.raises(ValueError, match="at least 3 strengths"):
        linearity(np.zeros((2, 4, 3)))
