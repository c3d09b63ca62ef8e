import numpy as np

from jaxgan.metrics.labels import label_figures


def test_one_class_has_no_entropy_and_all_alike_have_the_most():
    one = label_figures(20 * np.eye(10)[[3] * 50])
    assert one == {"label_entropy": 0.0, "confident": 1.0, "classes": 1}
    all_alike = label_figures(20 * np.tile(np.eye(10), (5, 1)))
    assert np.isclose(all_alike["label_entropy"], np.log(10)) and all_alike["classes"] == 10


def test_what_is_as_likely_one_as_another_is_not_sure():
    halves = np.zeros((8, 10))
    halves[:, :2] = 30
    halves[4:, 0] += 10
    assert label_figures(halves)["confident"] == 0.5
