"""Planted differences are found, and without one the p values are those of chance."""

import numpy as np
import pytest

from tlesynth.reader_study.separation import each, in_order, together

N = 40
LABELS = np.arange(N) % 2 == 1


def test_the_column_that_separates_is_the_one_that_is_named() -> None:
    draw = np.random.default_rng(0)
    figures = draw.normal(size=(N, 5))
    figures[LABELS, 3] += 3
    p = each(figures, LABELS, draw)
    assert p[3] < 0.001 and (np.delete(p, 3) > 0.05).all()


def test_constant_figures_separate_nothing() -> None:
    draw = np.random.default_rng(0)
    assert (each(np.ones((N, 3)), LABELS, draw) == 1).all()
    assert together(np.ones((N, 3)), LABELS, draw).p == 1


def test_a_combination_is_found_that_no_single_figure_shows() -> None:
    draw = np.random.default_rng(1)
    common = draw.normal(size=N) * 4
    figures = np.column_stack([common, common + np.where(LABELS, 1.0, -1.0) + 0.2 * draw.normal(size=N)])
    assert each(figures, LABELS, draw).min() > 0.05
    found = together(figures, LABELS, draw)
    assert found.p < 0.001 and found.auc > 0.9


@pytest.mark.parametrize("test", ["each", "together", "in_order"])
def test_false_alarms_are_as_rare_as_p_says(test: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlesynth.reader_study.separation.PERMUTATIONS", 99)
    draw = np.random.default_rng(2)
    p = []
    for _ in range(200):
        figures, labels = draw.normal(size=(N, 4)), draw.permutation(LABELS)
        if test == "in_order":
            p.append(in_order(labels, draw))
        else:
            p.append(each(figures, labels, draw).min() if test == "each" else together(figures, labels, draw).p)
    assert 0.05 <= np.mean(np.array(p) <= 0.1) <= 0.16


@pytest.mark.parametrize(
    "labels",
    [np.arange(N) < N // 2, np.arange(N) % 2 == 0, np.arange(N) % 4 < 2, np.arange(N) % 3 == 0, np.arange(N) % 10 < 5],
    ids=["real first", "in turn", "two and two", "every third", "five and five"],
)
def test_orders_that_a_reader_could_guess_are_found(labels: np.ndarray) -> None:
    assert in_order(labels, np.random.default_rng(0)) <= 0.001
