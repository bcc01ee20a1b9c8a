"""B06: the same scan under two ids is found however it was stored, edited or mirrored; brothers are not twins."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth.data.cohort import read_cohort
from tlesynth.data.splits.duplicates import as_table, find_duplicates, suspects
from tlesynth.data.splits.making import thumbnails


def found(root: Path) -> list[tuple[str, str, str]]:
    cohort = read_cohort(root)
    return [(d.first, d.second, d.how) for d in find_duplicates(cohort, thumbnails(cohort))]


def test_b06_copies_edits_and_mirrors_are_found_and_nothing_else(
    write: Callable[..., Path], people: Callable[..., pd.DataFrame], brain: Callable[[int], np.ndarray]
) -> None:
    first = brain(0)
    noisy = np.where(
        first > 0, np.clip(first * 0.9 + np.random.default_rng(1).normal(0, 0.005, first.shape), 0.01, 1), 0
    )
    root = write(people(4, 4), {"sub-02": noisy, "sub-05": brain(4)[::-1], "sub-07": first})
    assert found(root) == [
        ("sub-00", "sub-02", "correlation"),
        ("sub-00", "sub-07", "correlation"),
        ("sub-02", "sub-07", "correlation"),
        ("sub-04", "sub-05", "mirrored"),
    ]


def test_b06_equal_voxels_are_known_by_their_hash(
    write: Callable[..., Path], people: Callable[..., pd.DataFrame]
) -> None:
    same = {"VoxelHash": "abc"}
    root = write(people(4, 4), None, **{"01": same, "06": same, "02": {"VoxelHash": "def"}})
    assert found(root) == [("sub-01", "sub-06", "voxels")]


def test_two_thousand_thumbnails_are_compared_in_blocks() -> None:
    brains = np.random.default_rng(0).random((2000, 2000), dtype=np.float32)
    brains[1999] = brains[3]
    mirrors = np.random.default_rng(1).random((2000, 2000), dtype=np.float32)
    mirrors[700] = brains[600]
    started = time.process_time()
    assert sorted(suspects(brains, mirrors)) == [(3, 1999, False), (600, 700, True)]
    assert time.process_time() - started < 10


def test_empty_thumbnails_are_nobodys_twin() -> None:
    assert list(suspects(np.zeros((3, 10), np.float32), np.zeros((3, 10), np.float32))) == []


def test_the_table_says_who_is_whose_double(write: Callable[..., Path], people: Callable[..., pd.DataFrame]) -> None:
    table = as_table([], people(1, 1)["group"])
    assert list(table.columns) == ["first", "second", "how", "correlation", "first_group", "second_group"]
