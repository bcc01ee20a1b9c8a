"""Augmentation is keyed by the step, and swaps the side of a mirrored scan."""

from typing import Any

import pytest
import torch

from tlesynth.classifier.learning import dropping, swapped, varied
from tlesynth.recipe import Augmentation, Classifier

FLIPPING = Classifier(task="side", augmentation=Augmentation(flip=True, gain=0.2))
VOLUMES = torch.rand(8, 6, 8, 6, generator=torch.Generator().manual_seed(0))


def test_a_step_is_varied_alike_each_time_and_unlike_another() -> None:
    first, flipped = varied(VOLUMES, FLIPPING, 3.0, seed=1, step=4)
    again, _ = varied(VOLUMES, FLIPPING, 3.0, seed=1, step=4)
    other, _ = varied(VOLUMES, FLIPPING, 3.0, seed=1, step=5)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert 0 < flipped.sum() < len(flipped)


def test_mirrored_scans_are_mirrored_and_change_side() -> None:
    mirrored_only = Classifier(task="side", augmentation=Augmentation(flip=True))
    found, flipped = varied(VOLUMES, mirrored_only, 3.0, seed=1, step=4)
    for before, after, turned in zip(VOLUMES, found, flipped, strict=True):
        assert torch.equal(after, before.flip(0) if turned else before)
    labels = torch.ones(8)
    assert swapped(labels, flipped, mirrored_only).tolist() == (1 - flipped).tolist()
    assert torch.equal(swapped(labels, flipped, Classifier()), labels)


def test_what_is_dropped_hangs_on_the_seed_alone() -> None:
    def drawn(seed: int) -> torch.Tensor:
        with dropping(seed, torch.device("cpu")):
            return torch.rand(3)

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))
    assert torch.equal(torch.rand(1), expected)


def test_without_augmentation_nothing_changes() -> None:
    found, flipped = varied(VOLUMES, Classifier(), 3.0, seed=1, step=4)
    assert found is VOLUMES and not flipped.any()


@pytest.mark.parametrize("alone", [{"bias_field": 0.2}, {"noise": 0.03}])
def test_a_field_or_noise_alone_is_a_variation(alone: dict[str, Any]) -> None:
    settings = Classifier(augmentation=Augmentation(**alone))
    first, flipped = varied(VOLUMES, settings, 3.0, seed=1, step=4)
    again, _ = varied(VOLUMES, settings, 3.0, seed=1, step=4)
    assert not torch.equal(first, VOLUMES) and torch.equal(first, again) and not flipped.any()
