"""The device that was asked for, or a refusal; what several processes agree on."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import torch

from tlesynth import progress
from tlesynth.errors import TlesynthError, fail
from tlesynth.training import device as devices
from tlesynth.training import device_of, fabric_for, require_device
from tlesynth.training.device import agreed, compute_repeatably, leader_first, mean_over_processes

Patch = pytest.MonkeyPatch


@dataclass
class Two:
    """Stands for Fabric in one of two processes; the other holds ``other``."""

    is_global_zero: bool = True
    other: float = 0.0
    world_size: int = 2
    device: torch.device = torch.device("cpu")
    done: list[str] = field(default_factory=list)
    heard: object = None

    def broadcast(self, told: object) -> object:
        """The first process hears itself, the other what the first has told."""
        self.done.append("broadcast")
        return told if self.is_global_zero else self.heard

    def all_reduce(self, values: torch.Tensor, reduce_op: str) -> torch.Tensor:
        assert reduce_op == "mean"
        return (values + self.other) / 2


def test_the_cpu_is_always_there() -> None:
    assert fabric_for("cpu", "32-true").device == torch.device("cpu")


def test_in_mixed_precision_products_are_rounded_and_times_are_not() -> None:
    class Watched(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.dtype]:
            return times, self.layer(times[:, None]).dtype

    fabric = fabric_for("cpu", "bf16-mixed")
    times = torch.tensor([997.0, 998.0, 999.0])
    seen, product = fabric.setup(Watched())(times)
    assert torch.equal(seen, times) and product == torch.bfloat16


def test_a_device_that_has_another_name_is_refused() -> None:
    with pytest.raises(TlesynthError, match="CFG-002.*device: gpu.*auto, cpu, cuda"):
        fabric_for("gpu", "32-true")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(TlesynthError, match="RES-010"):
        fabric_for("cuda", "32-true")


def test_repeatable_algorithms_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    filling = torch.utils.deterministic.fill_uninitialized_memory
    try:
        compute_repeatably()
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.backends.cudnn.benchmark
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # what a user has set stays
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = filling


def test_one_yes_is_enough_for_all() -> None:
    for mine, other in ((True, 0.0), (False, 1.0), (True, 1.0)):
        assert agreed(cast(Any, Two(other=other)), mine)
    assert not agreed(cast(Any, Two()), False)
    assert agreed(cast(Any, Two(world_size=1)), True) and not agreed(cast(Any, Two(world_size=1, other=1.0)), False)


def test_the_mean_over_one_process_is_its_own() -> None:
    assert mean_over_processes(cast(Any, Two(other=4.0)), torch.tensor(2.0)) == 3
    assert mean_over_processes(cast(Any, Two(other=4.0, world_size=1)), torch.tensor(2.0)) == 2


@pytest.mark.parametrize("first", [True, False])
def test_the_first_opens_before_the_others(first: bool) -> None:
    fabric = Two(is_global_zero=first)

    def opened(leader: bool) -> bool:
        fabric.done.append("open")
        return leader

    assert leader_first(cast(Any, fabric), opened) is first
    assert fabric.done == (["open", "broadcast"] if first else ["broadcast", "open"])


@pytest.mark.parametrize("first", [True, False])
def test_a_refusal_of_the_first_ends_the_others(first: bool) -> None:
    held = fail("OPS-010", "run", "process 7 holds it")
    fabric = Two(is_global_zero=first, heard=held)

    def opened(leader: bool) -> None:
        assert leader, "the others must not begin alone"
        raise held

    with pytest.raises(TlesynthError, match="OPS-010"):
        leader_first(cast(Any, fabric), opened)
    assert fabric.done == ["broadcast"]


@pytest.mark.parametrize("first", [True, False])
def test_all_but_the_first_are_silent(
    first: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Launched(Two):
        def __init__(self, **asked: object) -> None:
            assert (asked["devices"], asked["strategy"], asked["num_nodes"]) == (2, "ddp", 1)
            super().__init__(is_global_zero=first)

        def launch(self) -> None:
            self.done.append("launch")

    monkeypatch.setattr(devices, "Fabric", Launched)
    monkeypatch.setattr(progress, "_silent", False)
    fabric_for("cpu", "32-true", 2)
    assert progress.silent() is not first
    progress.say("here")
    assert list(progress.track(range(2), "counting", 2)) == [0, 1]
    assert bool(capsys.readouterr().err) is first


@pytest.mark.parametrize("ask", [device_of, require_device])
def test_without_a_fabric_the_same_devices_are_refused(ask: Callable[[str], object], monkeypatch: Patch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TlesynthError, match="CFG-002.*device: bogus"):
        ask("bogus")
    with pytest.raises(TlesynthError, match="RES-010.*torch sees no CUDA"):
        ask("cuda")


def test_auto_is_the_gpu_where_there_is_one(monkeypatch: Patch) -> None:
    for there, name in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert device_of("auto") == torch.device(name)
