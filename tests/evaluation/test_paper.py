"""The paper's figures are internally consistent, which a typing error would break."""

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
