"""B16: a site that gives the group away is seen; a balanced one is not accused."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.splits.sites import (
    audit,
    hold_out,
    image_features,
    label_from_site,
    leave_one_site_out,
    site_from_image,
)
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Split


def cohort(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = [row for site, (hc, tle) in counts.items() for row in [("hc", site)] * hc + [("tle", site)] * tle]
    return pd.DataFrame(rows, columns=["group", "site"], index=[f"sub-{i:03d}" for i in range(len(rows))])


def test_b16_a_confounded_site_is_warned_of_with_its_figures() -> None:
    table = cohort({"a": (40, 5), "b": (5, 40), "c": (20, 20)})
    found = audit(table, pd.DataFrame(index=table.index), seed=0)
    assert found["label_from_site"]["auc"] == pytest.approx(3600 / 65**2, abs=0.01)
    assert found["label_from_site"]["p"] < 1e-6
    assert found["label_from_site"]["degrees_of_freedom"] == 2
    assert "AUC of 0." in found["warning"]
    assert found["sites"]["a"] == {"hc": 40, "tle": 5}


@pytest.mark.parametrize("seed", range(5))
def test_balanced_sites_are_at_chance(seed: int) -> None:
    table = cohort({"a": (20, 20), "b": (30, 30), "c": (10, 10)})
    found = label_from_site(table, seed=seed)
    assert found["auc"] == pytest.approx(0.5, abs=0.02)
    assert found["chi_square"] == 0


def test_sites_of_one_subject_each_predict_nothing() -> None:
    table = cohort({f"s{i}": (i % 2, 1 - i % 2) for i in range(60)})
    assert label_from_site(table, seed=0)["auc"] == pytest.approx(0.5, abs=0.1)


def test_one_site_or_none_has_nothing_to_audit() -> None:
    table = cohort({"a": (5, 5)})
    assert audit(table, pd.DataFrame(index=table.index), seed=0)["label_from_site"] is None
    table["site"] = None
    assert audit(table, pd.DataFrame(index=table.index), seed=0)["without_site"] == 10


def test_images_that_give_their_site_away_are_seen() -> None:
    table = cohort({"a": (20, 20), "b": (20, 20)})
    noise = np.random.default_rng(0).normal(size=len(table))
    telling = pd.DataFrame({"snr": noise + 8 * (table["site"] == "a")}, index=table.index)
    seen = site_from_image(telling, table["site"], seed=0)
    assert seen is not None and seen["balanced_accuracy"] > 0.95 and seen["chance"] == 0.5
    blind = site_from_image(pd.DataFrame({"snr": noise}, index=table.index), table["site"], seed=0)
    assert blind is not None and blind["balanced_accuracy"] == pytest.approx(0.5, abs=0.2)


def test_features_come_from_the_image_and_its_quality_row() -> None:
    brains = np.stack([np.full((2, 2, 2), 0.5), np.zeros((2, 2, 2))]).astype(np.float32)
    quality = pd.DataFrame({"snr": ["3.5"], "dice": ["0.9"]}, index=["sub-a"])
    table = image_features(brains, quality, ["sub-a", "sub-b"])
    assert table.loc["sub-a", "intensity_p50"] == 0.5 and table.loc["sub-b", "intensity_p50"] == 0
    assert table.loc["sub-a", "snr"] == 3.5 and "dice" not in table


def test_a_site_left_out_is_the_test_set() -> None:
    table = cohort({"a": (20, 20), "b": (30, 30), "c": (10, 10)})
    split = hold_out(table, Split(), "c", seed=1)
    assert set(split.index[split == "test"]) == set(table.index[table["site"] == "c"])
    rest = split[split != "test"].value_counts(normalize=True)
    assert rest["gen_train"] == pytest.approx(0.8 / 0.874, abs=0.02)
    folds = leave_one_site_out(table, Split(), 1)
    assert list(folds) == ["a", "b", "c"] and folds["c"].equals(split)
    with pytest.raises(TlesynthError, match="DATA-010.*only of a, b, c"):
        hold_out(table, Split(), "z", seed=1)


def test_a_patient_seen_at_the_held_out_site_too_is_tested_whole() -> None:
    table = cohort({"a": (20, 20), "b": (20, 20)})
    units = pd.Series(table.index, index=table.index)
    units["sub-045"] = "sub-001"
    assert hold_out(table, Split(), "b", seed=0, units=units)["sub-001"] == "test"


def test_b16_no_site_is_a_site_too() -> None:
    table = cohort({"a": (2, 20), "b": (20, 0)})
    table.loc[table["site"] == "b", "site"] = None
    found = audit(table, pd.DataFrame(index=table.index), seed=0)
    assert found["without_site"] == 20 and found["sites"]["not known"] == {"hc": 20, "tle": 0}
    assert found["warning"]
