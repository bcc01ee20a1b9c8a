"""Arms hold the scans that their names say, in the real class ratio; a synthetic scan in val or test is refused."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.classifier.arms import RATIOS, compose, refuse_synthetic
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError

from .conftest import Data


def people(prefix: str, hc: int, tle: int) -> pd.Series:
    return pd.Series({f"{prefix}{g}{k:03d}": g for g, n in (("hc", hc), ("tle", tle)) for k in range(n)})


REAL, MADE = people("r", 40, 60), people("s", 100, 100)


@pytest.mark.parametrize(
    ("name", "real", "hc", "tle"),
    [("real", 100, 0, 0), ("synthetic", 0, 40, 60), ("real+0.25", 100, 10, 15), ("real+0.5", 100, 20, 30)],
)
def test_counts_follow_the_name_and_the_class_ratio(name: str, real: int, hc: int, tle: int) -> None:
    arm = compose(name, REAL, MADE, seed=1)
    groups = MADE[list(arm.synthetic)]
    assert len(arm.real) == real
    assert ((groups == "hc").sum(), (groups == "tle").sum()) == (hc, tle)
    assert arm.synthetic_asked == hc + tle


def test_too_few_synthetic_scans_shrink_both_classes_alike() -> None:
    arm = compose("synthetic", REAL, people("s", 100, 30), seed=1)
    groups = MADE.reindex(list(arm.synthetic)).fillna("tle")
    assert len(arm.synthetic) == 50 and (groups == "hc").sum() == 20
    assert arm.synthetic_asked == 100
    assert compose("real+0.5", REAL, people("s", 10, 0), seed=1).synthetic == ()


def test_a_smaller_ratio_is_part_of_a_larger_and_the_seed_decides() -> None:
    small, large = (set(compose(name, REAL, MADE, seed=1).synthetic) for name in ("real+0.25", "real+0.5"))
    assert small < large
    assert small != set(compose("real+0.25", REAL, MADE, seed=2).synthetic)


def test_every_arm_of_the_recipe_is_known() -> None:
    from tlesynth.recipe import Classifier

    assert set(Classifier().arms) == set(RATIOS)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_synthetic_id_is_refused(data: Data, tmp_path: Path, split: str) -> None:
    table = durable.read_table(data.splits)
    table.loc[len(table)] = {"participant_id": "sub-syntle00", "group": "tle", "split": split}
    durable.write_table(tmp_path / "splits.tsv", table)
    with pytest.raises(TlesynthError, match=r"DATA-013.*sub-syntle00"):
        refuse_synthetic(tmp_path / "splits.tsv", read_cohort(data.derivatives), read_cohort(data.synthetic))


def test_a_renamed_copy_is_refused(data: Data, tmp_path: Path) -> None:
    derivatives = tmp_path / "derivatives"
    shutil.copytree(data.derivatives, derivatives)
    cohort, made = read_cohort(derivatives), read_cohort(data.synthetic)
    shutil.copy(made.volume_path("sub-synhc02"), cohort.volume_path("sub-realhc12"))
    with pytest.raises(TlesynthError, match=r"DATA-013.*sub-synhc02"):
        refuse_synthetic(data.splits, cohort, made)


def test_clean_splits_pass(data: Data) -> None:
    refuse_synthetic(data.splits, read_cohort(data.derivatives), read_cohort(data.synthetic))
