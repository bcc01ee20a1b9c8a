"""What surrounds a drawn brain: exactly nothing, as in the scans that the models learnt from.

Preprocessing sets everything outside a scan's brain mask to 0. A decoder only comes near: around the brain it leaves a
faint halo, and specks where it is unsure whether there is brain. The mask that a drawn volume lacks is read off the
volume itself, without any draw: the same volume gives the same mask, and what has been cleaned once stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FAINTEST = 0.075
"""Intensity on [0, 1] above which a decoded voxel can be brain; why so much: docs/generation.md."""
DIGITS = 5

Voxels = NDArray[np.floating]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cleaned:
    """A volume (X, Y, Z) on [0, 1], exactly 0 outside its brain, and the share of its voxels above 0 lost so."""

    voxels: NDArray[np.float32]
    removed: float


def cleaned(volume: Voxels) -> Cleaned:
    """A decoded volume (X, Y, Z), all finite, clipped to [0, 1] and emptied around its brain; all 0 without a brain."""
    voxels = np.clip(volume, 0, 1).astype(np.float32)
    before = np.count_nonzero(voxels)
    voxels *= brain_of(volume)
    removed = 1 - np.count_nonzero(voxels) / before if before else 0.0
    return Cleaned(voxels, round(removed, DIGITS))


def brain_of(volume: Voxels) -> Mask:
    """Where the brain of a decoded volume lies (X, Y, Z): its largest bright object, with the holes in it.

    An object is what is left of the bright voxels when their outermost layer is taken away, and that layer given back
    where it touches what is left: specks and threads of one or two voxels are no object, and hold none to another.
    """
    everywhere = volume > FAINTEST
    box = _box_of(everywhere)
    bright = np.pad(everywhere[box], 1)
    brain = np.zeros_like(everywhere)
    brain[box] = filled(dilated(largest_part(eroded(bright))) & bright)[1:-1, 1:-1, 1:-1]
    return brain


def largest_part(mask: Mask) -> Mask:
    """The largest of the parts that ``mask`` (X, Y, Z) falls into; nothing of nothing."""
    parts, n = ndimage.label(mask)
    return mask if n < 2 else parts == 1 + np.argmax(np.bincount(parts[mask])[1:])


def eroded(mask: Mask) -> Mask:
    """``mask`` (X, Y, Z), with nothing on its faces, without the voxels that touch what is outside it."""
    kept = mask.copy()
    for one, other in _neighbours(mask, kept):
        np.logical_and(one, other, out=one)
    return kept


def dilated(mask: Mask) -> Mask:
    """``mask`` (X, Y, Z), with nothing on its faces, and the voxels that touch it."""
    grown = mask.copy()
    for one, other in _neighbours(mask, grown):
        np.logical_or(one, other, out=one)
    return grown


def filled(mask: Mask) -> Mask:
    """``mask`` (X, Y, Z), with nothing on its faces, and its holes: what does not hang together with those faces."""
    outside, n = ndimage.label(~mask)
    return mask if n == 1 else outside != outside[0, 0, 0]


def _box_of(mask: Mask) -> tuple[slice, slice, slice]:
    """The smallest box that holds all of ``mask`` (X, Y, Z), to spare the work outside; everything, if it is empty."""
    spans = [np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    x, y, z = (slice(span[0], span[-1] + 1) if len(span) else slice(None) for span in spans)
    return x, y, z


def _neighbours(mask: Mask, made: Mask) -> Iterator[tuple[Mask, Mask]]:
    """Voxels of ``made`` beside one of their six neighbours in ``mask``, as views of flat arrays.

    A row's end is the next row's neighbour there; with nothing on the faces it makes no difference.
    """
    here, there = made.reshape(-1), mask.reshape(-1)
    for step in (1, mask.shape[2], mask.shape[1] * mask.shape[2]):
        yield here[step:], there[:-step]
        yield here[:-step], there[step:]
