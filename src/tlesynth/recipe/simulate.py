"""The simulated cohort."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tlesynth.recipe.section import Count, Fraction, Section


class Simulate(Section):
    """The simulated cohort (used where no input cohort is given)."""

    n_hc: Count = 500
    n_tle: Count = 500
    voxel_mm: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Voxel size of the simulated native scans."""
    sites: Annotated[int, Field(ge=1, le=100)] = 12
    severity_scale: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Multiplies every disease effect; 1 is the default preset, 0 plants none."""
    sclerosis_share: Fraction = 0.5
    """Share of patients with hippocampal sclerosis; the others are MRI-negative."""
    left_share: Fraction = 0.55
    bias_field: Annotated[float, Field(ge=0, le=0.3)] = 0.06
    """Standard deviation of the log bias field of a raw scan."""
    noise_scale: Annotated[float, Field(ge=0, le=5)] = 1.0
