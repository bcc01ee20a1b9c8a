"""Every arm learns, takes the same steps, keeps its counts and its val predictions, and resumes; leaks are refused."""

import json
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.classifier.model import load_config, predict
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.locking import holding

from .conftest import SETTINGS, Data, train

COUNTS = {"real": (16, 0), "synthetic": (0, 10), "real+0.25": (16, 4), "real+0.5": (16, 8)}


@pytest.mark.parametrize("arm", list(COUNTS))
def test_arms_take_equal_steps_on_the_right_scans(trained: Path, arm: str) -> None:
    done = json.loads((trained / arm / "done.json").read_text())
    assert done["steps"] == SETTINGS.steps
    assert (done["n_train"]["real"], done["n_train"]["synthetic"]) == COUNTS[arm]
    steps = [line.split(",")[0] for line in (trained / arm / "metrics.csv").read_text().splitlines()[1:]]
    assert max(int(s) for s in steps) == SETTINGS.steps


def test_fewer_synthetic_scans_than_asked_are_recorded(trained: Path) -> None:
    assert load_config(trained / "synthetic" / "model").n_train == {"real": 0, "synthetic": 10, "synthetic_asked": 16}


def test_the_bright_corner_is_learned(trained: Path, data: Data) -> None:
    cohort = read_cohort(data.derivatives)
    table = durable.read_table(data.splits)
    ids = list(table["participant_id"][table["split"] == "test"])
    found = predict(trained / "real" / "model", cohort.volumes(ids), cohort.grid)
    tle = (cohort.participants.loc[ids, "group"] == "tle").to_numpy()
    assert found[tle].min() > found[~tle].max()


def test_val_predictions_hold_val_alone(trained: Path, data: Data) -> None:
    table = durable.read_table(data.splits)
    found = durable.read_table(trained / "real" / "val_predictions.tsv")
    assert sorted(found["participant_id"]) == sorted(table["participant_id"][table["split"] == "val"])


def test_finished_arms_are_kept_and_the_same_seed_gives_the_same_weights(
    trained: Path, data: Data, tmp_path: Path
) -> None:
    before = durable.sha256(trained / "real" / "model" / "classifier.safetensors")
    train(data, trained)
    assert durable.sha256(trained / "real" / "model" / "classifier.safetensors") == before
    train(data, tmp_path, SETTINGS.model_copy(update={"arms": ("real",)}))
    assert durable.sha256(tmp_path / "real" / "model" / "classifier.safetensors") == before


def test_a_planted_leak_is_refused_before_training(data: Data, tmp_path: Path) -> None:
    table = durable.read_table(data.splits)
    table.loc[len(table)] = {"participant_id": "sub-synhc00", "group": "hc", "split": "test"}
    durable.write_table(tmp_path / "splits.tsv", table)
    with pytest.raises(TlesynthError, match="DATA-013"):
        train(Data(data.derivatives, data.synthetic, tmp_path / "splits.tsv"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_second_training_in_the_same_folder_is_refused(data: Data, tmp_path: Path) -> None:
    with holding(tmp_path), pytest.raises(TlesynthError, match="OPS-010") as caught:
        train(data, tmp_path)
    assert caught.value.exit_status == 8


def test_val_needs_both_classes(data: Data, tmp_path: Path) -> None:
    table = durable.read_table(data.splits)
    table.loc[(table["split"] == "val") & (table["group"] == "tle"), "split"] = "audit_holdout"
    durable.write_table(tmp_path / "splits.tsv", table)
    with pytest.raises(TlesynthError, match=r"DATA-008.*val"):
        train(Data(data.derivatives, data.synthetic, tmp_path / "splits.tsv"), tmp_path / "out")
