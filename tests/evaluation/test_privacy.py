"""The privacy section: planted copies in a synthetic cohort are counted, absent models are said to be absent."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from people import GRID, person, write_people

from tlesynth import durable
from tlesynth.data.cohort import GROUPS, Cohort, CohortWriter, read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.evaluation import privacy as section
from tlesynth.evaluation.measure import join, measure_cohort
from tlesynth.evaluation.membership import Models
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.recipe import Evaluation, Privacy

TRAINING, COPIES, NEW = 8, 3, 5


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root: Path = tmp_path_factory.mktemp("audit")
    derivatives, splits = write_people(root, TRAINING, 4)
    writer = CohortWriter(root / "synthetic", GRID, "synthetic", "made", "phantoms")
    numbers = [*range(COPIES), *range(500, 500 + NEW)]
    for number in numbers:
        writer.write(f"sub-syn{number:03d}", person(number)[::-1], {})
    names = pd.Index([f"sub-syn{number:03d}" for number in numbers])
    writer.finish(pd.DataFrame({"group": ["hc"] * len(numbers)}, index=names))
    real, made = read_cohort(derivatives), read_cohort(root / "synthetic")
    members = read_splits(splits, real.ids)
    split_of = {i: split for split, ids in members.items() for i in ids}
    measured = join(
        measure_cohort(real, "real", split_of), measure_cohort(made, "synthetic", dict.fromkeys(made.ids, "synthetic"))
    )
    how = Intervals(Evaluation(bootstrap=100), 1)
    return section.privacy(
        Inputs(real, None, made, members), measured, splits, None, Privacy(planted=3, subsets=5), how
    )


def test_mirrored_copies_are_counted(told: dict[str, Any]) -> None:
    copies = told["copies"]
    assert copies["share"]["value"] >= COPIES / (COPIES + NEW) - 1e-6
    assert copies["repeated_training_scans"]["value"] >= COPIES / TRAINING
    assert copies["planted_recall"]["flipped"]["value"] == 1.0
    assert copies["false_alarms"]["n"] == 4 and copies["gate"] == "the cohort carries no certificate"


def test_nearest_distances_stand_in_each_space(told: dict[str, Any]) -> None:
    for space in ("voxel", "embedding"):
        assert 0 <= told["nearest"][space]["share"]["value"] <= 1 and told["nearest"][space]["compared_with"] == 8
    assert told["nearest"]["embedding"]["features"] == "radiomic-42"


def test_models_that_are_not_there_are_named(told: dict[str, Any]) -> None:
    absent = "the models and the latents are not there"
    assert told["nearest"]["latent"]["not_computed"] == absent
    assert told["membership"]["denoiser"]["not_computed"] == absent


class Sorted:
    """Thirty-two training and as many held-out scans, half of them patients: their error is larger, members or not."""

    def __init__(self, root: Path, names: str) -> None:
        self.splits, self.asked = root / "splits.tsv", []
        rows = [
            (names.format(letter=letter, number=n), group, ("gen_train", "val")[n % 2])
            for letter, group in zip("CP", GROUPS, strict=True)
            for n in range(32)
        ]
        table = pd.DataFrame(rows, columns=["participant_id", "group", "split"]).sort_values("participant_id")
        durable.write_table(self.splits, table)
        self.table, people = table, table.set_index("participant_id")
        self.members = {name: list(rows["participant_id"]) for name, rows in table.groupby("split")}
        real = Cohort(root, GRID, "preproc", people)
        self.inputs = Inputs(real, None, Cohort(root, GRID, "synthetic", people.drop(columns="split")), self.members)

    def errors(self, ids: list[str]) -> np.ndarray:
        self.asked.append(ids)
        group = self.table.set_index("participant_id")["group"].loc[ids]
        return np.where(group == "tle", 3.0, 0.0) + np.random.default_rng(len(self.asked)).normal(size=len(ids))


@pytest.mark.parametrize("names", ["sub-{letter}{number:02d}", "sub-{number:02d}{letter}"])
def test_however_names_are_sorted_patients_are_asked_and_give_nobody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    run = Sorted(tmp_path, names)
    monkeypatch.setattr(section, "latents_of", lambda models, splits, names, ids: SimpleNamespace(ids=ids))
    monkeypatch.setattr(section, "denoising_errors", lambda models, data, draws, seed: run.errors(data.ids))
    monkeypatch.setattr(section, "reconstruction_errors", lambda models, cohort, ids: run.errors(ids))
    models = Models(None, None, None, None)  # ty: ignore[invalid-argument-type]
    how = Intervals(Evaluation(bootstrap=100), 1)
    told = section._membership(run.inputs, models, run.splits, Privacy(membership_scans=20), how)
    for asked in run.asked:
        groups = run.table.set_index("participant_id")["group"].loc[asked].value_counts().to_dict()
        assert groups == {"hc": 10, "tle": 10}
    for model in ("denoiser", "autoencoder"):
        assert told[model]["auc"]["low"] < 0.5 < told[model]["auc"]["high"]
