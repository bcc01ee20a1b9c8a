"""Grey and white matter of a scan on the grid, told apart by the template's place and the scan's own brightness.

The template's tissue, laid on by an affine map, is off by a fold of the cortex here and there: its medians would do,
its spreads would be those of a mixture. A few steps of expectation-maximisation (Ashburner and Friston 2005, without
the warp and the bias) let the scan say where its tissues are. The classes keep the template's names, so a scan with
another order of brightness (T2, FLAIR) shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlesynth.data.template import Template

SURE, CLEAR = 0.8, 0.9
"""Probability of a tissue, in the template and in the scan, from which a voxel counts as wholly it."""
STEPS = 12
LEAST_VOXELS = 50
LEAST_SD = 0.005
"""Of voxels on [0, 1]: a class without any spread would take no voxel but its own."""
MAD = 1.4826


@dataclass(frozen=True)
class Contrast:
    """Median and robust standard deviation of the two tissues, on the scan's own scale; zeros where there is none."""

    white: float = 0.0
    grey: float = 0.0
    white_sd: float = 0.0
    grey_sd: float = 0.0


def tissue_contrast(voxels: np.ndarray, mask: np.ndarray, template: Template) -> Contrast:
    """The tissues of ``voxels`` (X, Y, Z) on [0, 1] inside ``mask`` (X, Y, Z) bool on the template's grid."""
    values = voxels[mask].astype(np.float32)
    priors = np.stack([m[mask] for m in (template.wm, template.gm, template.csf)]) + np.float32(1e-3)
    sure = [values[p > SURE] for p in priors]
    if min(len(s) for s in sure[:2]) < LEAST_VOXELS:
        return Contrast()
    means = np.array([np.median(s) if len(s) else values.min() for s in sure], np.float32)
    spreads = np.full(3, max(float(values.std()) / 2, LEAST_SD), np.float32)
    shares = np.empty_like(priors)
    for _ in range(STEPS):
        for k in range(3):
            shares[k] = priors[k] / spreads[k] * np.exp(-0.5 * ((values - means[k]) / spreads[k]) ** 2)
        shares /= np.maximum(shares.sum(0), 1e-30)
        weights = np.maximum(shares.sum(1), 1e-6)
        means = (shares @ values) / weights
        spreads = np.array([np.sqrt(s @ (values - m) ** 2 / w) for s, m, w in zip(shares, means, weights, strict=True)])
        spreads = np.maximum(spreads, LEAST_SD).astype(np.float32)
    white, grey = (values[shares[k] > CLEAR] for k in (0, 1))
    return Contrast(centre(white), centre(grey), spread(white), spread(grey))


def centre(values: np.ndarray) -> float:
    """The median of ``values`` (N,), 0 where there are none."""
    return float(np.median(values)) if values.size else 0.0


def spread(values: np.ndarray) -> float:
    """Standard deviation by the median absolute deviation: a few voxels of another tissue do not move it."""
    return float(MAD * np.median(np.abs(values - np.median(values)))) if values.size else 0.0
