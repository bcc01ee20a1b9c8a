"""The pipeline: done stages are skipped, changed ones refused or redone, stopped ones resumed."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth import durable, recipe
from tlesynth.errors import TlesynthError, fail
from tlesynth.locking import holding
from tlesynth.pipeline import run_stages, stages
from tlesynth.pipeline.plan import plan
from tlesynth.pipeline.run import stage_keys
from tlesynth.pipeline.stages import Context, Stage
from tlesynth.weights import FOLDER_VARIABLE


class Kitchen:
    """Stages that write a line each and remember that they were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fault: Exception | None = None
        self.signal = 0
        made = tuple(replace(stage, do=self.cook(stage)) for stage in stages.STAGES)
        monkeypatch.setattr(stages, "STAGES", made)

    def cook(self, stage: Stage):  # noqa: ANN201
        def do(context: Context) -> None:
            self.calls.append(stage.name)
            if stage.name == "encode" and self.fault:
                raise self.fault
            if stage.name == "encode" and self.signal:
                os.kill(os.getpid(), self.signal)
            for name in stage.writes:
                durable.write_text(context.out / name / "x.txt" if "." not in name else context.out / name, "x")

        return do


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    return Kitchen(monkeypatch)


def context(out: Path, *overrides: str, given: Path | None = None) -> Context:
    return Context(recipe.load("tiny", overrides), out, given)


NAMES = [stage.name for stage in stages.stages_of(context(Path()))]


def test_missing_weights_of_the_training_are_told_before_any_work(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(TlesynthError, match="WTS-001.*weights fetch alexnet"):
        run_stages(context(tmp_path / "r", "autoencoder.perceptual=lpips-alex"))
    assert kitchen.calls == []
    durable.write_json(tmp_path / "r" / "autoencoder" / "done.json", {})
    run_stages(context(tmp_path / "r", "autoencoder.perceptual=lpips-alex"))
    assert kitchen.calls == NAMES


def test_the_second_run_does_nothing(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    assert kitchen.calls == NAMES
    run_stages(context(tmp_path / "r"))
    assert kitchen.calls == NAMES


def test_a_changed_recipe_is_refused_before_any_work(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    with pytest.raises(TlesynthError, match="sample, train classifier, evaluate, rehearse, report") as caught:
        run_stages(context(tmp_path / "r", "sample.guidance=3"))
    assert caught.value.code == "CFG-010" and caught.value.exit_status == 2
    assert len(kitchen.calls) == len(NAMES)


def test_replace_redoes_only_what_differs(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    kitchen.calls.clear()
    run_stages(context(tmp_path / "r", "sample.guidance=3"), replace=True)
    assert kitchen.calls == ["sample", "train classifier", "evaluate", "rehearse", "report"]


def test_other_limits_of_the_gate_judge_anew_and_redo_nothing_else(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    for overrides in (["autoencoder.gate.l1=0.5"], ["autoencoder.gate.l1=0.5", "diffusion.accept_failed_gate=true"]):
        kitchen.calls.clear()
        run_stages(context(tmp_path / "r", *overrides))
        judged = ["train autoencoder", "encode", "report"] if len(overrides) == 1 else []
        assert kitchen.calls == judged and (tmp_path / "r/diffusion/x.txt").is_file()


def test_a_failed_stage_is_taken_up_again(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.fault = fail("NUM-001", "step 3")
    with pytest.raises(TlesynthError):
        run_stages(context(tmp_path / "r"))
    kitchen.fault = None
    kitchen.calls.clear()
    run_stages(context(tmp_path / "r"))
    assert kitchen.calls == NAMES[NAMES.index("encode") :]


def test_a_stop_request_ends_with_75_and_the_same_command_goes_on(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.signal = signal.SIGTERM
    with pytest.raises(TlesynthError) as caught:
        run_stages(context(tmp_path / "r"))
    assert caught.value.exit_status == 75
    kitchen.signal = 0
    run_stages(context(tmp_path / "r"))
    assert kitchen.calls.count("preprocess") == 1 and kitchen.calls[-1] == "report"


def test_a_removed_output_is_made_again(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    (tmp_path / "r/report.html").unlink()
    kitchen.calls.clear()
    run_stages(context(tmp_path / "r"))
    assert kitchen.calls == ["report"]


def test_a_given_cohort_replaces_simulation_and_its_change_is_seen(kitchen: Kitchen, tmp_path: Path) -> None:
    scan = tmp_path / "bids/sub-1/anat/sub-1_T1w.nii.gz"
    durable.write_text(scan, "one")
    first = context(tmp_path / "r", given=tmp_path / "bids")
    run_stages(first)
    assert "simulate" not in kitchen.calls
    before = stage_keys(first)
    durable.write_text(scan, "longer")
    assert stage_keys(first)["preprocess"] != before["preprocess"]


def test_folders_that_are_not_runs_are_left_alone(kitchen: Kitchen, tmp_path: Path) -> None:
    durable.write_text(tmp_path / "mine/thesis.txt", "x")
    durable.write_text(tmp_path / "bids/participants.tsv", "x")
    durable.write_text(tmp_path / "file", "x")
    for bad in (
        context(tmp_path / "mine"),
        context(tmp_path / "file"),
        context(tmp_path / "bids/out", given=tmp_path / "bids"),
    ):
        with pytest.raises(TlesynthError) as caught:
            run_stages(bad)
        assert caught.value.code == "CFG-005"
    assert kitchen.calls == []


def test_a_recipe_without_a_group_is_refused_before_any_work(kitchen: Kitchen, tmp_path: Path) -> None:
    recipe_file = tmp_path / "age.yaml"
    recipe_file.write_text("diffusion: {conditions: {age: {quantity: true}}}")
    by_age = Context(recipe.load(str(recipe_file)), tmp_path / "r")
    with pytest.raises(TlesynthError, match=r"CFG-011.*group"):
        run_stages(by_age)
    with pytest.raises(TlesynthError, match=r"CFG-011.*group"):
        plan(by_age)
    assert kitchen.calls == [] and not (tmp_path / "r").exists()


def test_another_condition_costs_no_voxel_and_no_autoencoder(kitchen: Kitchen, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    for conditions in ("{group: {}}", "{group: {}, severity: {quantity: true}}"):
        kitchen.calls.clear()
        own.write_text(f"autoencoder: {{perceptual: none}}\ndiffusion: {{conditions: {conditions}}}")
        run_stages(Context(recipe.load(str(own)), tmp_path / "r"), replace=True)
    from_there = [name for name in NAMES[NAMES.index("train diffusion") :] if name != "rehearse"]  # not asked for
    assert kitchen.calls == ["preprocess", "encode", *from_there]


def test_a_second_run_in_the_same_folder_is_told_who_holds_it(kitchen: Kitchen, tmp_path: Path) -> None:
    with holding(tmp_path / "r"), pytest.raises(TlesynthError) as caught:
        run_stages(context(tmp_path / "r"))
    assert caught.value.code == "OPS-010" and caught.value.exit_status == 8 and str(os.getpid()) in str(caught.value)


def test_the_run_leaves_its_resolved_recipe_and_the_time_of_each_stage(kitchen: Kitchen, tmp_path: Path) -> None:
    run_stages(context(tmp_path / "r"))
    assert recipe.load(tmp_path / "r/recipe.yaml") == recipe.load("tiny")
    record = json.loads((tmp_path / "r/stages/train-diffusion.json").read_text())
    assert record["state"] == "finished" and record["seconds"] >= 0


def test_a_repaired_scan_costs_no_other_subject(kitchen: Kitchen, tmp_path: Path) -> None:
    scan = tmp_path / "bids/sub-1/anat/sub-1_T1w.nii.gz"
    durable.write_text(scan, "one")
    run_stages(context(tmp_path / "r", given=tmp_path / "bids"))
    durable.write_text(tmp_path / "r/derivatives/sub-2.txt", "finished before")
    durable.write_text(scan, "repaired")
    run_stages(context(tmp_path / "r", given=tmp_path / "bids"), replace=True)
    assert (tmp_path / "r/derivatives/sub-2.txt").exists()
    run_stages(context(tmp_path / "r", "preprocess.n4=false", given=tmp_path / "bids"), replace=True)
    assert not (tmp_path / "r/derivatives/sub-2.txt").exists()


def test_a_link_without_its_content_is_left_to_preprocessing(kitchen: Kitchen, tmp_path: Path) -> None:
    scan = tmp_path / "bids/sub-1/anat/sub-1_T1w.nii.gz"
    scan.parent.mkdir(parents=True)
    scan.symlink_to(tmp_path / "annex/object")
    run_stages(context(tmp_path / "r", given=tmp_path / "bids"))
    assert kitchen.calls[0] == "preprocess"


def test_a_stage_that_made_nothing_does_not_bind_the_folder(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.fault = fail("DATA-003", "participants.tsv")
    with pytest.raises(TlesynthError):
        run_stages(context(tmp_path / "r"))
    kitchen.fault = None
    run_stages(context(tmp_path / "r", "sample.guidance=3"))
    assert kitchen.calls[-1] == "report"


def test_tuning_is_a_stage_where_the_recipe_asks_for_it(kitchen: Kitchen, tmp_path: Path) -> None:
    assert "tune" not in NAMES
    run_stages(context(tmp_path / "r", "sample.tuned=true"))
    assert kitchen.calls == [*NAMES[: NAMES.index("sample")], "tune", *NAMES[NAMES.index("sample") :]]
    kitchen.calls.clear()
    run_stages(context(tmp_path / "r", "sample.tuned=true", "tune.n=9"), replace=True)
    assert kitchen.calls == ["tune", "sample", "train classifier", "evaluate", "rehearse", "report"]
    assert (tmp_path / "r/diffusion/x.txt").is_file()
    kitchen.calls.clear()
    run_stages(context(tmp_path / "r"), replace=True)
    assert kitchen.calls == ["sample", "train classifier", "evaluate", "rehearse", "report"]
