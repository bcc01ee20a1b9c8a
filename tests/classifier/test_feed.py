"""Batches are the scans that were asked for, and the time they took is counted."""

import numpy as np
import torch

from tlesynth.classifier.feed import Feed
from tlesynth.classifier.scan_set import ScanSet, examples_of

from .conftest import cache_in_memory

CACHE = cache_in_memory("a", 12, 6, 6)
SCANS = ScanSet("a", examples_of(CACHE, CACHE.cohort.ids, "tle"))


def test_a_batch_holds_its_rows() -> None:
    feed = Feed(SCANS, torch.device("cpu"))
    batch = feed.batch(np.array([5, 1]))
    assert batch.dtype == torch.float32 and np.array_equal(batch.numpy(), CACHE.volumes[[5, 1]].astype(np.float32))
    assert feed.seconds > 0


def test_batches_hold_every_scan_once_in_order() -> None:
    together = torch.cat(list(Feed(SCANS, torch.device("cpu")).batches()))
    assert np.array_equal(together.numpy(), CACHE.volumes.astype(np.float32))
