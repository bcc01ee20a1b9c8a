"""Nobody judges who was learned from; val and test are dealt out anew; each site can be held out."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.augment_study.preparing import prepare
from tlesynth.augment_study.splits import StudySplit, require_unseen, site_splits, study_splits
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AugmentStudy, Split

from .conftest import folders_of, small_recipe

STRATA = Split(stratify=("group", "site"))


def made(run: Path, **settings: object) -> list[StudySplit]:
    study = AugmentStudy(splits=4, **settings)
    return study_splits(run / "splits.tsv", read_cohort(run / "derivatives"), study, STRATA, seed=1)


def test_each_split_deals_val_and_test_out_anew(run: Path) -> None:
    splits = made(run)
    groups = read_cohort(run / "derivatives").participants["group"]
    held_out = {i for s in splits for i in (*s.val, *s.test)}
    assert len(splits) == 4 and len({s.test for s in splits}) > 1
    for split in splits:
        assert (len(split.train), len(split.val), len(split.test)) == (12, 6, 8)
        assert not set(split.val) & set(split.test)
        assert groups[list(split.test)].value_counts().to_dict() == {"hc": 4, "tle": 4}
    assert len(held_out) == 14 and not any("13" in i for i in held_out), "audit_holdout takes no part"


def side_of(run: Path) -> pd.Series:
    return read_cohort(run / "derivatives").participants["side"]


@pytest.mark.parametrize("judges", ["resampled", "fixed"])
def test_where_the_side_is_asked_every_split_has_both_sides_and_no_control(run: Path, judges: str) -> None:
    study, cohort = AugmentStudy(splits=6, judges=judges), read_cohort(run / "derivatives")
    for split in study_splits(run / "splits.tsv", cohort, study, STRATA, seed=1, task="side"):
        for ids in (split.train, split.val, split.test):
            assert set(side_of(run)[list(ids)]) == {"left", "right"}
    assert len({*split.val, *split.test}) == 7


def sides(run: Path, root: Path, **sides: str | None) -> Path:
    """The run with other sides for some patients: ``p07="left"``."""
    shutil.copytree(run, root)
    table = durable.read_table(root / "derivatives" / "participants.tsv").set_index("participant_id")
    for name, side in sides.items():
        table.loc[f"sub-realtle{name[1:]}", "side"] = side
    durable.write_table(root / "derivatives" / "participants.tsv", table.reset_index())
    return root


def test_a_patient_of_unknown_side_is_not_asked_and_his_other_id_still_is(run: Path, tmp_path: Path) -> None:
    root = sides(run, tmp_path / "run", p06=None)
    pair = pd.DataFrame([("sub-realtle06", "sub-realtle07")], columns=["first", "second"])
    durable.write_table(root / "splits_duplicates.tsv", pair)
    study, cohort = AugmentStudy(splits=3), read_cohort(root / "derivatives")
    for split in study_splits(root / "splits.tsv", cohort, study, STRATA, seed=1, task="side"):
        assert "sub-realtle06" not in {*split.val, *split.test} and "sub-realtle07" in {*split.val, *split.test}


@pytest.mark.parametrize(("judges", "why"), [("fixed", "in own no scan of left"), ("resampled", "no scan of left")])
def test_a_class_that_no_split_can_have_is_refused_before_any_training(
    run: Path, tmp_path: Path, judges: str, why: str
) -> None:
    root = sides(run, tmp_path / "run", **{f"p{k:02d}": "right" for k in range(6, 13)})
    study, cohort = AugmentStudy(judges=judges), read_cohort(root / "derivatives")
    with pytest.raises(TlesynthError, match=why) as caught:
        study_splits(root / "splits.tsv", cohort, study, STRATA, seed=1, task="side")
    assert caught.value.code == "DATA-008"


def test_a_site_without_both_sides_is_left_out_and_named(run: Path) -> None:
    """Sites and sides alternate together: every patient of site0 has seizures on the left."""
    cohort = read_cohort(run / "derivatives")
    splits, left_out = site_splits(run / "splits.tsv", cohort, STRATA, "side")
    assert not splits and set(left_out) == {"site0", "site1"} and "0 scans of a class" in left_out["site0"]


def test_fixed_is_the_runs_own(run: Path) -> None:
    (only,) = made(run, judges="fixed")
    assert set(only.test) == {f"sub-real{g}{k:02d}" for g in ("hc", "tle") for k in (9, 10, 11, 12)}


def test_a_held_out_site_is_not_mixed_with_val(run: Path) -> None:
    study, cohort = AugmentStudy(), read_cohort(run / "derivatives")
    with pytest.raises(TlesynthError, match="set it to fixed") as caught:
        study_splits(run / "splits.tsv", cohort, study, Split(leave_one_site_out="site1"), seed=1)
    assert caught.value.code == "CFG-002"


def test_ids_of_one_scan_are_not_parted(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    pair = pd.DataFrame([("sub-realhc06", "sub-realhc09")], columns=["first", "second"])
    durable.write_table(tmp_path / "run" / "splits_duplicates.tsv", pair)
    for split in made(tmp_path / "run"):
        assert len({"sub-realhc06", "sub-realhc09"} & set(split.test)) in (0, 2)


def test_every_site_is_held_out_of_training_and_val(run: Path) -> None:
    cohort = read_cohort(run / "derivatives")
    splits, left_out = site_splits(run / "splits.tsv", cohort, STRATA)
    site = cohort.participants["site"]
    assert [s.site for s in splits] == ["site0", "site1"] and not left_out
    for split in splits:
        assert set(site[list(split.test)]) == {split.site}
        assert split.site not in set(site[[*split.train, *split.val]])


def test_a_planted_leak_is_refused(run: Path, tmp_path: Path) -> None:
    """A scan the generator was trained on is moved to test after the training: its latents' index remembers."""
    shutil.copytree(run, tmp_path / "run")
    table = durable.read_table(run / "splits.tsv")
    table.loc[table["participant_id"] == "sub-realtle00", "split"] = "test"
    durable.write_table(tmp_path / "run" / "splits.tsv", table)
    with pytest.raises(TlesynthError, match="sub-realtle00 .*the generator learned from it") as caught:
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", small_recipe())
    assert caught.value.code == "DATA-030" and caught.value.exit_status == 2
    assert not (tmp_path / "study" / "plan.json").exists()


def test_without_the_index_of_the_latents_nobody_knows_whom_the_generator_saw(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "latents" / "index.tsv").unlink()
    with pytest.raises(TlesynthError, match=r"DATA-011.*index\.tsv"):
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", small_recipe())
    durable.write_text(tmp_path / "run" / "latents" / "index.tsv", "participant_id\nsub-realhc00\n")
    with pytest.raises(TlesynthError, match="DATA-001.*no column split"):
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", small_recipe())


def test_a_judge_that_trains_or_chooses_is_refused() -> None:
    for split in (StudySplit("s", ("a",), ("b",), ("a",)), StudySplit("s", ("a",), ("b",), ("b",))):
        with pytest.raises(TlesynthError, match="DATA-030"):
            require_unseen([split], [], Path("splits.tsv"))


def test_a_synthetic_scan_never_judges(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    real = read_cohort(tmp_path / "run" / "derivatives")
    made_scan = read_cohort(tmp_path / "run" / "synthetic").volume_path("sub-syntle00")
    shutil.copyfile(made_scan, real.volume_path("sub-realtle10"))
    with pytest.raises(TlesynthError, match="DATA-013"):
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", small_recipe())
