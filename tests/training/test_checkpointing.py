"""What is stored, once, and what is never stored."""

from pathlib import Path

import pytest
import torch

from tlesynth.errors import TlesynthError
from tlesynth.run_folder import RunFolder
from tlesynth.training import Learner, Position
from tlesynth.training.checkpointing import resume, save, tensors_of
from tlesynth.training.optimizers import optimizer_of

from .line import line_learner


def test_what_learners_share_is_stored_once() -> None:
    first = line_learner()
    second = Learner(first.network, torch.optim.Adam(first.network.parameters()), first.loss, ema=first.ema)
    first.network(torch.ones(1, 1)).sum().backward()
    first.optimizer.step()
    second.optimizer.step()
    names = set(tensors_of({"first": first, "second": second}))
    assert {name for name in names if "/optimizer/" not in name} == {
        f"first/{part}/{name}" for part in ("network", "ema") for name in ("weight", "bias")
    }
    assert {name.split("/")[0] for name in names if "/optimizer/" in name} == {"first", "second"}


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_moments_come_back_in_the_order_in_memory_of_their_weights(tmp_path: Path, kind: str) -> None:
    def channels_last() -> Learner:
        torch.manual_seed(0)
        network = torch.nn.Conv3d(16, 16, 3).to(memory_format=torch.channels_last_3d)  # ty: ignore[no-matching-overload]
        return Learner(network, optimizer_of(network, kind, 0.1, 0.0), line_learner().loss)

    def advance(learner: Learner) -> None:
        learner.optimizer.zero_grad()
        (learner.network.weight * torch.arange(6912.0).view(16, 16, 3, 3, 3)).square().sum().backward()
        learner.optimizer.step()

    run, whole, resumed = RunFolder.open(tmp_path, {}), channels_last(), channels_last()
    advance(whole)
    save(run, {"conv": whole}, Position(step=1))
    resume(run, {"conv": resumed})
    for learner in (whole, resumed):
        advance(learner)
    assert torch.equal(whole.network.weight, resumed.network.weight)
    moments = [v for v in resumed.optimizer.state[resumed.network.weight].values() if v.dim()]
    assert moments and {moment.stride() for moment in moments} == {resumed.network.weight.stride()}


def test_weights_that_are_not_finite_are_never_written(tmp_path: Path) -> None:
    run, learner = RunFolder.open(tmp_path, {}), line_learner()
    save(run, {"line": learner}, Position(step=1))
    torch.nn.init.constant_(learner.network.weight, float("inf"))
    with pytest.raises(TlesynthError, match=r"NUM-001.*line/network/weight is not finite"):
        save(run, {"line": learner}, Position(step=2))
    assert resume(run, {"line": line_learner()}).step == 1
