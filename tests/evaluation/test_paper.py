"""The paper's figures are internally consistent, which a typing error would break."""

import numpy as np
import pytest

from tlesynth.evaluation import paper


@pytest.mark.parametrize("arm", list(paper.TABLE_4))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(arm: str) -> None:
    row = paper.TABLE_4[arm]
    assert row["f1"] == pytest.approx(
        2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"]), abs=2e-3
    )


def test_shares_of_table_3() -> None:
    hits, scans = paper.TABLE_3["synthetic_classified"]
    assert hits / scans == pytest.approx(0.791, abs=1e-3)


@pytest.mark.parametrize("arm", list(paper.TABLE_4))
def test_the_reconstructed_counts_give_the_printed_shares(arm: str) -> None:
    tp, fp, fn, tn = paper.CONFUSION_4[arm]
    row = paper.TABLE_4[arm]
    assert (tp + fn, fp + tn) == (172, 128)
    assert tp / (tp + fp) == pytest.approx(row["precision"], abs=1.1e-3)
    assert tp / (tp + fn) == pytest.approx(row["recall"], abs=1.1e-3)
    assert (tp + tn) / 300 == pytest.approx(row["accuracy"], abs=6e-4)


def test_the_papers_intervals() -> None:
    """Accuracy 76.5 to 85.6 % and, best, 79.0 to 87.7 %; the AUC's error is 0.019."""
    found = paper.table_4_intervals()
    assert found["real"]["accuracy"]["low"] == pytest.approx(0.765, abs=1e-3)
    assert found["real"]["accuracy"]["high"] == pytest.approx(0.856, abs=1e-3)
    best = found["real+0.25"]["accuracy"]
    assert (best["low"], best["high"]) == pytest.approx((0.790, 0.877), abs=1e-3)
    auc = found["real"]["auc_roc"]
    assert (auc["high"] - auc["low"]) / 2 / 1.96 == pytest.approx(0.019, abs=5e-4)
    assert all(v["low"] < v["value"] < v["high"] for row in found.values() for v in row.values())


def test_every_interval_of_the_papers_gain_overlaps_the_plain_one() -> None:
    found = paper.table_4_intervals()
    for arm in ("real+0.25", "real+0.5"):
        for name, value in found[arm].items():
            assert value["low"] < found["real"][name]["high"]


def fitting(tle: int, arm: str) -> list[tuple[int, ...]]:
    """All TP, FP, FN, TN of 300 scans whose four shares lie within 0.001 of those the paper prints."""
    tp, fp = np.meshgrid(np.arange(1, tle + 1), np.arange(300 - tle + 1), indexing="ij")
    shares = {
        "f1": 2 * tp / (tp + fp + tle),
        "precision": tp / (tp + fp),
        "recall": tp / tle,
        "accuracy": (tp + 300 - tle - fp) / 300,
    }
    fits = np.all([np.abs(value - paper.TABLE_4[arm][name]) <= 0.001 for name, value in shares.items()], axis=0)
    return [(int(a), int(b), int(tle - a), int(300 - tle - b)) for a, b in zip(tp[fits], fp[fits], strict=True)]


def test_no_other_numbers_of_scans_give_the_papers_shares() -> None:
    assert [n for n in range(100, 220) if all(fitting(n, arm) for arm in paper.CONFUSION_4)] == [172]
    assert {arm: fitting(172, arm) for arm in paper.CONFUSION_4} == {a: [c] for a, c in paper.CONFUSION_4.items()}
