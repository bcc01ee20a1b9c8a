"""The latents of one split with their classes, read once and kept in memory.

``mean_flipped.npy`` holds the latents of the mirrored scans. Mirroring the latents instead would be wrong: the kernels
of a convolutional encoder are not mirror-symmetric, so that a mirrored latent decodes to another head.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tlesynth import durable
from tlesynth.diffusion.conditioning import Classes
from tlesynth.errors import fail


@dataclass(frozen=True)
class Latents:
    """Latents ``values`` (N, C, X, Y, Z) float32, their classes ``labels`` (N,) int64, and whose they are."""

    values: Tensor
    labels: Tensor
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def read_latents(folder: Path, splits: Path, split: str, classes: Classes, *, flip: bool = False) -> Latents:
    """The latents of ``split``; with ``flip`` also those of the mirrored scans, left and right TLE swapped.

    Raises:
        TlesynthError: DATA-011 if a file is missing, DATA-001 if one is damaged, DATA-010 if the splits do not fit.
    """
    index = durable.read_table(folder / "index.tsv")
    chosen = _rows_of_split(index, splits, split)
    values = _read_array(folder / "mean.npy", len(index))[chosen.index]
    labels, ids = classes.of(chosen), tuple(chosen["participant_id"])
    if flip:
        mirrored = _read_array(folder / "mean_flipped.npy", len(index))[chosen.index]
        values, labels, ids = np.concatenate([values, mirrored]), torch.cat([labels, classes.mirrored(labels)]), ids * 2
    return Latents(torch.from_numpy(values), labels, ids)


def read_about(folder: Path) -> dict[str, Any]:
    """latents.json: the autoencoder's fingerprint, the grid's name, the latent shape."""
    about = durable.read_json(folder / "latents.json")
    if missing := [key for key in ("autoencoder", "grid", "shape") if key not in about]:
        raise fail("DATA-001", folder / "latents.json", f"no {missing[0]}")
    return about


def _rows_of_split(index: pd.DataFrame, splits: Path, split: str) -> pd.DataFrame:
    """Rows of the index (by their place in the arrays) whose participant stands in ``split``."""
    table = durable.read_table(splits)
    if repeated := table["participant_id"][table["participant_id"].duplicated()].tolist():
        raise fail("DATA-007", splits, repeated[0])
    wanted = table.loc[table["split"] == split, "participant_id"]
    if absent := sorted(set(wanted) - set(index["participant_id"])):
        raise fail("DATA-010", splits, f"{absent[0]} of {split} has no latent")
    if wanted.empty:
        raise fail("DATA-010", splits, f"nobody stands in {split}")
    return index[index["participant_id"].isin(set(wanted))]


def _read_array(path: Path, rows: int) -> np.ndarray:
    """A float32 array (N, C, X, Y, Z), mapped, so that only the chosen rows are read."""
    if not path.is_file():
        raise fail("DATA-011", path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise fail("DATA-001", path, str(error)) from error
    if array.ndim != 5 or array.dtype != np.float32 or len(array) != rows:
        raise fail("DATA-001", path, f"{array.dtype} {array.shape}; expected float32 of {rows} 4D latents")
    return array
