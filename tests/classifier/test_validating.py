"""Validation prefers ranking, and surer of equal rankings."""

import numpy as np
import pytest

from tlesynth.classifier.validating import TIE_BREAK, validation_figures

POSITIVE = np.array([True, True, False, False])


def test_validation_prefers_ranking_then_entropy() -> None:
    sure, unsure = np.array([2.0, 1.5, -1.5, -2.0]), np.array([0.4, 0.2, 0.0, -0.2])
    wrong = np.array([2.0, -2.0, -1.5, -2.0])
    scores = [validation_figures(z, POSITIVE)["score"] for z in (sure, unsure, wrong)]
    assert scores == sorted(scores)
    assert validation_figures(sure, POSITIVE)["auc"] == 1.0


def test_of_logits_that_say_nothing_the_entropy_is_that_of_a_coin() -> None:
    found = validation_figures(np.zeros(4), POSITIVE)
    assert found == pytest.approx({"score": 0.5 + TIE_BREAK * np.log(2), "auc": 0.5, "cross_entropy": np.log(2)})
