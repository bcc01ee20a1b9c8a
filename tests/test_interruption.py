"""A stop request is honoured at the next safe point."""

import os
import signal

import pytest

from tlesynth import interruption
from tlesynth.errors import TlesynthError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_waits_for_the_safe_point(number: int) -> None:
    before = signal.getsignal(number)
    with interruption.graceful():
        interruption.check()
        os.kill(os.getpid(), number)
        assert interruption.requested()
        with pytest.raises(TlesynthError) as caught:
            interruption.check()
    assert caught.value.exit_status == 75
    assert signal.getsignal(number) is before and not interruption.requested()
