"""The one file of all latents: rows appended one after another, resumed where a killed run stopped.

While it grows it lies in a hidden folder beside its place, with the number of rows that are safe on disk. Every row is
``(view, part, C, x, y, z)`` in float16: views are the scan as it is and mirrored in x, parts are the posterior's mean
and log-variance, in units in which each channel of the mean has mean 0 and standard deviation 1 over the training set.

Float16 holds a value of 1 to 0.0003, and a log-variance of -6 to 0.002, 0.1 % of a standard deviation: what rounding
adds is told in ``latents.json`` beside the posterior's own noise. Two views of 4 x 28 x 34 x 28 take 0.85 MB.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlesynth import durable, interruption

NAME = "latents.npy"
VIEWS, PARTS = ("as is", "mirrored"), ("mean", "log-variance")
"""Views that are always there, before those of moved copies; and the parts of each."""
DTYPE = np.dtype("<f2")
SAFE_EVERY = 16
"""Rows after which what was written is made safe; a killed run repeats at most as many."""

Row = NDArray[np.float32]
"""(view, part, C, x, y, z)."""


@dataclass(frozen=True)
class Unfinished:
    """A file of ``rows`` rows (view, part, C, x, y, z) on its way to ``folder``; another ``key`` starts afresh."""

    folder: Path
    rows: int
    latent_shape: tuple[int, int, int, int]
    key: str
    views: int = len(VIEWS)

    @property
    def place(self) -> Path:
        """The hidden folder in which it grows."""
        return self.folder.parent / f".unfinished-{self.folder.name}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array: (N, view, part, C, x, y, z)."""
        return (self.rows, self.views, len(PARTS), *self.latent_shape)

    @property
    def _row_bytes(self) -> int:
        return DTYPE.itemsize * int(np.prod(self.shape[1:]))

    def write(self, rows: Iterator[int], encode: Callable[[int], Row]) -> Path:
        """Append what ``encode(row)`` gives for each of ``rows`` (0 to N - 1) not yet there; return the whole file.

        Raises:
            TlesynthError: RES-001 if the disk is full, OPS-075 after a stop request, with every row so far safe.
        """
        path = self.place / NAME
        with durable.disk_errors(path):
            header, done = self._begin(path)
        with durable.disk_errors(path), open(path, "r+b") as file:
            file.truncate(header + done * self._row_bytes)
            file.seek(0, os.SEEK_END)
            for row in rows:
                if row < done:
                    continue
                if interruption.requested() or row % SAFE_EVERY == 0:
                    self._make_safe(file.fileno(), file.flush, row)
                interruption.check()
                file.write(np.ascontiguousarray(encode(row), DTYPE).tobytes())
            self._make_safe(file.fileno(), file.flush, self.rows)
        return path

    def clear(self) -> None:
        """Remove what is left of the hidden folder."""
        shutil.rmtree(self.place, ignore_errors=True)

    def _begin(self, path: Path) -> tuple[int, int]:
        """Length of the header, and how many rows are safe; a file of another key, or cut short, is begun anew."""
        progress = self.place / "progress.json"
        known = durable.read_json(progress) if progress.is_file() and path.is_file() else {}
        whole = bool(known) and path.stat().st_size >= known["header"] + known["rows"] * self._row_bytes
        if not whole or known["key"] != self.key:
            self.clear()
            self.place.mkdir(parents=True)
            with open(path, "wb") as file:
                described = {"descr": DTYPE.str, "fortran_order": False, "shape": self.shape}
                np.lib.format.write_array_header_1_0(file, described)
                header = file.tell()
            durable.write_json(progress, {"key": self.key, "rows": 0, "header": header})
            return header, 0
        return known["header"], known["rows"]

    def _make_safe(self, descriptor: int, flush: Callable[[], None], rows: int) -> None:
        flush()
        os.fsync(descriptor)
        progress = self.place / "progress.json"
        known = json.loads(progress.read_text())
        if rows > known["rows"]:
            durable.write_json(progress, known | {"rows": rows})
