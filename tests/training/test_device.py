"""The device that was asked for, or a refusal."""

import os

import pytest
import torch

from tlesynth.errors import TlesynthError
from tlesynth.training import fabric_for
from tlesynth.training.device import compute_repeatably


def test_the_cpu_is_always_there() -> None:
    assert fabric_for("cpu", "32-true").device == torch.device("cpu")


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
