"""How hard the simulated disease is to see: four presets, calibrated so that volumes alone tell little and images more.

``default`` reproduces what is published on real scans of one size of cohort (about 1,200): hippocampal volumes tell
patients from controls with AUC 0.74 to 0.80 (Brain 2025, awaf020: accuracy 74 %). A mean loss of 20 % with sclerosis
makes volumes *measured* with 3.5 % noise differ by ENIGMA's effect sizes (tlesynth.data.enigma); the loss that its
effect sizes imply for noise-free volumes, 24 %, would make them differ by 2.2 standard deviations instead of 1.8.

A network learns less from a few hundred images than those volumes tell. ``severity_scale: calibrated`` makes up for it:
the scale at which the package's own 3D classifier was measured to reach ``CALIBRATED_AUC`` (benchmarks/severity).
"""

from __future__ import annotations

from dataclasses import dataclass

from tlesynth.errors import fail
from tlesynth.recipe import Simulate

CALIBRATED_AUC, CALIBRATED_SUBJECTS = 0.88, 400


@dataclass(frozen=True)
class Preset:
    """The distributions that a preset fixes; ``severity_scale`` multiplies severity and network on top."""

    sclerosis: tuple[float, float, float, float]
    """Share of the ipsilateral hippocampus that is lost with sclerosis: mean, SD, least, most."""
    negative: tuple[float, float, float, float]
    """The same in MRI-negative patients."""
    negative_network: float
    """Effects outside the hippocampus of MRI-negative patients, in shares of those with sclerosis."""
    network_sd: float
    """Spread of those effects between patients; their mean is ENIGMA's."""
    signal: float
    """Ipsilateral hippocampal T1 signal, in healthy standard deviations at a network factor of 1."""
    pole: float
    """Ipsilateral temporal-pole blurring, in healthy standard deviations at a network factor of 1."""
    calibrated: float | None
    """Severity scale at which the 3D classifier reaches ``CALIBRATED_AUC``; None where none was measured to."""


PRESETS = {
    "hard": Preset((0.18, 0.11, 0.02, 0.60), (0.06, 0.05, -0.06, 0.25), 0.60, 0.60, -0.9, 0.7, None),
    "mid": Preset((0.20, 0.11, 0.02, 0.60), (0.07, 0.05, -0.06, 0.25), 0.75, 0.45, -1.0, 0.8, 2.92),
    "default": Preset((0.20, 0.11, 0.02, 0.60), (0.08, 0.05, -0.06, 0.25), 0.80, 0.40, -1.2, 1.0, 2.43),
    "easy": Preset((0.20, 0.11, 0.02, 0.60), (0.09, 0.05, -0.06, 0.25), 0.90, 0.35, -1.3, 1.1, 2.0),
}


def severity_scale(settings: Simulate) -> float:
    """What multiplies every disease effect: the recipe's number, or the one measured for its preset.

    Raises:
        TlesynthError: CFG-002 if the preset has no calibrated scale.
    """
    if settings.severity_scale != "calibrated":
        return settings.severity_scale
    scale = PRESETS[settings.preset].calibrated
    if scale is None:
        why = f"for preset {settings.preset} no scale is known that reaches an AUC of {CALIBRATED_AUC}; give a number"
        raise fail("CFG-002", "simulate.severity_scale", why)
    return scale
