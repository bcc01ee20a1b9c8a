"""The score by which validation scans choose: a network's checkpoint, a table model's strength, the study's ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlesynth.classifier.calibration import cross_entropy
from tlesynth.metrics.statistics import auc

TIE_BREAK = 1e-3
"""Weight of the cross-entropy beside 1 - AUC: it only decides between equal rankings."""


def validation_figures(logits: NDArray[np.float64], positive: NDArray[np.bool_]) -> dict[str, float]:
    """AUC and cross-entropy of validation logits (N,), and ``score`` = 1 - AUC (ties by cross-entropy), lower is
    better."""
    area, entropy = auc(logits, positive), cross_entropy(logits, positive.astype(np.float64))
    return {"score": 1 - area + TIE_BREAK * entropy, "auc": area, "cross_entropy": entropy}
