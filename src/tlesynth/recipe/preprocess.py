"""From native scans to volumes on the grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tlesynth.recipe.section import Fraction, Section
from tlesynth.recipe.sharing import Sharing


class Preprocess(Section):
    """From native scans to skull-stripped volumes on the MNI grid."""

    grid: Literal["mni-1.5mm", "mni-3mm"] = "mni-1.5mm"
    brain_mask: Literal["auto", "extracted", "template"] = "auto"
    """``auto`` looks whether the background is already zero; else the template-prior mask."""
    n4: bool = True
    n4_shrink: Annotated[int, Field(ge=1, le=8)] = 4
    registration_mm: Annotated[float, Field(ge=1, le=6)] = 2.0
    """Voxel size on which the affine registration runs; the resampling reads the full scan."""
    smooth_fwhm_mm: Annotated[float, Field(ge=0, le=20)] = 0.0
    """Gaussian smoothing of the final T1 (the paper's text says 10; 0 keeps the hippocampus visible)."""
    least_dice: Fraction = 0.80
    """Dice with the template's brain mask below which a scan is refused (REG-001)."""
    jobs: Annotated[int, Field(ge=0, le=256)] = 0
    """Subjects in parallel; 0 means one per processor core."""
    sharing: Sharing = Sharing()
    """Cluster or array job; by default the processes of this machine."""
