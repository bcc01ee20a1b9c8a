"""What a run allows becomes a design: arms without their scans are named, cohorts on two grids refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tlesynth import durable
from tlesynth.augment_study import preparing
from tlesynth.augment_study.preparing import prepare
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS

from .conftest import folders_of, small_recipe


def test_the_design_of_a_small_run(run: Path, tmp_path: Path) -> None:
    recipe = small_recipe(controls=("classical", "more-real", "reconstructed"), learning_curve=(4,), ratios=(1.0, 2.0))
    ready = prepare(folders_of(run), tmp_path, recipe)
    assert ready.design.arms == ("real", "real+1", "classical", "more-real", "real-n4")
    assert set(ready.design.missing) == {"real+2", "reconstructed"}
    assert ready.at.spare == ("sub-realhc13", "sub-realtle13")
    assert ready.steps == {"efficientnet": 4}
    assert len(ready.inputs["own_test"]) == 8 and ready.inputs["real_scans"] == 12


def test_a_real_cohort_spends_no_holdout(run: Path, tmp_path: Path) -> None:
    recipe = small_recipe(controls=("classical", "more-real"))
    ready = prepare(folders_of(run, simulated=False), tmp_path, recipe)
    assert ready.at.spare == () and "privacy audit" in ready.design.missing["more-real"]


@pytest.mark.parametrize(
    ("kind", "named", "expected"),
    [
        ("efficientnet", (), ("efficientnet", "volumes")),
        ("volumes", (), ("volumes",)),
        ("efficientnet", ("cnn3d",), ("cnn3d",)),
    ],
)
def test_measured_volumes_are_trained_beside_a_network_unless_kinds_are_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, named: tuple[str, ...], expected: object
) -> None:
    monkeypatch.setattr(preparing, "measure", lambda _: None)  # noise has no structures to measure
    recipe = small_recipe(classifiers=named)
    recipe = recipe.model_copy(update={"classifier": recipe.classifier.model_copy(update={"kind": kind})})
    assert prepare(folders_of(run), tmp_path, recipe).design.networks == expected


def test_too_few_synthetic_scans_for_any_ratio_are_refused_before_any_training(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="6 synthetic hc for 6 real and 6 synthetic tle for 6 real") as caught:
        prepare(folders_of(run), tmp_path, small_recipe(ratios=(2.0, 4.0)))
    assert caught.value.code == "DATA-031" and "smaller augment_study.ratios" in str(caught.value)


def test_synthetic_patients_without_a_side_teach_no_side(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    table = durable.read_table(run / "synthetic" / "participants.tsv").assign(side=None)
    durable.write_table(tmp_path / "run" / "synthetic" / "participants.tsv", table)
    recipe = small_recipe()
    recipe = recipe.model_copy(update={"classifier": recipe.classifier.model_copy(update={"task": "side"})})
    assert "real+0.5" in prepare(folders_of(run), tmp_path / "sided", recipe).design.arms
    with pytest.raises(TlesynthError, match="the task side finds 0 synthetic right .* they need a side"):
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", recipe)


def test_cohorts_on_two_grids_are_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    made = read_cohort(run / "synthetic")
    shutil.rmtree(tmp_path / "run" / "synthetic")
    grid = GRIDS["mni-3mm"]
    writer = CohortWriter(tmp_path / "run" / "synthetic", grid, "syn", "other", "on another grid")
    writer.write(made.ids[0], np.zeros(grid.shape, np.float32), {})
    writer.finish(made.participants.iloc[:1])
    with pytest.raises(TlesynthError, match="NII-030"):
        prepare(folders_of(tmp_path / "run"), tmp_path / "study", small_recipe())
