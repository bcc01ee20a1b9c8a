"""The latents of one split with their conditions, read once and kept in memory as float16.

``latents.npy`` is one array (N, view, part, C, X, Y, Z): each scan as it is, mirrored in x, and then moved copies of
both in turn, each with the mean and the log-variance of its posterior, in normalised units. Mirroring latents instead
would be wrong: the kernels of a convolutional encoder are not mirror-symmetric, so that a mirrored latent decodes to
another head.
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
from tlesynth.diffusion.conditions import Conditions
from tlesynth.errors import fail

NAME = "latents.npy"
MIRRORED = 1
MEAN, LOGVAR = 0, 1


@dataclass(frozen=True)
class Latents:
    """Posterior means ``values`` (N, C, X, Y, Z) float16, ``conditions`` (N, K) float32, and whose they are.

    ``logvar``, like ``values``, is there where latents are resampled: then a batch is a draw from the posterior.
    """

    values: Tensor
    conditions: Tensor
    ids: tuple[str, ...]
    logvar: Tensor | None = None
    mirrored: Tensor | None = None
    """(N,) bool, which of them show a scan mirrored in x; None: none does."""

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Clean latents (B, C, X, Y, Z) float32 of ``rows``: the mean, or where there is a log-variance, a draw."""
        return self.resampled(rows, self.noise(len(rows), generator))

    def noise(self, n: int, generator: torch.Generator) -> Tensor | None:
        """What ``n`` draws from posteriors take: (n, C, X, Y, Z) standard normal on the processor; None: nothing."""
        return None if self.logvar is None else torch.randn(n, *self.values.shape[1:], generator=generator)

    def resampled(self, rows: Tensor, noise: Tensor | None) -> Tensor:
        """Clean latents (B, C, X, Y, Z) float32 of ``rows``, with ``noise`` of that shape or by the mean alone."""
        mean = self.values[rows].float()
        if self.logvar is None or noise is None:
            return mean
        return mean + torch.exp(0.5 * self.logvar[rows].float()) * noise.to(mean.device)

    def voxelwise(self) -> tuple[Tensor, Tensor]:
        """Mean and variance over scans of what ``batch`` gives, voxel by voxel: each (C, X, Y, Z) float32."""
        total, square, noise = (torch.zeros(self.values.shape[1:], dtype=torch.float64) for _ in range(3))
        for row in range(len(self)):
            value = self.values[row].cpu().double()
            total, square = total + value, square + value.square()
            if self.logvar is not None:
                noise = noise + self.logvar[row].cpu().double().exp()
        mean = total / len(self)
        variance = (square / len(self) - mean.square()).clamp_min(0) + noise / len(self)
        return mean.float(), variance.float()

    def head(self, n: int) -> Latents:
        """The first ``n`` scans."""
        logvar = None if self.logvar is None else self.logvar[:n]
        mirrored = None if self.mirrored is None else self.mirrored[:n]
        return Latents(self.values[:n], self.conditions[:n], self.ids[:n], logvar, mirrored)

    def to(self, device: torch.device) -> Latents:
        """The same on ``device``."""
        logvar = None if self.logvar is None else self.logvar.to(device)
        return Latents(self.values.to(device), self.conditions.to(device), self.ids, logvar, self.mirrored)


def read_latents(
    folder: Path,
    rows: pd.DataFrame,
    conditions: Conditions,
    *,
    flip: bool = False,
    moved: bool = False,
    resample: bool = False,
) -> Latents:
    """The latents of ``rows``, as ``rows_of`` gives them, and with ``flip`` and ``moved`` those of their copies.

    What is mirrored has its conditions mirrored. With ``resample`` the log-variances are read too: every batch is then
    a new draw.

    Raises:
        TlesynthError: DATA-011 if the file is missing, DATA-001 if it is damaged.
    """
    array, places = _read_array(folder / NAME), rows.index.to_numpy()
    views = range(array.shape[1] if moved else MIRRORED + 1)[:: 1 if flip else 2]  # every second view is mirrored
    values = torch.from_numpy(np.concatenate([array[places, view, MEAN] for view in views]))
    logvar = np.concatenate([array[places, view, LOGVAR] for view in views]) if resample else None
    told, ids = conditions.of_scans(rows), tuple(rows["participant_id"])
    other_way = conditions.mirrored(told)
    told = torch.cat([other_way if view % 2 else told for view in views])
    mirrored = torch.tensor([view % 2 == 1 for view in views]).repeat_interleave(len(ids))
    return Latents(values, told, ids * len(views), None if logvar is None else torch.from_numpy(logvar), mirrored)


def rows_of(folder: Path, splits: Path, split: str) -> pd.DataFrame:
    """The rows of index.tsv whose participant stands in ``split``.

    Raises:
        TlesynthError: DATA-011 if a file is missing, DATA-007 or DATA-010 if the splits do not fit.
    """
    index, table = durable.read_table(folder / "index.tsv"), durable.read_table(splits)
    if repeated := table["participant_id"][table["participant_id"].duplicated()].tolist():
        raise fail("DATA-007", splits, repeated[0])
    wanted = table.loc[table["split"] == split, "participant_id"]
    if absent := sorted(set(wanted) - set(index["participant_id"])):
        raise fail("DATA-010", splits, f"{absent[0]} of {split} has no latent")
    if wanted.empty:
        raise fail("DATA-010", splits, f"nobody stands in {split}")
    return index[index["participant_id"].isin(set(wanted))]


def read_about(folder: Path) -> dict[str, Any]:
    """latents.json: the autoencoder's fingerprint and verdict, the grid's name, the latent shape, the noise share.

    Raises:
        TlesynthError: DATA-011 if it is missing, DATA-001 if it lacks what is needed.
    """
    about = durable.read_json(folder / "latents.json")
    if missing := [key for key in ("autoencoder", "grid", "shape") if key not in about]:
        raise fail("DATA-001", folder / "latents.json", f"no {missing[0]}")
    return about


def _read_array(path: Path) -> np.ndarray:
    """The array (N, view, part, C, X, Y, Z), mapped, so that only the chosen rows are read."""
    rows = len(durable.read_table(path.parent / "index.tsv"))
    if not path.is_file():
        if (path.parent / "mean.npy").is_file():
            raise fail("DATA-001", path.parent, "these latents are of an older version: run encode again")
        raise fail("DATA-011", path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise fail("DATA-001", path, str(error)) from error
    if (
        array.ndim != 7
        or array.dtype != np.float16
        or (array.shape[0], array.shape[2]) != (rows, 2)
        or array.shape[1] < 2
    ):
        raise fail("DATA-001", path, f"{array.dtype} {array.shape}; expected float16 ({rows}, views, 2, C, X, Y, Z)")
    return array
