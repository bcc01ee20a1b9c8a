"""One row of quality control per scan, measured on the grid inside the brain.

Tissue classes are those of the template (probability above 0.8), which an affine map lays on the scan closely enough
for medians. CJV: Ganzetti et al. 2016. A scan is never refused here; the table is for people to look at and for the
report.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tlesynth.data.preprocess.registration import template_correlation, template_dice
from tlesynth.data.template import load_template
from tlesynth.volume import Grid

SURE = 0.8


@dataclass(frozen=True)
class Quality:
    """What was measured on one scan; ratios have no unit."""

    snr: float
    """White matter mean over its standard deviation."""
    cnr: float
    """(white - grey) / pooled standard deviation."""
    cjv: float
    """(sd white + sd grey) / |white - grey|: above 0.6 is noisy or inhomogeneous."""
    mask_ml: float
    """Volume of the brain mask in the scan's own space."""
    dice: float
    """Of the brain mask with the template's."""
    correlation: float
    """Pearson's r with the template inside its brain."""
    determinant: float
    """Of the affine from MNI to native: the head's volume relative to the template's."""

    def row(self) -> dict[str, float]:
        """The values rounded for a table."""
        return {name: round(float(value), 4) for name, value in asdict(self).items()}


def measure(voxels: np.ndarray, mask: np.ndarray, to_native: np.ndarray, mask_ml: float, grid: Grid) -> Quality:
    """Measure a T1 (X, Y, Z) on ``grid`` with its brain ``mask`` (X, Y, Z) bool and its affine (4, 4)."""
    template = load_template(grid)
    white = voxels[mask & (template.wm > SURE)]
    grey = voxels[mask & (template.gm > SURE)]
    contrast, noise = _centre(white) - _centre(grey), np.hypot(_spread(white), _spread(grey)) / np.sqrt(2)
    return Quality(
        snr=_ratio(_centre(white), _spread(white)),
        cnr=_ratio(contrast, noise),
        cjv=_ratio(_spread(white) + _spread(grey), abs(contrast)),
        mask_ml=mask_ml,
        dice=template_dice(mask, grid),
        correlation=template_correlation(voxels, grid),
        determinant=float(np.linalg.det(to_native[:3, :3])),
    )


def _centre(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else 0.0


def _spread(values: np.ndarray) -> float:
    """Standard deviation by the median absolute deviation: some of the template's tissue is fluid in the scan."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _ratio(above: float, below: float) -> float:
    return above / below if below > 1e-9 else 0.0
