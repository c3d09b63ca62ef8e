import numpy as np
import pytest

from jaxgan.metrics import inception_score
from jaxgan.metrics.inception_score import score_error


def test_sure_and_varied_images_score_the_number_of_classes_and_others_one():
    sure = np.tile(np.eye(5) * 100, (20, 1))
    assert inception_score(sure, 10) == pytest.approx((5, 0), abs=1e-9)
    assert inception_score(np.zeros((100, 5)), 10) == pytest.approx((1, 0), abs=1e-9)
    assert inception_score(np.tile(sure[:1], (100, 1)), 10) == pytest.approx((1, 0), abs=1e-9)


def test_it_is_the_published_definition_also_for_large_logits():
    logits = np.random.default_rng(0).standard_normal((53, 7)) * 3 + 1000
    p = np.exp(logits - 1000)
    p /= p.sum(1, keepdims=True)
    scores = [
        np.exp(np.mean([np.sum(row * (np.log(row) - np.log(part.mean(0)))) for row in part]))
        for part in np.array_split(p, 4)
    ]
    assert inception_score(logits, 4) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-9)


def test_its_error_is_the_spread_over_draws():
    rng = np.random.default_rng(0)
    scored = [inception_score(rng.standard_normal((200, 6)) * 2, 2)[0] for _ in range(200)]
    errors = [score_error(rng.standard_normal((200, 6)) * 2, 2, 50, rng) for _ in range(5)]
    assert np.mean(errors) == pytest.approx(np.std(scored), rel=0.35)


def test_fewer_images_than_splits_are_refused():
    with pytest.raises(ValueError, match="3 images for 10 splits"):
        inception_score(np.zeros((3, 5)))
