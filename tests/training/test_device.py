"""The device that was asked for, or a refusal."""

import pytest
import torch

from tlesynth.errors import TlesynthError
from tlesynth.training import fabric_for


def test_the_cpu_is_always_there() -> None:
    assert fabric_for("cpu", "32-true").device == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(TlesynthError, match="RES-010"):
        fabric_for("cuda", "32-true")
