"""The scans of one split, in memory, and batches of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.data.splits import digest_of, read_splits
from tlesynth.errors import fail

FITTED, JUDGED = "gen_train", "val"
"""Splits: whose scans an autoencoder learns from, and whose choose its checkpoint and pass its gate."""
SHARE_OF_CARD = 0.1
"""Of a card's free memory that scans may take: training needs the rest."""


@dataclass(frozen=True)
class Scans:
    """Volumes ``voxels`` (N, X, Y, Z) float16, in main memory or ``held_by`` a card, and whose they are."""

    voxels: Tensor
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: np.ndarray, device: torch.device) -> Tensor:
        """The volumes of ``rows`` on ``device``: (B, 1, X, Y, Z) float32, channels last in memory."""
        chosen = self.voxels[torch.from_numpy(rows)].to(device)
        return chosen.float().unsqueeze(1).contiguous(memory_format=torch.channels_last_3d)

    def held_by(self, device: torch.device) -> Scans:
        """The same on ``device``, where it is a card with so much free memory; else as they are.

        A step sees small boxes of a few volumes, and would wait longer for whole ones to be copied than for its work.
        """
        if device.type != "cuda" or self.voxels.nbytes > SHARE_OF_CARD * torch.cuda.mem_get_info(device)[0]:
            return self
        return replace(self, voxels=self.voxels.to(device))


def read_scans(cohort: Cohort, splits: Path, split: str) -> Scans:
    """Every scan of ``split``, read once.

    Raises:
        TlesynthError: DATA-007, DATA-010 or DATA-011 if the splits do not fit, NII codes for an unreadable volume.
    """
    ids = participants_of(cohort, splits, split)
    return Scans(torch.from_numpy(cohort.volumes(ids, f"reading {split}")), tuple(ids))


def participants_of(cohort: Cohort, splits: Path, split: str) -> list[str]:
    """The participants of ``split``, in the order of splits.tsv.

    Raises:
        TlesynthError: DATA-007 if one stands there twice, DATA-010 if the splits do not fit the cohort or nobody stands
            in ``split``.
    """
    ids = read_splits(splits, cohort.ids)[split]
    if not ids:
        raise fail("DATA-010", splits, f"nobody stands in {split}")
    return ids


def origin_of(cohort: Cohort, splits: Path) -> dict[str, str]:
    """What an autoencoder is made from, as two digests: who stands in which split, and those scans' volumes.

    No volume is read. Whoever stands in the other splits does not matter.

    Raises:
        TlesynthError: DATA-007, DATA-010 or DATA-011 if the splits do not fit the cohort.
    """
    found = read_splits(splits, cohort.ids)
    scans = {name: cohort.stamp(name) for split in (FITTED, JUDGED) for name in found[split]}
    return {"splits": digest_of(splits, (FITTED, JUDGED)), "scans": durable.hash_of(scans)}
