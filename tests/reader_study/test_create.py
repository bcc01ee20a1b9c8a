import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.audit import AUDIT
from tlesynth.reader_study.create import Made, Plan, Sources, create, possible
from tlesynth.reader_study.key import commitment, read_key, require_unchanged
from tlesynth.reader_study.protocol import PROTOCOL
from tlesynth.reader_study.study import ANATOMY, read_study, read_trials, verify_items


def test_the_study_is_whole_and_its_key_is_committed_to(made: Made) -> None:
    study = read_study(made.folder)
    verify_items(made.folder, study)
    assert study == made.study and len(study.items) == 18 and study.readers == ("reader-1", "reader-2")
    assert study.key_sha256 == commitment(made.key.read_bytes())
    key = read_key(made.key, study)
    assert set(key.items) == set(study.items) and key.study == study.id
    trials = read_trials(made.folder)
    assert [len(asked) for asked in trials.values()] == [20, 20]
    assert {t.trial for asked in trials.values() for t in asked if t.kind == "repeat"} == set(key.repeats)


def test_no_real_scan_was_learnt_from(made: Made, cohorts: Sources) -> None:
    splits = durable.read_table(cohorts.splits).set_index("participant_id")["split"]  # ty: ignore[invalid-argument-type]
    real = [t.source for t in read_key(made.key, made.study).items.values() if t.origin == "real"]
    assert "gen_train" not in set(splits[real])


def test_nothing_in_the_study_tells_real_from_synthetic(made: Made) -> None:
    assert json.loads((made.folder / AUDIT).read_text())["verdict"] == "passed"
    public = "".join((made.folder / name).read_text() for name in ("study.json", "manifest.json"))
    assert "sub-" not in public and "real" not in json.dumps(list(made.study.items))
    assert not list(made.folder.rglob("*.key.json"))


def test_the_seed_chooses_the_scans_but_neither_names_nor_orders(made: Made, cohorts: Sources, tmp_path: Path) -> None:
    again = create(cohorts, Plan("yes-no", 16, 2, 2, 2, seed=3), tmp_path / "again")
    one, two = (read_key(m.key, m.study) for m in (made, again))
    assert set(one.items.values()) == set(two.items.values())
    assert not set(one.items) & set(two.items) and one.secret != two.secret


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan("yes-no", 8, 0), "STUDY-003"),
        (Plan("yes-no", 8, 2, 2, 7), "STUDY-003"),
        (Plan("yes-no", -8, repeats=0), "STUDY-003"),
        (Plan("yes-no", 8, convention="upside down"), "STUDY-003"),  # ty: ignore[invalid-argument-type]
        (Plan("2afc", 4, anatomy=True), "STUDY-003"),
        (Plan("other", 8), "STUDY-003"),  # ty: ignore[invalid-argument-type]
        (Plan("yes-no", 60), "STUDY-002"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_leaves_nothing(
    cohorts: Sources, tmp_path: Path, plan: Plan, code: str
) -> None:
    with pytest.raises(TlesynthError, match=code):
        create(cohorts, plan, tmp_path / "study")
    assert not list(tmp_path.iterdir())


def test_what_a_study_asks_is_sealed_and_in_its_protocol(cohorts: Sources, tmp_path: Path) -> None:
    plan = Plan("yes-no", 8, 1, 0, 0, convention="radiological", anatomy=True)
    made = create(cohorts, plan, tmp_path / "study")
    asked, key = read_study(made.folder), read_key(made.key, made.study)
    assert asked.convention == "radiological" and asked.anatomy == ANATOMY
    text = (made.folder / PROTOCOL).read_text()
    assert "the patient's left on the right (radiological)" in text and "5 no fault" in text
    for changed in (replace(asked, convention="neurological"), replace(asked, anatomy=())):
        with pytest.raises(TlesynthError, match="STUDY-006"):
            require_unchanged(made.folder, changed, read_trials(made.folder), key)


def test_what_nobody_is_to_read_can_be_made_again(cohorts: Sources, tmp_path: Path) -> None:
    plan = possible(replace(cohorts, from_split=("test",)), "2afc", 100, 2, 1, 4)
    assert plan.n == 14 and plan.repeats == 1 and plan.foreseeable
    one, two = (create(cohorts, replace(plan, n=4, repeats=0), tmp_path / name) for name in ("one", "two"))
    assert one.study.items == two.study.items and one.study.id == two.study.id


def test_neither_a_study_nor_a_key_is_overwritten_and_the_key_stays_outside(
    made: Made, cohorts: Sources, tmp_path: Path
) -> None:
    plan = Plan("yes-no", 8, 1, 2, 0)
    (tmp_path / "old.key.json").write_text("{}")
    for out, key in ((made.folder, tmp_path / "k.json"), (tmp_path / "old", None)):
        with pytest.raises(TlesynthError, match="CFG-005"):
            create(cohorts, plan, out, key)
    with pytest.raises(TlesynthError, match="STUDY-003"):
        create(cohorts, plan, tmp_path / "new", tmp_path / "new" / "key.json")


def test_a_cohort_whose_voxels_are_of_another_format_makes_no_study(
    cohorts: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlesynth.reader_study import canonical

    plain = canonical.write_item

    def coarse(path: Path, shown: canonical.Bytes, grid: object) -> None:
        plain(path, shown // 16 * 16 if shown[28, 30, 28] % 2 else shown, grid)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(canonical, "write_item", coarse)
    with pytest.raises(TlesynthError, match="STUDY-007"):
        create(cohorts, Plan("yes-no", 8, 1, 2, 0), tmp_path / "study")
    assert not list(tmp_path.iterdir())


def test_pairs_are_of_the_same_scans_for_every_reader(cohorts: Sources, tmp_path: Path) -> None:
    splits = Path(shutil.copy(str(cohorts.splits), tmp_path / "splits.tsv"))
    two = create(replace(cohorts, splits=splits, from_split=("test",)), Plan("2afc", 6, 2, 1, 1), tmp_path / "two")
    key = read_key(two.key, two.study)
    shown = [{frozenset(t.items) for t in asked if t.kind == "case"} for asked in read_trials(two.folder).values()]
    assert shown[0] == shown[1] and len(shown[0]) == 6
    assert all(sorted(key.items[i].origin for i in pair) == ["real", "synthetic"] for pair in shown[0])
    assert two.study.made["from_split"] == ["test"]
