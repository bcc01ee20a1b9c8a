"""A scorer asks its network in evaluation mode, whatever the batch."""

import numpy as np
import pytest
import torch

from tlesynth.classifier.network_scorer import NetworkScorer, network_for
from tlesynth.classifier.networks import CoronalClassifier
from tlesynth.classifier.two_sided import TwoSidedClassifier
from tlesynth.recipe import Classifier, Cnn3d

from .conftest import GRID

SMALL = Classifier(kind="cnn3d", cnn3d=Cnn3d(width=2))
VOLUMES = np.random.default_rng(0).random((18, *GRID.shape)).astype(np.float16)


def test_logits_do_not_depend_on_the_batch_and_the_mode_stays() -> None:
    scorer = NetworkScorer(network_for(SMALL, GRID, seed=0).train())
    together = scorer.logits(VOLUMES)
    assert together.shape == (18,) and together.dtype == np.float64
    assert np.concatenate([scorer.logits(VOLUMES[k : k + 1]) for k in (0, 17)]) == pytest.approx(together[[0, 17]])
    assert scorer.network.training


def test_the_kind_decides_the_network_and_the_seed_its_weights() -> None:
    assert isinstance(network_for(Classifier(network="test_efficientnet"), GRID, seed=0), CoronalClassifier)
    one, again, other = (network_for(SMALL, GRID, seed=seed).state_dict()["sides.judge.1.weight"] for seed in (0, 0, 1))
    assert isinstance(network_for(SMALL, GRID, seed=0), TwoSidedClassifier)
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_the_map_adds_up_to_the_distance_of_the_logits() -> None:
    scorer = NetworkScorer(network_for(SMALL.model_copy(update={"task": "side"}), GRID, seed=0))
    average, volume = VOLUMES.mean(axis=0), VOLUMES[0].copy()
    volume[:16] = 0  # one half of the head is gone
    found = scorer.attribution(volume, average)
    one, other = scorer.logits(np.stack([volume, average]))
    assert found.shape == GRID.shape and found.sum() == pytest.approx(one - other, rel=0.1)
    assert not found[:, GRID.index(1, 40) :].any()  # what the network does not see adds nothing
