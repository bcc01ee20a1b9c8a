"""The volumes of hippocampus, amygdala, thalamus and temporal horn in a T1 in affine MNI space, in two ways.

``registered``: the template around them is warped onto the scan; a volume is the integral of the Jacobian over the
template's structure. Of the hippocampus only what is grey in the scan counts, by the levels of grey and white around
it: where the warp stops short of a shrunken one, CSF has filled the outline. Both sides use the same right-sided box,
one through the mirror, so the measure itself prefers neither. ``tissue``: the scan's own tissue within the template's
outline, where a structure that lies elsewhere is mistaken for loss: the plain rival.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.data.anatomy import MEASURED_SCALE, SIDES, STRUCTURES, hippocampus_radius, structure_mask
from tlesynth.data.registration import Bounds, Box, box, carried, register, volume_ratio
from tlesynth.data.resampling import WORK, on_work
from tlesynth.data.template import Template, load_template
from tlesynth.data.tissue_levels import Tissues, fit_tissues, tissue_shares
from tlesynth.volume import Grid

AROUND: Bounds = ((-6, 48), (-52, 15), (-40, 30))
"""Every structure of the right side with a margin: a warp is stiff at the border."""
NAMES = tuple(f"{name}_{side}" for name in STRUCTURES for side in SIDES)
CORE, PURE, NEAR = 0.7, 0.9, 3.0
"""Least share of a voxel that tells the level of grey, and of white; radii of the hippocampus within which it may."""
APART = 0.05
"""Least distance of two levels."""
HIPPOCAMPUS = tuple(STRUCTURES).index("hippocampus")


@dataclass(frozen=True)
class Structures:
    """Volumes in mm3 (MNI space) by name, ``hippocampus_left`` and so on."""

    registered: dict[str, float]
    tissue: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Atlas:
    """On the right-sided box: T1 (X, Y, Z), structures (S, X, Y, Z), the whole hippocampal tube whatever its tissue,
    and, bool, where white matter lies near it.
    """

    t1: Tensor
    structures: Tensor
    tube: Tensor
    white: Tensor


def structures(volume: NDArray[np.floating], grid: Grid) -> Structures | None:
    """The structures of a T1 (X, Y, Z) on [0, 1], background 0; None where no three tissues can be told apart."""
    levels = fit_tissues(volume[volume > 0])
    if levels is None:
        return None
    around, atlas = box(AROUND, grid), _atlas(grid)
    scan = torch.from_numpy(_halves(np.asarray(volume, np.float32), around))[:, None]  # (2, 1, X, Y, Z)
    with torch.inference_mode():
        displacement = register(atlas.t1.expand_as(scan), scan, around)
        ratio, there = volume_ratio(displacement), carried(scan, displacement)[:, 0]
        inside = atlas.structures[:, None] * ratio  # (S, 2, X, Y, Z)
        inside[HIPPOCAMPUS] = atlas.tube * ratio * _grey(there, ratio, atlas, levels.csf)
        sizes = inside.sum(dim=(2, 3, 4), dtype=torch.float64) * grid.spacing**3
    registered = dict(zip(NAMES, sizes.flatten().tolist(), strict=True))
    return Structures(registered, _by_tissue(on_work(volume, grid), levels))


def _grey(there: Tensor, ratio: Tensor, atlas: _Atlas, csf: float) -> Tensor:
    """Share of grey matter by the levels around each hippocampus itself, of the carried scans (2, X, Y, Z)."""
    shares = []
    for scan, weight in zip(there, ratio, strict=True):
        core = atlas.structures[HIPPOCAMPUS] > CORE
        grey = float(_median(scan[core], weight[core]))
        white = max(float(_median(scan[atlas.white], weight[atlas.white])), grey + APART)
        dark = min(csf, grey - APART)
        shares.append(((scan - dark) / (grey - dark)).clamp(0, 1) * ((white - scan) / (white - grey)).clamp(0, 1))
    return torch.stack(shares)


def _median(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted median of values (N,)."""
    order = torch.argsort(values)
    total = torch.cumsum(weights[order].double(), 0)
    place = torch.searchsorted(total, total[-1] / 2)
    return values[order][place.clamp(max=len(values) - 1)]


def _by_tissue(coarse: NDArray[np.float32], levels: Tissues) -> dict[str, float]:
    """The scan's own tissue on ``WORK`` within the template's outlines, mm3."""
    csf, grey, white = tissue_shares(_halves(coarse, box(AROUND, WORK)), levels)
    outlines, tissue = _outlines(WORK, MEASURED_SCALE), {}
    for place, name in enumerate(STRUCTURES):
        wanted = {"thalamus": grey + white, "temporal_horn": csf}.get(name, grey)
        found = (wanted * outlines[place]).sum(axis=(1, 2, 3), dtype=np.float64) * WORK.spacing**3
        tissue |= {f"{name}_{side}": float(v) for side, v in zip(SIDES, found, strict=True)}
    return tissue


def _halves(volume: NDArray[np.float32], within: Box) -> NDArray[np.float32]:
    """Both sides as right ones, the left through the mirror: (2, X, Y, Z)."""
    return np.stack([volume[::-1][within.slices], volume[within.slices]])


@lru_cache(maxsize=2)
def _atlas(grid: Grid) -> _Atlas:
    template, within = load_template(grid), box(AROUND, grid).slices
    own = np.stack([structure_mask(name, template, grid, "right")[within] for name in STRUCTURES])
    near = (template.wm > PURE) & (hippocampus_radius(grid.world(), "right") < NEAR)
    tube = _outlines(grid, 1.0)[HIPPOCAMPUS]
    return _Atlas(*(torch.from_numpy(np.array(part)) for part in (template.t1[within], own, tube, near[within])))


@lru_cache(maxsize=2)
def _outlines(grid: Grid, scale: float) -> NDArray[np.float32]:
    """Share of each voxel of the box inside each structure, whatever its tissue: (S, X, Y, Z)."""
    full = np.ones(grid.shape, np.float32)
    everything = Template(t1=full, gm=full, wm=np.zeros_like(full), csf=full, mask=full)
    within = box(AROUND, grid).slices
    return np.stack([structure_mask(name, everything, grid, "right", scale)[within] for name in STRUCTURES])
