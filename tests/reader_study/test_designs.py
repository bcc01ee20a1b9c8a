"""Each design on answers whose statistics are known."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.metrics.statistics import Resampling
from tlesynth.reader_study.designs import anatomy, diagnosis, forced_choice, yes_no

HOW = Resampling(500, 0.95, np.random.default_rng(0))


def _cases(origins: list[str], groups: list[str], truth: list[str], called: list[str], confidence: list[int]) -> dict:
    n = len(origins)
    return {
        "case": [f"c{k}" for k in range(n)],
        "origin": origins,
        "stratum": groups,
        "truth": truth,
        "called": called,
        "right": [a == b for a, b in zip(truth, called, strict=True)],
        "confidence": confidence,
    }


def _yes_no(confidence: list[int], reader: str) -> pd.DataFrame:
    half = len(confidence) // 2
    origins = ["real"] * half + ["synthetic"] * half
    called = ["synthetic" if c > 3 else "real" for c in confidence]
    groups = ["hc", "tle-left"] * half
    return pd.DataFrame(_cases(origins, groups, origins, called, confidence) | {"reader": reader})


def test_hits_and_false_alarms_of_a_reader() -> None:
    cases = _yes_no([1, 1, 2, 3, 4, 5] + [2, 3, 4, 5, 6, 6], "reader-1")
    found = yes_no(cases, HOW)
    one = found["readers"]["reader-1"]
    assert (one["hits"], one["synthetic"], one["false_alarms"], one["real"]) == (4, 6, 2, 6)
    # By hand: of 36 comparisons 25 are won and 5 tied.
    wins = sum((s > r) + 0.5 * (s == r) for s in (2, 3, 4, 5, 6, 6) for r in (1, 1, 2, 3, 4, 5))
    assert one["auc"]["value"] == pytest.approx(wins / 36, abs=1e-6)
    assert found["all"]["hit_rate"]["value"] == pytest.approx(4 / 6, abs=1e-6)
    assert found["classes"]["hc"]["hit_rate"]["n"] == 3


def test_two_readers_are_averaged_and_a_case_that_one_skipped_is_left_out_of_their_mean() -> None:
    one = _yes_no([1, 1, 2, 3, 4, 5] + [2, 3, 4, 5, 6, 6], "reader-1")
    two = _yes_no([1, 2, 1, 3, 3, 5] + [3, 2, 4, 6, 6, 5], "reader-2").iloc[1:]
    found = yes_no(pd.concat([one, two]), HOW)
    assert found["all"]["auc"]["readers"] == 2 and found["all"]["auc"]["n"] == 11
    assert found["all"]["verdict"] in ("undecided", "above chance")


def test_a_reader_who_guesses_is_undecided_at_n_12_not_at_chance() -> None:
    found = yes_no(_yes_no([1, 2, 3, 4, 5, 6] * 2, "reader-1"), HOW)
    assert found["all"]["auc"]["value"] == 0.5 and found["all"]["verdict"] == "undecided"


def _pairs(right: list[bool], reader: str) -> pd.DataFrame:
    truth = ["first", "second"] * (len(right) // 2)
    called = [t if ok else {"first": "second", "second": "first"}[t] for t, ok in zip(truth, right, strict=True)]
    rows = _cases(["pair"] * len(right), ["hc"] * len(right), truth, called, [2] * len(right))
    return pd.DataFrame(rows | {"reader": reader})


def test_150_pairs_half_of_them_right_are_chance_and_100_are_not() -> None:
    for n, says in ((150, "chance"), (100, "undecided")):
        found = forced_choice(_pairs([True, True, False, False] * (n // 4) + [True, False] * (n % 4 // 2), "r"), HOW)
        assert found["readers"]["r"]["share"]["value"] == 0.5 and found["all"]["verdict"] == says
        assert found["readers"]["r"]["p_against_half"] == 1


def test_a_reader_who_always_names_the_second_is_seen() -> None:
    found = forced_choice(_pairs([False, True] * 10, "reader-1"), HOW)["readers"]["reader-1"]
    assert found["share"]["value"] == 0.5 and found["second_named"]["value"] == 1


def test_diagnoses_of_synthetic_and_real_scans_are_compared() -> None:
    truth = ["hc", "left", "right", "hc"] * 20
    called = ["hc", "left", "right", "left"] * 10 + ["hc", "left", "left", "left"] * 10
    origins = ["real"] * 40 + ["synthetic"] * 40
    found = diagnosis(pd.DataFrame(_cases(origins, truth, truth, called, [3] * 80) | {"reader": "reader-1"}), HOW)
    assert found["all"]["real"]["value"] == 0.75 and found["all"]["synthetic"]["value"] == 0.5
    assert found["all"]["difference"]["value"] == -0.25 and found["all"]["verdict"] == "different"
    assert found["readers"]["reader-1"]["difference"]["value"] == -0.25
    assert found["confusion"]["synthetic"]["right"] == {"hc": 0, "left": 10, "right": 0}


def test_equal_accuracies_are_equivalent_only_from_many_scans() -> None:
    for repeats, says in ((4, "undecided"), (150, "equivalent")):
        truth = ["hc", "left", "right", "hc"] * repeats * 2
        called = ["hc", "left", "right", "left"] * repeats * 2
        origins = ["real"] * 4 * repeats + ["synthetic"] * 4 * repeats
        rows = _cases(origins, truth, truth, called, [3] * len(truth))
        assert diagnosis(pd.DataFrame(rows | {"reader": "r"}), HOW)["all"]["verdict"] == says


def test_anatomy_is_averaged_over_readers_and_compared_between_origins() -> None:
    one, two = (_yes_no([1] * 6 + [6] * 6, reader) for reader in ("reader-1", "reader-2"))
    one["anatomy"], two["anatomy"] = [5] * 6 + [2] * 6, [3] * 6 + [4] * 6
    found = anatomy(pd.concat([one, two]), HOW)
    assert [found[origin]["value"] for origin in ("real", "synthetic", "difference")] == [4, 3, -1]
    assert found["difference"]["low"] == found["difference"]["high"] == -1  # all scans of an origin score alike
    assert found["counts"] == {"real": [0, 0, 6, 0, 6], "synthetic": [0, 6, 0, 6, 0]}
    assert found["classes"]["hc"]["real"]["n"] == 3
