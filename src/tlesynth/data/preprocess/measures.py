"""The measures of the quality control in words: what each is called, which way is bad, and what difference matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One column of qc.tsv for people to read."""

    words: str
    bad: Literal["low", "high", "both"]
    """The side on which an unusual value tells of a worse scan."""
    least_spread: float
    """Differences from the site below this never count as unusual, however alike the other scans are."""
    unit: str = ""
    places: int = 2


MEASURES: dict[str, Measure] = {
    "homogeneity": Measure("likeness to the other scans", "low", 0.01, places=3),
    "cjv": Measure("joint variation (CJV)", "high", 0.02),
    "snr": Measure("white matter's signal to spread", "low", 1.0, places=1),
    "noise_snr": Measure("signal to noise", "low", 2.0, places=1),
    "cnr": Measure("contrast to noise", "low", 0.2),
    "contrast": Measure("contrast of white to grey", "low", 0.03),
    "fwhm_mm": Measure("smoothness", "high", 0.2, "mm"),
    "bias_cv": Measure("shading", "high", 0.01, places=3),
    "ghost": Measure("ghost", "high", 0.01, places=3),
    "cut_cm2": Measure("flat end of the brain", "high", 3.0, "cm\u00b2", 0),
    "poles": Measure("temporal poles in the mask", "low", 0.01, places=3),
    "mask_ml": Measure("brain mask", "both", 40.0, "ml", 0),
    "asymmetry": Measure("left-right asymmetry of the mask", "both", 0.8, "%", 1),
    "dice": Measure("overlap with the template's mask", "low", 0.005, places=3),
    "correlation": Measure("correlation with the template", "low", 0.02, places=3),
    "turn_deg": Measure("turn of the head against its header", "high", 5.0, "degrees", 0),
    "determinant": Measure("size of the head against the template", "both", 0.03, places=3),
}
"""Every judged column, in the order of the page. The least spreads are a fifth to a half of what healthy heads show."""
