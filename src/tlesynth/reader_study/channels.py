"""What can be known of an item without judging the brain in it: its file, its place, its format, its rim and grain.

``file`` and ``format`` are made alike by construction; ``cues`` belong to the image, and only tell where a reader
could look first.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tlesynth.reader_study.study import item_path
from tlesynth.volume import read

HEADER = 352
"""Bytes of a NIfTI file before its voxels."""
NAME = re.compile(r"^[0-9a-f]{32}\.nii$")
SHELL = 2
"""Voxels: the rim is the outermost layer, the shell the next ones, the core what lies deeper."""


@dataclass(frozen=True)
class Channel:
    """A figure of an item, and the difference of medians below which nobody could use it."""

    name: str
    tolerance: float


FORMAT = (
    Channel("rank of the id", 0.0),
    Channel("rank of the inode", 0.0),
    Channel("voxels on the box's faces", 0.0),
    Channel("distinct levels", 4.0),
    Channel("share of black voxels", 0.005),
    Channel("share of white voxels", 0.005),
)
CUES = (
    Channel("brightness of the rim", 0.0),
    Channel("hardness of the edge", 0.0),
    Channel("spread in the rim", 0.0),
    Channel("grain", 0.0),
    Channel("mean intensity", 0.0),
    Channel("spread of intensity", 0.0),
    Channel("size of the brain", 0.0),
)


def facts(path: Path) -> dict[str, str]:
    """What a file says of itself: each must be the same for every item."""
    status = path.lstat()
    with open(path, "rb") as file:
        header = hashlib.sha256(file.read(HEADER)).hexdigest()
    return {
        "kind of name": "random" if NAME.match(path.name) else "another",
        "size": str(status.st_size),
        "header": header,
        "time of change": str(status.st_mtime_ns),
        "permissions": oct(status.st_mode),
    }


def ranks(folder: Path, items: list[str]) -> NDArray[np.float64]:
    """Rank of each item by its id and by its inode, which tells the order of writing: (n, 2)."""
    inodes = [item_path(folder, item).lstat().st_ino for item in items]
    return np.column_stack([np.argsort(np.argsort(items)), np.argsort(np.argsort(inodes))]).astype(np.float64)


def pixels(path: Path) -> tuple[list[float], list[float]]:
    """The figures of ``FORMAT`` (from the third on) and of ``CUES`` of one item."""
    voxels = read(path, least_values=1).voxels
    inside = voxels > 0
    faces = sum(int(np.count_nonzero(np.take(inside, end, axis))) for axis in range(3) for end in (0, -1))
    values = voxels[inside] if inside.any() else np.zeros(1, np.float32)
    shape = [faces, len(np.unique(voxels)), (values <= 1).mean(), (values >= 255).mean()]
    return [float(v) for v in shape], _cues(voxels, inside, values)


def _cues(voxels: NDArray[np.float32], inside: NDArray[np.bool_], values: NDArray[np.float32]) -> list[float]:
    first = ndimage.binary_erosion(inside)
    core = ndimage.binary_erosion(first, iterations=SHELL)
    rim, shell = voxels[inside & ~first], voxels[first & ~core]
    grain = (voxels - ndimage.gaussian_filter(voxels, 1.0))[core]
    return [
        _mean(rim),
        _mean(rim) / max(_mean(shell), 1.0),
        float(rim.std()) if rim.size else 0.0,
        float(grain.std()) if grain.size else 0.0,
        float(values.mean()),
        float(values.std()),
        float(inside.sum()),
    ]


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean()) if values.size else 0.0
