"""The items of a study as bytes: one size, one header, read the same way every time."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlesynth.errors import fail
from tlesynth.progress import track
from tlesynth.reader_study.pictures import Bytes3D
from tlesynth.reader_study.study import Study, item_path, verify_items

HEADER = 352
"""Bytes before the voxels of a canonical copy."""


@dataclass(frozen=True)
class Items:
    """The canonical copies of the study in ``folder``."""

    folder: Path
    study: Study

    @property
    def size(self) -> int:
        """Bytes of every item."""
        x, y, z = self.study.shape
        return HEADER + x * y * z

    def warm(self) -> None:
        """Check every item and read it once, so that none is slower than another when it is asked for.

        Raises:
            TlesynthError: STUDY-006 if one is missing, added, changed, a link or of another size.
        """
        verify_items(self.folder, self.study)
        for item in track(sorted(self.study.items), "reading the items", len(self.study.items)):
            self.content(item)

    def content(self, item: str) -> bytes:
        """The whole file of an item.

        Raises:
            TlesynthError: STUDY-006 if it is not the regular file it should be.
        """
        path = item_path(self.folder, item)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise fail("STUDY-006", path, error.strerror or "") from error
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(self.size + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        if len(content) != self.size:
            raise fail("STUDY-006", path, f"{len(content)} bytes, every item has {self.size}")
        return content

    def voxels(self, item: str) -> Bytes3D:
        """The item's (X, Y, Z)."""
        return np.frombuffer(self.content(item), np.uint8, offset=HEADER).reshape(self.study.shape, order="F")
