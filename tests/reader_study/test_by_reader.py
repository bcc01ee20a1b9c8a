import numpy as np
import pandas as pd
import pytest

from tlesynth.metrics.statistics import Resampling, auc
from tlesynth.reader_study.by_reader import conduct, histogram, points, seconds, with_each_other, with_oneself

HOW = Resampling(100, 0.95, np.random.default_rng(0))
KINDS = ("real", "synthetic")


def _rows(called: list[str], **more: object) -> pd.DataFrame:
    n = len(called)
    columns = {
        "reader": "reader-1",
        "trial": [f"t{k}" for k in range(n)],
        "kind": "case",
        "case": [f"c{k}" for k in range(n)],
        "origin": "real",
        "called": called,
        "right": [c == "real" for c in called],
        "confidence": 3,
        "seconds": np.arange(n, dtype=float),
        "display": "webgl",
        "suspicions": 1,
        "first": None,
        "recognised": False,
    }
    return pd.DataFrame(columns | more)


def test_the_curve_has_the_area_of_the_ranks() -> None:
    draw = np.random.default_rng(0)
    positive = np.arange(60) < 30
    scores = np.clip(np.rint(3.5 + draw.normal(size=60) + positive), 1, 6)
    curve = points(scores, positive)
    assert (curve["false"][0], curve["true"][0], curve["false"][-1], curve["true"][-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve["true"], curve["false"]) == pytest.approx(auc(scores, positive), abs=1e-5)


def test_time_and_scale_are_counted() -> None:
    assert seconds(pd.Series([10.0, 20, 30, 40, 50])) == {"median": 30, "quartile_1": 20, "quartile_3": 40}
    assert histogram(pd.Series([1, 1, 6, 3])) == [2, 0, 1, 0, 0, 1]
    found = conduct(_rows(["real"] * 4, display=["webgl", "webgl", "slices", "webgl"], recognised=[True] + [False] * 3))
    assert found["display"] == {"slices": 1, "webgl": 3} and found["suspicions"] == 4 and found["recognised"] == 1
    assert found["confidence"] == {"real": [0, 0, 4, 0, 0, 0]} and "not_computed" in seconds(pd.Series([1.0]))


def test_agreement_with_oneself_is_over_cases_shown_again() -> None:
    first = _rows(["real", "synthetic", "real", "synthetic", "real"])
    again = _rows(["real", "synthetic", "real", "real"], kind="repeat", trial=["r0", "r1", "r2", "r3"])
    again["first"] = ["t0", "t1", "t2", "t3"]
    found = with_oneself(pd.concat([first, again]), KINDS, HOW)
    assert found["same"]["value"] == 0.75 and found["same"]["n"] == 4
    assert found["agreement"]["value"] == 0.75
    assert "not_computed" in with_oneself(first, KINDS, HOW)


def test_of_pairs_the_scan_that_was_named_counts_not_its_place() -> None:
    first = _rows(["first"] * 3, origin="pair", right=[True, True, False])
    again = _rows(["second"] * 3, origin="pair", right=[True, True, False], kind="repeat", trial=["r0", "r1", "r2"])
    again["first"] = ["t0", "t1", "t2"]
    assert with_oneself(pd.concat([first, again]), ("first", "second"), HOW)["same"]["value"] == 1


def test_agreement_of_readers_is_by_case() -> None:
    one, two = _rows(["real", "real", "synthetic", "real"]), _rows(["real", "real", "synthetic", "synthetic"])
    found = with_each_other(pd.concat([one, two.assign(reader="reader-2")]), KINDS, HOW)
    assert found["agreement"]["value"] == 0.75 and found["agreement"]["n"] == 4
