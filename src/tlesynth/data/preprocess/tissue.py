"""Grey matter, white matter and CSF of a T1 on the grid: Atropos with the template's maps as priors, or a quick guess.

Atropos: Avants et al. 2011, three classes, prior weight 0.25, a Markov random field over neighbours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlesynth.data.preprocess.registration import ants_image, ants_module
from tlesynth.data.resampling import Working
from tlesynth.data.template import load_template
from tlesynth.errors import fail
from tlesynth.volume import Grid

PRIOR_WEIGHT = 0.25
FIELD = "[0.1,1x1x1]"
CONVERGENCE = "[5,0]"
LEAST_PRIOR = 0.01
"""Every class stays possible inside the mask: an affine prior is a few millimetres off."""
SURE = 0.8
"""Template probability above which a voxel stands for its tissue's intensity."""


@dataclass(frozen=True, eq=False)
class Tissues:
    """Probabilities (X, Y, Z) in [0, 1]; inside the brain mask they sum to 1, outside they are 0."""

    gm: np.ndarray
    wm: np.ndarray
    csf: np.ndarray

    def maps(self) -> dict[str, np.ndarray]:
        """The three by name."""
        return {"gm": self.gm, "wm": self.wm, "csf": self.csf}


def segmented(voxels: np.ndarray, mask: np.ndarray, grid: Grid, *, seed: int = 0) -> Tissues:
    """Atropos on a T1 (X, Y, Z) in [0, 1] with its brain ``mask`` (X, Y, Z) bool; the same input gives the same bytes.

    Raises:
        TlesynthError: REG-003 if Atropos fails or finds a class empty.
    """
    if not mask.any():
        raise fail("REG-003", "", "Atropos: the brain mask is empty")
    ants, template = ants_module(seed), load_template(grid)
    origin = np.array(grid.origin)
    priors = np.stack([template.csf, template.gm, template.wm]) + LEAST_PRIOR
    priors = np.where(mask, priors / priors.sum(axis=0), 0).astype(np.float32)
    images = [ants_image(ants, Working(p, origin, grid.spacing)) for p in (voxels, mask.astype(np.float32), *priors)]
    with _own_temporary_folder() as folder:
        names = [str(folder / f"prior{n:02d}.nii.gz") for n in (1, 2, 3)]
        for image, name in zip(images[2:], names, strict=True):
            ants.image_write(image, name)
        try:
            result = ants.atropos(
                images[0],
                images[1],
                i=f"PriorProbabilityImages[3,{folder / 'prior%02d.nii.gz'},{PRIOR_WEIGHT}]",
                m=FIELD,
                c=CONVERGENCE,
                r=0,  # its own random seed, off
                priorweight=PRIOR_WEIGHT,
            )
            found = np.stack([image.numpy() for image in result["probabilityimages"]])
        except Exception as error:  # ants raises nothing narrower
            raise fail("REG-003", "", f"Atropos: {error}") from error
    total = found.sum(axis=0)
    if len(found) != 3 or not np.isfinite(found).all() or (found.sum(axis=(1, 2, 3)) == 0).any():
        raise fail("REG-003", "", "Atropos did not find three tissues")
    csf, gm, wm = np.where(mask, found / np.maximum(total, 1e-6), 0).astype(np.float32)
    return Tissues(gm, wm, csf)


def estimated(voxels: np.ndarray, mask: np.ndarray, grid: Grid) -> Tissues | None:
    """Partial volumes by intensity alone: linear between the medians of the template's sure tissue.

    None where these medians do not rise from CSF over grey to white matter.
    """
    template = load_template(grid)
    levels = []
    for prior in (template.csf, template.gm, template.wm):
        values = voxels[mask & (prior > min(SURE, 0.9 * float(prior.max())))]
        levels.append(float(np.median(values)) if values.size else 0.0)
    csf, grey, white = levels
    if not csf < grey < white:
        return None
    whiteness = np.clip((voxels - grey) / (white - grey), 0, 1)
    fluid = np.clip((grey - voxels) / (grey - csf), 0, 1)
    parts = [np.where(mask, part, 0).astype(np.float32) for part in (1 - whiteness - fluid, whiteness, fluid)]
    return Tissues(*parts)


@contextmanager
def _own_temporary_folder() -> Generator[Path]:
    """A folder for what Atropos writes; ANTs names its files by ``tempfile``, which is sent there meanwhile."""
    with tempfile.TemporaryDirectory(prefix="tlesynth-") as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
