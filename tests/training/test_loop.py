"""The step loop: learns, alternates, stops by rule, resumes to the same bits, refuses a loss that is not finite."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tlesynth.errors import TlesynthError
from tlesynth.run_folder import RunFolder
from tlesynth.seeds import torch_generator
from tlesynth.training import Ema, Learner, Order, Segment, fabric_for, train


class Killed(Exception):
    """Stands for a kill between two steps."""


def line_learner(*, kill_at: int = -1, poison_at: int = -1) -> Learner:
    """Fits y = 2x + 1 from draws keyed by step."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)

    def loss(step: int) -> dict[str, torch.Tensor]:
        if step == kill_at:
            raise Killed
        x = torch.randn(16, 1, generator=torch_generator(1, "data", step))
        error = ((network(x) - 2 * x - 1) ** 2).mean()
        return {"loss": error * (float("nan") if step == poison_at else 1.0)}

    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 40, 2)
    return Learner(network, optimizer, loss, schedule, Ema(network, 0.9))


def run_line(folder: Path, learner: Learner, steps: int = 60, segments: list[Segment] | None = None) -> RunFolder:
    run = RunFolder.open(folder, {"seed": 1})

    def validate() -> dict[str, float]:
        weight, bias = (float(p) for p in learner.network.parameters())
        return {"score": abs(weight - 2) + abs(bias - 1)}

    segments = segments or [Segment("fit", "fit", "line", steps)]
    fabric = fabric_for("cpu", "32-true")
    train(
        run, fabric, {"line": learner}, segments, validate=validate, validate_every=10, checkpoint_every=7, label="fit"
    )
    return run


def weights(learner: Learner) -> list[float]:
    networks = [learner.network, learner.ema.network] if learner.ema else [learner.network]
    return [float(p) for network in networks for p in network.parameters()]


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
    newest, older = sorted((tmp_path / "run/checkpoints").glob("step-*"), reverse=True)
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


def test_the_result_is_the_best_of_the_last_phase(tmp_path: Path) -> None:
    scores = iter([1.0, 5.0, 3.0, 4.0])
    learner = line_learner()
    seen: list[list[float]] = []

    def validate() -> dict[str, float]:
        seen.append(weights(learner))
        return {"score": next(scores)}

    segments = [Segment("a", "one", "line", 10), Segment("b", "two", "line", 30)]
    run = RunFolder.open(tmp_path, {})
    train(
        run,
        fabric_for("cpu", "32-true"),
        {"line": learner},
        segments,
        validate=validate,
        validate_every=10,
        checkpoint_every=100,
        label="fit",
    )
    assert weights(learner) == seen[2]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        run_line(tmp_path, line_learner(poison_at=25))
    assert caught.value.code == "NUM-001" and caught.value.exit_status == 7
    assert RunFolder.open(tmp_path, {"seed": 1}).load_newest() is not None


def test_other_settings_are_refused(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, {"network": {"width": 8}})
    with pytest.raises(TlesynthError, match=r"network\.width") as caught:
        RunFolder.open(tmp_path, {"network": {"width": 16}})
    assert caught.value.code == "CFG-010"


def test_an_order_visits_every_sample_once_an_epoch_and_is_keyed_by_seed() -> None:
    order = Order(10, 4, 3, "x")
    first = [int(i) for step in range(3) for i in order.batch(step)]
    second = [int(i) for step in range(3, 6) for i in order.batch(step)]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert list(Order(10, 4, 3, "x").batch(1)) == list(order.batch(1))


def test_the_average_of_constant_weights_is_those_weights() -> None:
    network = nn.Linear(2, 2)
    ema = Ema(network, 0.999)
    for step in range(5):
        ema.update(network, step)
    assert torch.allclose(ema.network.weight, network.weight)
