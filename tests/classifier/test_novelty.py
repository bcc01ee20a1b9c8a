"""Scans like the training ones are rarely flagged, others are; few validation scans promise no more than they can."""

import numpy as np
import pytest

from tlesynth.classifier.novelty import Novelty, described, false_alarms, novelty_of
from tlesynth.classifier.scan_set import ScanSet, examples_of
from tlesynth.data.volume_cache import VolumeCache

from .conftest import GRID, cache_in_memory

TRAINING, HELD_OUT, NEW = (cache_in_memory(n, 10, 5, 5, seed=k) for k, n in enumerate("abc"))


def scans(cache: VolumeCache) -> ScanSet:
    return ScanSet("x", examples_of(cache, cache.cohort.ids, "tle"))


NOVELTY = novelty_of(scans(TRAINING), scans(HELD_OUT))


def test_new_scans_of_the_same_kind_pass_and_others_do_not() -> None:
    usual = NEW.volumes.astype(np.float32)
    assert (NOVELTY.distances(usual) > NOVELTY.threshold).mean() < 0.25
    for strange in (usual[:, :, :, ::-1], 1 - usual, usual * 0.5, np.full_like(usual, 0.4)):
        assert (NOVELTY.distances(strange)[10:] > NOVELTY.threshold).all()


def test_it_comes_back_from_its_tensors() -> None:
    again = Novelty.from_tensors(NOVELTY.tensors())
    assert again.threshold == NOVELTY.threshold
    assert np.array_equal(again.distances(NEW.volumes), NOVELTY.distances(NEW.volumes))


def test_false_alarms_are_one_in_twenty_or_what_so_few_scans_allow() -> None:
    assert [false_alarms(n) for n in (9, 19, 39)] == pytest.approx([0.1, 0.05, 0.05])


def test_a_description_is_means_then_spreads_of_blocks() -> None:
    volume = np.zeros(GRID.shape)
    volume[:2, :2, :2] = [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]
    found = described(volume, GRID.spacing)  # blocks of two voxels
    assert found[0] == 0.5 and found[len(found) // 2] == 0.5 and found.sum() == 1.0
