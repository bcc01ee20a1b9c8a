"""Refused steps: borne up to a bound, written down, the same after a resume."""

import json
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.run_folder import RunFolder
from tlesynth.training import Limits
from tlesynth.training.refusals import Refusal, Refusals

from .line import Killed, line_learner, run_line, weights


def test_single_refused_steps_are_borne_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean, spoilt = line_learner(), line_learner(poison=(25, 40))
    run_line(tmp_path / "clean", clean)
    run_line(tmp_path / "spoilt", spoilt)
    assert spoilt.steps == clean.steps and spoilt.ema and spoilt.ema.updates == 58
    assert weights(spoilt) != weights(clean)
    refused = json.loads((tmp_path / "spoilt/refused.json").read_text())
    assert [(row["step"], row["samples"]) for row in refused] == [(26, ["sub-25"]), (41, ["sub-40"])]
    assert not (tmp_path / "clean/refused.json").exists()
    assert "step 26 was refused, nothing has changed: the loss is nan (line, learning rate" in capsys.readouterr().err
    rows = [line.split(",") for line in (tmp_path / "spoilt/metrics.csv").read_text().splitlines()]
    column = rows[0].index("refused_steps")
    assert [row[column] for row in rows[1:] if row[column]] == ["1", "2"]


def test_too_many_in_a_row_end_the_run_with_the_last_good_state_on_disk(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        run_line(tmp_path, line_learner(poison=tuple(range(10, 60))), limits=Limits(in_a_row=3))
    error = caught.value
    assert (error.code, error.exit_status, error.where) == ("NUM-001", 7, "step 13")
    assert "the loss is nan" in error.why and "sub-12" in error.why and "3 steps in a row" in error.why
    assert "learning rate" in error.why
    good = line_learner()
    run_line(tmp_path / "good", good, steps=10)
    kept = RunFolder.open(tmp_path, {"seed": 1}).load_newest()
    assert kept is not None
    assert (
        kept.tensors["line/network/weight"].item()
        == RunFolder.open(tmp_path / "good", {"seed": 1}).load("best").tensors["line/network/weight"].item()
    )


def test_too_many_in_all_end_the_run_too(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=r"NUM-001.*step 7.*4 steps in all"):
        run_line(tmp_path, line_learner(poison=(0, 2, 4, 6)), limits=Limits(in_a_row=3, in_all=4))


@pytest.mark.parametrize("kill_at", [28, 41])
def test_a_resumed_run_refuses_the_same_steps(tmp_path: Path, kill_at: int) -> None:
    spoilt = (25, 29, 30, 40)
    whole, resumed = line_learner(poison=spoilt), line_learner(poison=spoilt)
    run_line(tmp_path / "whole", whole)
    with pytest.raises(Killed):
        run_line(tmp_path / "killed", line_learner(poison=spoilt, kill_at=kill_at))
    run_line(tmp_path / "killed", resumed)
    assert weights(resumed) == weights(whole)
    for name in ("metrics.csv", "refused.json"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_a_fault_that_does_not_come_back_is_refused_all_the_same(tmp_path: Path) -> None:
    whole, resumed = line_learner(poison=(25,)), line_learner()
    run_line(tmp_path / "whole", whole)
    with pytest.raises(Killed):
        run_line(tmp_path / "killed", line_learner(poison=(25,), kill_at=27))
    run_line(tmp_path / "killed", resumed)
    assert weights(resumed) == weights(whole)


def test_rows_are_counted_by_step(tmp_path: Path) -> None:
    refusals = Refusals(tmp_path)
    for step, learner in [(3, "a"), (5, "a"), (6, "a"), (6, "b"), (7, "b")]:
        assert refusals.add(Refusal(step, learner, "nan", 0.1))
    assert not refusals.add(Refusal(6, "b", "nan", 0.1))
    assert [refusals.in_a_row(step) for step in (3, 4, 6, 7)] == [1, 0, 2, 3]
    assert [refusals.in_all(step) for step in (2, 5, 7)] == [0, 2, 4]
    assert Refusals(tmp_path).rows == refusals.rows


def test_one_of_several_processes_writes_them_down(tmp_path: Path) -> None:
    refusal = Refusal(3, "line", "the loss is nan", 0.1)
    follower = Refusals(tmp_path, leader=False)
    assert follower.add(refusal) and not follower.add(refusal) and follower.in_all(3) == 1
    assert not (tmp_path / "refused.json").exists()
    Refusals(tmp_path).add(refusal)
    assert Refusals(tmp_path, leader=False).cause(3, "line") == "the loss is nan"
