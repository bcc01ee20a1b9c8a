"""The planted cohort: who becomes a patient, and a bad scan that costs nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.simulate import plant_into, simulate_cohort
from tlesynth.data.simulate.cohort import TRUTH
from tlesynth.data.simulate.planting import plan
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Simulate

SETTINGS = Simulate(n_hc=2, n_tle=1, voxel_mm=3.0, sites=1, severity_scale=0.0, sclerosis_share=1.0)


def empty_heads(root: Path, table: str, count: int) -> Path:
    for i in range(count):
        path = root / f"sub-{i:02d}" / "anat" / f"sub-{i:02d}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    durable.write_text(root / "participants.tsv", table)
    durable.write_json(root / "dataset_description.json", {"Name": "heads", "BIDSVersion": "1.9.0"})
    return root


def test_half_become_patients_balanced_by_age_and_sex(tmp_path: Path) -> None:
    rows = [f"{i:02d}\t{20 + i % 10}\t{'female' if i % 2 else 'm'}\tcontrol" for i in range(40)]
    root = empty_heads(tmp_path, "participant_id\tage\tgender\tgroup\n" + "\n".join(rows) + "\n", 40)
    people = pd.DataFrame([vars(h.assignment) for h in plan(root, SETTINGS, 1)])
    hc, tle = (people[people.group == g] for g in ("hc", "tle"))
    assert len(hc) == len(tle) == 20
    assert hc.sex.value_counts().to_dict() == tle.sex.value_counts().to_dict() == {"F": 10, "M": 10}
    assert hc.age.mean() == pytest.approx(tle.age.mean(), abs=0.6)
    assert (tle.side == "left").sum() == 11 and (tle.hs == "yes").all()
    other = [h.assignment.group for h in plan(root, SETTINGS, 2)]
    assert other != list(people.group)


def test_an_odd_head_and_an_unknown_one_stay_controls(tmp_path: Path) -> None:
    root = empty_heads(tmp_path, "participant_id\nsub-00\n", 5)
    heads = plan(root, SETTINGS, 1)
    assert sum(h.assignment.group == "tle" for h in heads) == 2
    assert all(h.site is None and h.assignment.sex == "n/a" and np.isnan(h.assignment.age) for h in heads)


def test_fewer_heads_are_drawn_in_whole_pairs(tmp_path: Path) -> None:
    root = empty_heads(tmp_path, "participant_id\tage\n" + "\n".join(f"sub-{i:02d}\t{30 + i}" for i in range(20)), 20)
    heads = plan(root, SETTINGS, 1, most=9)
    assert len(heads) == 8 and sum(h.assignment.group == "tle" for h in heads) == 4
    ages = sorted(int(h.assignment.age) for h in heads)
    assert all(b - a == 1 for a, b in zip(ages[::2], ages[1::2], strict=True))
    assert len(plan(root, SETTINGS, 1, most=50)) == 20


def test_no_scan_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-002"):
        plant_into(tmp_path / "none", SETTINGS, tmp_path / "out", seed=1, jobs=1)


def test_heads_of_patients_are_not_used(tmp_path: Path) -> None:
    rows = "\n".join(f"sub-{i:02d}\t{'tle' if i < 3 else 'hc'}" for i in range(10))
    root = empty_heads(tmp_path, f"participant_id\tgroup\n{rows}\n", 10)
    names = {head.assignment.participant_id for head in plan(root, SETTINGS, 1)}
    assert names == {f"sub-{i:02d}" for i in range(3, 10)}


def test_the_source_is_never_written_to(tmp_path: Path) -> None:
    root = empty_heads(tmp_path, "participant_id\nsub-00\n", 4)
    for out in (root, root / "derivatives" / "planted"):
        with pytest.raises(TlesynthError, match="CFG-005"):
            plant_into(root, SETTINGS, out, seed=1, jobs=1)


def test_a_table_is_no_folder_of_heads(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,group\n")
    with pytest.raises(TlesynthError, match="DATA-002.*not from a table"):
        plant_into(tmp_path / "manifest.csv", SETTINGS, tmp_path / "out", seed=1, jobs=1)


def test_a_bad_scan_is_skipped_and_the_rest_is_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source, out = Path("source"), Path("out")  # relative, as people type them
    simulate_cohort(SETTINGS, source, seed=3, jobs=1)
    table = source / "participants.tsv"
    table.write_text(table.read_text().replace("tle\t", "hc\t"))
    (source / "sub-sim0003" / "anat" / "sub-sim0003_T1w.nii.gz").write_bytes(b"")
    settings = SETTINGS.model_copy(update={"severity_scale": 1.5})
    plant_into(source, settings, out, seed=1, jobs=1)
    outcomes = durable.read_table(out / TRUTH / "outcomes.tsv").set_index("participant_id")
    assert outcomes.code["sub-sim0003"] == "NII-001" and list(outcomes.status) == ["ok", "ok", "failed"]
    assert list(durable.read_table(out / "participants.tsv").participant_id) == ["sub-sim0001", "sub-sim0002"]
    truth = pd.read_csv(out / TRUTH / "truth.tsv", sep="\t", index_col="participant_id")
    for name in truth.index:
        before, after = (volume.read(f / name / "anat" / f"{name}_T1w.nii.gz") for f in (source, out))
        assert np.array_equal(before.affine, after.affine) and before.voxels.shape == after.voxels.shape
        assert np.array_equal(after.voxels, np.rint(after.voxels))
        assert 0 < (before.voxels != after.voxels).mean() < 0.2
        for side in ("left", "right"):
            checked = truth[f"hippocampus_{side}_tube_after_mm3"] / truth[f"hippocampus_{side}_tube_before_mm3"]
            assert checked[name] == pytest.approx(truth[f"ratio_hippocampus_{side}"][name], abs=0.03)
