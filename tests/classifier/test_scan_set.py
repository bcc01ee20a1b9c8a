"""A set holds the scans, labels and origins it was given; a task asks only those it is about."""

import dataclasses

import numpy as np
import pytest

from tlesynth.classifier.scan_set import ScanSet, classes_of, examples_of
from tlesynth.data.cohort import Cohort
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS

from .conftest import cache_in_memory

CACHE = cache_in_memory("a", hc=3, left=2, right=2)
IDS = CACHE.cohort.ids


def test_each_task_asks_its_own() -> None:
    assert ScanSet("all", examples_of(CACHE, IDS, "tle")).positive.tolist() == [False] * 3 + [True] * 4
    sides = ScanSet("side", examples_of(CACHE, IDS, "side"))
    assert sides.ids == IDS[3:] and sides.positive.tolist() == [True, True, False, False]
    assert classes_of(CACHE.cohort, "side").to_dict() == dict(zip(IDS[3:], ["left"] * 2 + ["right"] * 2, strict=True))


def test_scans_may_stand_twice_and_are_counted_by_origin() -> None:
    real = examples_of(CACHE, IDS[:3], "tle")
    made = examples_of(cache_in_memory("b", 1, 1, 1), ["sub-bleft0"], "tle", "synthetic")
    doubled = ScanSet("doubled", real + real + made, asked=4)
    assert len(doubled) == 7 and doubled.counts() == {"real": 6, "synthetic": 1, "synthetic_asked": 4}
    volumes = doubled.volumes([3, 6])
    assert np.array_equal(volumes[0], CACHE.volumes[0]) and np.array_equal(volumes[1], made[0].cache.volumes[1])


def test_the_digest_knows_labels_and_order() -> None:
    some = examples_of(CACHE, IDS, "tle")
    relabelled = (dataclasses.replace(some[0], positive=True), *some[1:])
    digests = {ScanSet("x", chosen).digest() for chosen in (some, relabelled, some[::-1], some[1:])}
    assert len(digests) == 4
    assert ScanSet("x", some).digest() == ScanSet("another name", some).digest()


def test_one_class_or_two_grids_are_refused() -> None:
    some = examples_of(CACHE, IDS, "tle")
    with pytest.raises(TlesynthError, match="DATA-008"):
        ScanSet("x", some[:3]).require_both_classes()
    other = Cohort(CACHE.cohort.root, GRIDS["mni-3mm"], "preproc", CACHE.cohort.participants)
    elsewhere = dataclasses.replace(some[0], cache=dataclasses.replace(CACHE, cohort=other))
    with pytest.raises(TlesynthError, match="NII-030"):
        _ = ScanSet("x", (*some, elsewhere)).grid
