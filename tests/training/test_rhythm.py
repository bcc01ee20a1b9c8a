"""How often, where the recipe leaves it to the data."""

import pytest

from tlesynth.training import every


@pytest.mark.parametrize(
    ("steps", "epoch", "expected"),
    [(0, 1416, 1416), (0, 50, 50), (0, 49, 98), (0, 20, 60), (0, 2, 50), (500, 1416, 500), (3, 2, 3)],
)
def test_once_an_epoch_unless_epochs_are_very_short(steps: int, epoch: int, expected: int) -> None:
    assert every(steps, epoch) == expected
