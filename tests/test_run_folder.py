"""What a run leaves: sound checkpoints, few of them, metrics that a resumed run does not repeat."""

import json
from pathlib import Path

import pytest
import torch

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.run_folder import Keeping, RunFolder, environment


def test_checkpoints_come_back_bit_for_bit_and_only_the_newest_stay(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, {"a": 1})
    for step in (1, 2, 3):
        run.save(f"step-{step:08d}", {"w": torch.full((2,), float(step))}, {"step": step})
    run.save("best", {"w": torch.zeros(2)}, {"step": 1})
    newest = run.load_newest()
    assert newest is not None and newest.state == {"step": 3} and newest.tensors["w"].tolist() == [3, 3]
    names = sorted(f.name for f in (tmp_path / "checkpoints").iterdir())
    assert names == ["best", "step-00000002", "step-00000003"]


def test_a_finished_run_keeps_its_best_only(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, {})
    run.save("step-00000001", {"w": torch.zeros(1)}, {})
    run.save("best", {"w": torch.zeros(1)}, {})
    assert not run.finished
    run.finish({"steps": 1})
    assert run.finished and [f.name for f in (tmp_path / "checkpoints").iterdir()] == ["best"]


def test_milestones_stay_for_good(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, {}, Keeping(newest=1, milestone_steps=4))
    for step in range(2, 12, 2):
        run.save(f"step-{step:08d}", {"w": torch.zeros(1)}, {})
    names = sorted(f.name for f in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000004", "step-00000008", "step-00000010"]
    run.finish({})
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_a_run_that_never_took_a_step_makes_room_for_other_settings(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, {"perceptual": "lpips-alex"})
    run = RunFolder.open(tmp_path, {"perceptual": "ssim3d"})
    assert durable.read_json(tmp_path / "settings.json") == {"perceptual": "ssim3d"}
    run.log("turn")
    with pytest.raises(TlesynthError, match=r"CFG-010.*perceptual"):
        RunFolder.open(tmp_path, {"perceptual": "none"})


def test_a_run_is_held_by_one_training(tmp_path: Path) -> None:
    with RunFolder.held(tmp_path / "run", {"a": 1}) as run:
        before = durable.manifest_of(run.path)
        for settings in ({"a": 1}, {"a": 2}):  # nothing of the second one's settings may be written either
            with pytest.raises(TlesynthError, match="OPS-010.*process"), RunFolder.held(run.path, settings):
                pass
        with RunFolder.held(run.path, {"a": 1}, leader=False) as other:  # the same training's other processes
            assert not other.leader
        assert durable.manifest_of(run.path) == before
    with RunFolder.held(tmp_path / "run", {"a": 1}) as again:
        assert again.unused


def test_a_models_folder_is_refused_without_a_trace(tmp_path: Path) -> None:
    with durable.publishing(tmp_path / "model") as folder:
        durable.write_json(folder / "config.json", {})
    with pytest.raises(TlesynthError, match="CFG-010"), RunFolder.held(tmp_path / "model", {}):
        pass
    durable.verify(tmp_path / "model")


def test_metrics_are_a_table_without_holes_in_its_header(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, {})
    run.log_metrics(1, "fit", {"loss": 0.5})
    run.log_metrics(2, "fit", {"val_score": 0.25})
    run.write_metrics()
    assert (tmp_path / "metrics.csv").read_text() == "step,phase,loss,val_score\n1,fit,0.5,\n2,fit,,0.25\n"
    again = RunFolder.open(tmp_path, {})
    again.rewind_metrics(1)
    again.write_metrics()
    assert (tmp_path / "metrics.csv").read_text() == "step,phase,loss\n1,fit,0.5\n"


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, {})
    (tmp_path / "checkpoints" / f"{durable.TEMPORARY}x-step-1").mkdir(parents=True)
    RunFolder.open(tmp_path, {})
    assert not list((tmp_path / "checkpoints").iterdir())


def test_events_are_lines_of_json(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, {})
    run.log("resumed", step=4)
    event = json.loads((tmp_path / "log.jsonl").read_text())
    assert event["event"] == "resumed" and event["step"] == 4


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        RunFolder.open(tmp_path, {}).load("best")
    assert caught.value.code == "CKP-001"


def test_the_environment_names_versions_but_no_machine() -> None:
    import socket

    known = environment()
    assert known["packages"]["torch"] == torch.__version__.split("+")[0] or known["packages"]["torch"]
    assert socket.gethostname() not in json.dumps(known)


def test_whoever_does_not_lead_writes_nothing(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, {"a": 1}).save("step-00000001", {"w": torch.ones(1)}, {"step": 1})
    before = durable.manifest_of(tmp_path)
    run = RunFolder.open(tmp_path, {"a": 1}, leader=False)
    run.log("event")
    run.log_metrics(1, "fit", {"loss": 0.5})
    run.write_metrics()
    run.save("step-00000002", {"w": torch.zeros(1)}, {"step": 2})
    run.finish({"steps": 2})
    assert durable.manifest_of(tmp_path) == before and not run.finished
    newest = run.load_newest()
    assert newest is not None and newest.state == {"step": 1}
    with pytest.raises(TlesynthError) as caught:
        RunFolder.open(tmp_path, {"a": 2}, leader=False)
    assert caught.value.code == "CFG-010"
    RunFolder.open(tmp_path / "new", {"a": 1}, leader=False)
    assert not (tmp_path / "new").exists()
