"""The step loop: learns, takes turns, stops by rule, chooses, resumes to the same bits."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from tlesynth.errors import TlesynthError
from tlesynth.run_folder import RunFolder
from tlesynth.training import Learner, Position, Rhythm, Segment, fabric_for, train

from .line import Killed, line_learner, run_line, weights


def test_the_loop_learns_the_line(tmp_path: Path) -> None:
    learner = line_learner()
    run_line(tmp_path, learner, 300)
    assert weights(learner)[:2] == pytest.approx([2, 1], abs=0.05)


@pytest.mark.parametrize("kill_at", [3, 7, 8, 29, 59])
def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path, kill_at: int) -> None:
    whole = line_learner()
    run_line(tmp_path / "whole", whole)
    with pytest.raises(Killed):
        run_line(tmp_path / "killed", line_learner(kill_at=kill_at))
    resumed = line_learner()
    run_line(tmp_path / "killed", resumed)
    assert weights(resumed) == weights(whole)
    assert (tmp_path / "killed/metrics.csv").read_text() == (tmp_path / "whole/metrics.csv").read_text()


def test_a_damaged_checkpoint_is_passed_over_and_all_damaged_is_refused(tmp_path: Path) -> None:
    whole = line_learner()
    run_line(tmp_path / "whole", whole)
    with pytest.raises(Killed):
        run_line(tmp_path / "run", line_learner(kill_at=30))
    newest, _ = sorted((tmp_path / "run/checkpoints").glob("step-*"), reverse=True)
    flip_a_bit(newest / "state.safetensors")
    resumed = line_learner()
    run_line(tmp_path / "run", resumed)
    assert weights(resumed) == weights(whole)
    for folder in (tmp_path / "run/checkpoints").glob("step-*"):
        flip_a_bit(folder / "state.safetensors")
    with pytest.raises(TlesynthError) as caught:
        run_line(tmp_path / "run", line_learner())
    assert caught.value.code == "CKP-002"


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def test_a_turn_ends_when_the_running_mean_falls_below_its_bound(tmp_path: Path) -> None:
    learner = line_learner()
    segments = [Segment("early", "one", "line", 500, "loss", 0.5), Segment("bounded", "two", "line", 20, "loss", 1e-9)]
    run_line(tmp_path, learner, segments=segments)
    assert 20 < learner.steps < 300
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert int(rows[-1].split(",")[0]) == learner.steps
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    early, bounded = (event for event in events if event["event"] == "turn")
    assert early["ended_by"] == "running mean" and early["running_loss"] < 0.5
    assert bounded["ended_by"] == "bound" and (early["steps"], bounded["steps"]) == (learner.steps - 20, 20)


@pytest.mark.parametrize(("least", "steps", "ended"), [(1, 1, "running mean"), (2, 6, "bound")])
def test_one_lucky_batch_ends_no_turn_that_has_a_least_number_of_steps(
    tmp_path: Path, least: int, steps: int, ended: str
) -> None:
    """Only the first loss lies below the bound; the mean, corrected for its start at zero, is that loss, then above."""
    network, losses = nn.Linear(1, 1), iter([0.01, 2.0, 2.0, 2.0, 2.0, 2.0])

    def loss(step: int) -> Iterator[dict[str, torch.Tensor]]:
        yield {"loss": network.weight.sum() * 0 + next(losses)}

    learner = Learner(network, torch.optim.SGD(network.parameters(), lr=0.1), loss)
    run_line(tmp_path, learner, segments=[Segment("turn", "one", "line", 6, "loss", 0.5, least)])
    (turn,) = turns(tmp_path)
    assert (turn["steps"], turn["ended_by"]) == (steps, ended)
    weights = 0.98 ** torch.arange(steps).flip(0)
    mean = (weights * torch.tensor([0.01, *[2.0] * (steps - 1)])).sum() / weights.sum()
    assert turn["running_loss"] == pytest.approx(float(mean), rel=1e-5)


def turns(folder: Path) -> list[dict]:
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [event for event in events if event["event"] == "turn"]


def choose(folder: Path, figures: list[dict[str, float]], chosen: str) -> tuple[Position, list[float], list[float]]:
    """Train through the validations ``figures``; the position, the resulting weights, and those at the last but one."""
    left = iter(figures)
    learner = line_learner()
    seen: list[list[float]] = []

    def validate() -> dict[str, float]:
        seen.append(weights(learner))
        return next(left)

    segments = [Segment("a", "one", "line", 10), Segment("b", "two", "line", 10 * (len(figures) - 1))]
    criteria = {"best": "score", "best-other": "other"}
    rhythm = Rhythm(validate_every=10, checkpoint_every=100, criteria=criteria, chosen=chosen)
    run = RunFolder.open(folder, {})
    fabric = fabric_for("cpu", "32-true")
    position = train(run, fabric, {"line": learner}, segments, validate=validate, rhythm=rhythm, label="fit")
    return position, weights(learner), seen[-2]


def test_the_result_is_the_best_of_the_last_phase_by_the_chosen_figure(tmp_path: Path) -> None:
    scores, others = (1.0, 5.0, 3.0, 4.0), (1.0, 2.0, 3.0, 2.5)
    figures = [{"score": a, "other": b} for a, b in zip(scores, others, strict=True)]
    position, result, third = choose(tmp_path / "score", figures, "best")
    assert result == third
    assert {name: (best.step, best.value) for name, best in position.best.items()} == {
        "best": (30, 3.0),
        "best-other": (20, 2.0),
    }
    assert choose(tmp_path / "other", figures, "best-other")[1] != result
    kept = RunFolder.open(tmp_path / "score", {}).load("best-other").state
    assert (kept["step"], kept["chosen_by"], kept["figures"]["other"]) == (20, "other", 2.0)


def test_a_validation_that_is_not_finite_is_never_the_best(tmp_path: Path) -> None:
    nothing = float("nan")
    figures = [{"score": 1.0, "other": 1.0}, {"score": 5.0, "other": nothing}, {"score": nothing, "other": 1.0}]
    position, result, second = choose(tmp_path / "some", figures, "best")
    assert position.best["best"].step == 20 and result == second
    with pytest.raises(TlesynthError, match=r"NUM-001.*no validation of the phase 'two' was finite"):
        choose(tmp_path / "none", [figures[0], figures[2]], "best")


def pair(kill_at: int = -1) -> dict[str, Learner]:
    """Two learners of which the second follows what the first has just become."""
    torch.manual_seed(0)
    leader, follower = nn.Linear(1, 1), nn.Linear(1, 1)

    def lead(step: int) -> Iterator[dict[str, torch.Tensor]]:
        yield {"loss": (leader.weight - step).square().sum()}

    def follow(step: int) -> Iterator[dict[str, torch.Tensor]]:
        if step == kill_at:
            raise Killed
        yield {"loss": (follower.weight - leader.weight.detach()).square().sum()}

    optimizers = [torch.optim.SGD(n.parameters(), lr=0.5) for n in (leader, follower)]
    return {
        "leader": Learner(leader, optimizers[0], lead, clip=1e6),
        "follower": Learner(follower, optimizers[1], follow, clip=1e6),
    }


def run_pair(folder: Path, learners: dict[str, Learner]) -> None:
    segments = [Segment("both", "both", "leader", 25, then=("follower",))]
    run, fabric = RunFolder.open(folder, {}), fabric_for("cpu", "32-true")
    rhythm = Rhythm(validate_every=25, checkpoint_every=4)
    train(run, fabric, learners, segments, validate=lambda: {"score": 0.0}, rhythm=rhythm, label="pair")


def test_a_segment_walks_through_its_learners_at_each_step(tmp_path: Path) -> None:
    learners = pair()
    run_pair(tmp_path / "whole", learners)
    # A rate of a half jumps to the minimum of (w - target)^2: the leader stands at its last step's number.
    assert learners["leader"].network.weight.item() == pytest.approx(24)
    assert learners["follower"].network.weight.item() == pytest.approx(24)
    assert [learner.steps for learner in learners.values()] == [25, 25]
    header = (tmp_path / "whole/metrics.csv").read_text().splitlines()[0].split(",")
    assert {"loss", "follower_loss", "learning_rate", "follower_learning_rate"} <= set(header)


@pytest.mark.parametrize("kill_at", [3, 14])
def test_a_joint_run_resumes_to_the_same_bits(tmp_path: Path, kill_at: int) -> None:
    whole, resumed = pair(), pair()
    run_pair(tmp_path / "whole", whole)
    with pytest.raises(Killed):
        run_pair(tmp_path / "killed", pair(kill_at))
    run_pair(tmp_path / "killed", resumed)
    assert [weights(learner) for learner in resumed.values()] == [weights(learner) for learner in whole.values()]
    assert (tmp_path / "killed/metrics.csv").read_text() == (tmp_path / "whole/metrics.csv").read_text()


def test_a_turn_ends_when_it_gets_no_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Best at step 8; three validations later it ends, also after a resume."""
    scores = iter([5.0, 4.0, 4.5, 4.0, 6.0, 1.0])
    run, learner = RunFolder.open(tmp_path, {"seed": 1}), line_learner()
    position = train(
        run,
        fabric_for("cpu", "32-true"),
        {"line": learner},
        [Segment("fit", "fit", "line", 100)],
        validate=lambda: {"score": next(scores)},
        rhythm=Rhythm(validate_every=4, checkpoint_every=7, patience=3),
        label="fit",
    )
    assert position.step == learner.steps == 20 and position.best["best"].step == 8
    assert position.turns == [{"name": "fit", "steps": 20, "ended_by": "patience"}]
    assert "no better for 3 validations, ended at step 20" in capsys.readouterr().err
    newest = RunFolder.open(tmp_path, {"seed": 1}).load_newest()
    assert newest is not None and newest.state["position"]["step"] == 20


def test_without_patience_every_step_is_taken(tmp_path: Path) -> None:
    run, learner = RunFolder.open(tmp_path, {"seed": 1}), line_learner()
    train(
        run,
        fabric_for("cpu", "32-true"),
        {"line": learner},
        [Segment("fit", "fit", "line", 12)],
        validate=lambda: {"score": float(learner.steps)},
        rhythm=Rhythm(validate_every=1, checkpoint_every=7),
        label="fit",
    )
    assert learner.steps == 12
