"""How like two brains are, beyond what all brains in MNI space share.

A *signature* is a brain's fine structure (between 2 and 6 mm, where the folds and ventricles of a person lie), divided
by its local strength, at brain voxels of the 3 mm grid. Gain, gamma and bias fields cancel in it, and with the training
scans' mean subtracted two people correlate at about 0.1 to 0.2. A scan is compared mirrored and moved too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tlesynth.data.resampling import WORK
from tlesynth.data.template import load_template

Floats = NDArray[np.float32]
FINE_MM, BROAD_MM, LOCAL_MM = 2.0, 6.0, 12.0
"""Gaussian widths: below the first is noise, above the second is what brains share; the third is of local strength."""
REACH_MM = 6.0
"""How far a scan is moved to meet another."""
FAINT = 0.01
"""Strength, as a share of the whole brain's, below which there is nothing to normalise."""


def signature(scan: Floats) -> Floats:
    """The signature (D,) of a scan on the 3 mm grid."""
    return _structure(scan)[_places()]


def views(scan: Floats) -> Floats:
    """Signatures (V, D) of a scan on the 3 mm grid: as it is and mirrored, each moved by up to 6 mm."""
    structure = _structure(scan)
    return np.concatenate([np.take(s, _moved_places()) for s in (structure, structure[::-1])])


def intensities(scan: Floats) -> Floats:
    """Brain voxels (D,) of a scan on the 3 mm grid, with mean 0 and length 1: products are correlations."""
    values = scan[_brain()]
    centred = values - values.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-9)


@dataclass(frozen=True)
class Reference:
    """Training scans' signatures: their mean (D,), and what each adds to it, of length 1 (N, D)."""

    mean: Floats
    rows: Floats

    def similarities(self, seen: Floats) -> Floats:
        """The best correlation (N,) of a scan's views (V, D) with each training scan."""
        return (unit(seen - self.mean) @ self.rows.T).max(axis=0)


def reference_of(signatures: Floats) -> Reference:
    """A reference of training signatures (N, D)."""
    mean = signatures.mean(axis=0)
    return Reference(mean, unit(signatures - mean))


def standing_out(similarities: Floats) -> float:
    """How far the nearest training scan stands out of all: (largest - median) in robust standard deviations.

    Unlike the similarity itself it does not grow where a generator draws smooth or average brains, which are a little
    like everybody; only one scan, or two blended, can stand out.
    """
    middle = np.median(similarities)
    spread = 1.4826 * np.median(np.abs(similarities - middle))
    return float((similarities.max() - middle) / max(float(spread), 1e-6))


def unit(rows: Floats) -> Floats:
    """``rows`` (N, D) at length 1, so that products are cosines."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _structure(scan: Floats) -> Floats:
    fine, broad, local = (mm / WORK.spacing for mm in (FINE_MM, BROAD_MM, LOCAL_MM))
    band = ndimage.gaussian_filter(scan, fine) - ndimage.gaussian_filter(scan, broad)
    strength = np.sqrt(np.maximum(ndimage.gaussian_filter(band * band, local), 0))
    return band / (strength + FAINT * float(np.sqrt((band * band).mean())) + 1e-9)


@lru_cache(maxsize=1)
def _brain() -> NDArray[np.bool_]:
    """The template's brain without its rim, where masks differ; symmetric."""
    inner = ndimage.binary_erosion(load_template(WORK).mask > 0.5)
    return inner & inner[::-1]


@lru_cache(maxsize=1)
def _places() -> NDArray[np.bool_]:
    """Every second brain voxel: neighbours at 3 mm say the same twice."""
    return _brain() & (np.indices(WORK.shape).sum(axis=0) % 2 == 0)


@lru_cache(maxsize=1)
def _moved_places() -> NDArray[np.int64]:
    """Where the places lie after each move: (moves, D) indices of the flattened grid."""
    reach = int(REACH_MM / WORK.spacing)
    steps = product(range(-reach, reach + 1), repeat=3)
    moves = [move for move in steps if sum(s * s for s in move) <= reach * reach]
    numbers = np.arange(np.prod(WORK.shape)).reshape(WORK.shape)
    return np.stack([np.roll(numbers, move, (0, 1, 2))[_places()] for move in moves])
