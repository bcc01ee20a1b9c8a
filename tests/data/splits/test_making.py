"""The stage as a whole: what it writes, and the leaks it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.splits import make_splits, read_splits
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Split

DEMO = Split(gen_train=0.5, val=0.2, test=0.3)
Write, People, Brain = Callable[..., Path], Callable[..., pd.DataFrame], Callable[[int], np.ndarray]


def test_splits_and_their_companions_are_written(write: Write, people: People, tmp_path: Path) -> None:
    table = people(6, 5)
    out = tmp_path / "run" / "splits.tsv"
    written = make_splits(write(table), out, DEMO, seed=4)
    assert list(written.columns) == ["participant_id", "group", "split"]
    assert sorted(sum(read_splits(out, table.index).values(), [])) == list(table.index)
    assert durable.read_table(tmp_path / "run" / "splits_duplicates.tsv").empty
    audit = json.loads((tmp_path / "run" / "splits_sites.json").read_text())
    assert audit["sites"]["s0"] == {"hc": 2, "tle": 2} and audit["warning"] is None


def test_b06_duplicates_stay_together_aloud(
    write: Write, people: People, brain: Brain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write(people(6, 6), {"sub-05": brain(0), "sub-03": brain(0)})
    for seed in range(4):
        split = make_splits(root, tmp_path / "splits.tsv", DEMO, seed=seed).set_index("participant_id")["split"]
        assert split[["sub-00", "sub-03", "sub-05"]].nunique() == 1
    assert len(durable.read_table(tmp_path / "splits_duplicates.tsv")) == 3
    assert "warning[DATA-020] sub-00 and sub-03" in capsys.readouterr().err


def test_b06_duplicates_with_opposite_labels_are_refused(
    write: Write, people: People, brain: Brain, tmp_path: Path
) -> None:
    root = write(people(4, 4), {"sub-07": brain(0)})
    with pytest.raises(TlesynthError, match="sub-00 is hc, sub-07 is tle") as caught:
        make_splits(root, tmp_path / "splits.tsv", DEMO, seed=0)
    assert (caught.value.code, caught.value.exit_status) == ("DATA-021", 2)
    assert len(durable.read_table(tmp_path / "splits_duplicates.tsv")) == 1
    assert not (tmp_path / "splits.tsv").exists()


def test_b07_a_given_split_that_parts_a_scan_or_a_patient_is_refused(
    write: Write, people: People, brain: Brain, tmp_path: Path
) -> None:
    table = people(4, 4)
    root = write(table, {"sub-01": brain(0)})
    given = tmp_path / "given.tsv"
    split = pd.Series(["train", "train", "val", "test"] * 2, index=table.index, name="split")
    durable.write_table(given, split.reset_index())
    settings = DEMO.model_copy(update={"given": str(given)})
    made = make_splits(root, tmp_path / "splits.tsv", settings, seed=0)
    assert made["split"].tolist() == ["gen_train", "gen_train", "val", "test"] * 2
    patients = tmp_path / "patients.tsv"
    durable.write_table(patients, pd.DataFrame({"participant_id": table.index, "patient_id": [*"abcd", *"efgd"]}))
    with pytest.raises(TlesynthError, match="DATA-021"):
        make_splits(root, tmp_path / "splits.tsv", settings.model_copy(update={"patients": str(patients)}), seed=0)
    split["sub-01"] = "test"
    durable.write_table(given, split.reset_index())
    with pytest.raises(TlesynthError, match=r"DATA-007.*sub-00 \(gen_train\) and sub-01 \(test\)"):
        make_splits(root, tmp_path / "splits.tsv", settings, seed=0)


def test_b16_a_confounded_site_is_warned_of(
    write: Write, people: People, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = people(8, 8)
    table["site"] = table["group"].map({"hc": "north", "tle": "south"})
    make_splits(write(table), tmp_path / "splits.tsv", DEMO, seed=0)
    assert "warning[DATA-012]" in capsys.readouterr().err
    assert "AUC of 1.00" in json.loads((tmp_path / "splits_sites.json").read_text())["warning"]


def test_too_few_of_a_class_are_refused(write: Write, people: People, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="hc 6, tle 3"):
        make_splits(write(people(6, 3)), tmp_path / "splits.tsv", DEMO, seed=4)


def test_a_site_can_be_held_out(write: Write, people: People, tmp_path: Path) -> None:
    table = people(9, 9)
    settings = DEMO.model_copy(update={"leave_one_site_out": "s1"})
    split = make_splits(write(table), tmp_path / "splits.tsv", settings, seed=0).set_index("participant_id")["split"]
    assert ((split == "test") == (table["site"] == "s1")).all()


def test_a_split_that_nothing_could_be_learned_from_is_refused(write: Write, people: People, tmp_path: Path) -> None:
    table = people(9, 9)
    table.loc[table["site"] == "s1", "site"] = "s0"
    table.loc[table["group"] == "hc", "site"] = "controls"
    settings = DEMO.model_copy(update={"leave_one_site_out": "controls"})
    with pytest.raises(TlesynthError, match="DATA-008.*no hc would stand in gen_train"):
        make_splits(write(table), tmp_path / "splits.tsv", settings, seed=0)


def test_a_folder_is_no_table(write: Write, people: People, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="CFG-005"):
        make_splits(write(people(6, 5)), tmp_path, DEMO, seed=4)
