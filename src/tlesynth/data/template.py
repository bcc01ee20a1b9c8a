"""The MNI152 symmetric template (NLin2009aSym) on a grid: T1 and tissue probabilities.

The three 1 mm maps lie inside the installed nilearn package, so nothing is downloaded. They are exactly
mirror-symmetric in x and so is what is made of them here. Resampling averages over the output voxel: it neither
aliases nor changes a tissue's volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import nibabel as nib
import numpy as np

from tlesynth.durable import hash_of, sha256
from tlesynth.volume import Grid

MAPS = ("t1", "gm", "wm")
FILE = "nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True, eq=False)
class Template:
    """Arrays (X, Y, Z), float32: T1 in [0, 1], tissue probabilities in [0, 1], and the brain mask of zeros and ones."""

    t1: np.ndarray
    gm: np.ndarray
    wm: np.ndarray
    csf: np.ndarray
    mask: np.ndarray


@lru_cache(maxsize=4)
def load_template(grid: Grid) -> Template:
    """The template on ``grid``; the arrays are shared and read-only.

    Inside the brain gm + wm + csf is the share of the voxel that is brain. Source: Fonov et al. 2011,
    MNI152NLin2009aSym.
    """
    source = _source()
    weights = [
        _averaging(source.starts[axis], source.shape[axis], grid.origin[axis], grid.spacing, grid.shape[axis])
        for axis in range(3)
    ]
    mirrored = bool(np.isclose(2 * grid.origin[0] + grid.spacing * (grid.shape[0] - 1), 0))
    t1, gm, wm, brain = (_resample(maps, weights, mirrored) for maps in source.maps)
    csf = np.maximum(brain - gm - wm, 0)
    arrays = (t1, gm, wm, csf, (brain >= 0.5).astype(np.float32))
    for array in arrays:
        array.setflags(write=False)
    return Template(*arrays)


@lru_cache(maxsize=1)
def template_fingerprint() -> str:
    """SHA-256 over the three source files: models and cohorts store it and refuse another template."""
    return hash_of({name: sha256(_file(name)) for name in MAPS})


@dataclass(frozen=True, eq=False)
class _Source:
    maps: tuple[np.ndarray, ...]
    starts: tuple[float, float, float]
    shape: tuple[int, int, int]


@lru_cache(maxsize=1)
def _source() -> _Source:
    """T1, GM, WM and brain at 1 mm, float32, RAS."""
    images = [nib.Nifti1Image.from_filename(_file(name)) for name in MAPS]
    starts = images[0].affine[:3, 3]
    t1, gm, wm = (np.asarray(image.dataobj, np.float32) / 255 for image in images)
    brain = (t1 > 0).astype(np.float32)
    total = np.maximum(gm + wm, 1)  # 8-bit rounding lets the sum pass 1
    maps = (t1, gm / total * brain, wm / total * brain, brain)
    return _Source(maps, (starts[0], starts[1], starts[2]), (t1.shape[0], t1.shape[1], t1.shape[2]))


def _file(name: str) -> Path:
    """A map inside the installed package; importing nilearn itself would take seconds."""
    return Path(str(distribution("nilearn").locate_file(FILE.format(name))))


def _averaging(start: float, n_in: int, origin: float, spacing: float, n_out: int) -> np.ndarray:
    """Weights (n_out, n_in) that average 1 mm voxels over output voxels; below 1 mm this is linear interpolation."""
    half = max(spacing, 1.0) / 2
    centres = origin + spacing * np.arange(n_out)[:, None]
    edges = start - 0.5 + np.arange(n_in)[None, :]
    overlap = np.minimum(centres + half, edges + 1) - np.maximum(centres - half, edges)
    return (np.clip(overlap, 0, None) / (2 * half)).astype(np.float32)


def _resample(values: np.ndarray, weights: list[np.ndarray], mirrored: bool) -> np.ndarray:
    for axis in sorted(
        range(3), key=lambda a: weights[a].shape[0] / weights[a].shape[1]
    ):  # what shrinks most goes first
        matrix = weights[axis]
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    if mirrored:
        values = (values + values[::-1]) / 2  # float summation order is not symmetric
    return np.ascontiguousarray(values, np.float32)
