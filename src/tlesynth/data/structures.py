"""The volumes of hippocampus, amygdala, thalamus and temporal horn in a T1 in affine MNI space, in two ways.

``registered``: the template around them is drawn with the scan's own tissue intensities, so contrast does not matter,
and warped onto the scan; a volume is the integral of the Jacobian over the template's structure. Both sides use the
same right-sided box, one through the mirror, so the measure itself prefers neither. ``tissue``: the scan's own tissue
within the template's outline, where a structure that lies elsewhere is mistaken for loss: the plain rival.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.data.anatomy import SIDES, STRUCTURES, structure_mask
from tlesynth.data.registration import Bounds, box, volume_ratio
from tlesynth.data.resampling import WORK, on_work
from tlesynth.data.template import Template, load_template
from tlesynth.data.tissue_levels import fit_tissues, tissue_shares
from tlesynth.volume import Grid

AROUND: Bounds = ((-6, 48), (-52, 15), (-40, 30))
"""Every structure of the right side with a margin: a warp is stiff at the border."""
NAMES = tuple(f"{name}_{side}" for name in STRUCTURES for side in SIDES)


@dataclass(frozen=True)
class Structures:
    """Volumes in mm3 (MNI space) by name, ``hippocampus_left`` and so on."""

    registered: dict[str, float]
    tissue: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Atlas:
    """On the right-sided box: shares of the three tissues (3, X, Y, Z) and the structures (S, X, Y, Z)."""

    tissues: Tensor
    structures: Tensor


def structures(volume: NDArray[np.floating], grid: Grid) -> Structures | None:
    """The structures of a T1 (X, Y, Z) on [0, 1], background 0; None where no three tissues can be told apart."""
    levels = fit_tissues(volume[volume > 0])
    if levels is None:
        return None
    around, atlas, coarse = box(AROUND), _atlas(), on_work(volume, grid)
    means = torch.tensor([levels.csf, levels.grey, levels.white])
    halves = np.stack([coarse[::-1][around.slices], coarse[around.slices]])
    scan = torch.from_numpy(halves)[:, None]  # (2, 1, X, Y, Z)
    template = torch.tensordot(means, atlas.tissues, 1).expand_as(scan)
    with torch.inference_mode():
        ratio = volume_ratio(template, scan, around)
        sizes = torch.einsum("sxyz,bxyz->sb", atlas.structures.double(), ratio.double()) * WORK.spacing**3
    registered = dict(zip(NAMES, sizes.flatten().tolist(), strict=True))
    csf, grey, white = tissue_shares(halves, levels)
    tissue = {}
    for place, name in enumerate(STRUCTURES):
        wanted = {"thalamus": grey + white, "temporal_horn": csf}.get(name, grey)
        found = (wanted * _outlines()[place]).sum(axis=(1, 2, 3), dtype=np.float64) * WORK.spacing**3
        tissue |= {f"{name}_{side}": float(v) for side, v in zip(SIDES, found, strict=True)}
    return Structures(registered, tissue)


@lru_cache(maxsize=1)
def _atlas() -> _Atlas:
    template, within = load_template(WORK), box(AROUND).slices
    tissues = np.stack([m[within] for m in (template.csf, template.gm, template.wm)])
    masks = np.stack([structure_mask(name, template, WORK, "right")[within] for name in STRUCTURES])
    return _Atlas(torch.from_numpy(tissues), torch.from_numpy(masks))


@lru_cache(maxsize=1)
def _outlines() -> NDArray[np.float32]:
    """Share of each voxel of the box inside each structure, whatever its tissue: (S, X, Y, Z)."""
    full = np.ones(WORK.shape, np.float32)
    everything = Template(t1=full, gm=full, wm=np.zeros_like(full), csf=full, mask=full)
    within = box(AROUND).slices
    return np.stack([structure_mask(name, everything, WORK, "right")[within] for name in STRUCTURES])
