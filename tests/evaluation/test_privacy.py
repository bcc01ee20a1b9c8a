"""The privacy section: planted copies in a synthetic cohort are counted, absent models are said to be absent."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from people import GRID, person, write_people

from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.evaluation.measure import join, measure_cohort
from tlesynth.evaluation.privacy import privacy
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.recipe import Evaluation, Privacy

TRAINING, COPIES, NEW = 8, 3, 4


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
    return privacy(Inputs(real, None, made, members), measured, splits, None, Privacy(planted=3, subsets=5), how)


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
