"""The simulated cohort."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.section import Count, Fraction, Section

CONTROL_SITES = 2
"""Sites of the ``confounded`` scenario that scan controls only."""


class Simulate(Section):
    """The simulated cohort (used where no input cohort is given)."""

    n_hc: Count = 500
    n_tle: Count = 500
    voxel_mm: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Voxel size of the simulated native scans."""
    sites: Annotated[int, Field(ge=1, le=100)] = 12
    preset: Literal["default", "easy", "mid", "hard"] = "default"
    """How visible the disease is: severity, network effects, signal and pole blurring."""
    severity_scale: Annotated[float, Field(ge=0, le=3)] | Literal["calibrated"] = 1.0
    """Multiplies every disease effect of the preset: 0 plants none, 1 is as in ENIGMA's patients, ``calibrated`` is
    what a 3D network needs to learn the disease from a few hundred scans."""
    sclerosis_share: Fraction = 0.5
    """Share of patients with hippocampal sclerosis; the others are MRI-negative."""
    bilateral_share: Fraction = 0.10
    """Share of the patients with sclerosis whose other hippocampus is damaged too (40 to 70 % of the loss)."""
    left_share: Fraction = 0.55
    bias_field: Annotated[float, Field(ge=0, le=0.3)] = 0.06
    """Standard deviation of the log bias field of a raw scan."""
    noise_scale: Annotated[float, Field(ge=0, le=5)] = 1.0
    failed_scans: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Share of each group whose scan is spoilt (ghosting, cut field of view, heavy noise), to test quality control."""
    scenario: Literal["balanced", "confounded"] = "balanced"
    """``confounded``: the two largest sites scan controls only, with a contrast and sharpness of their own."""

    @model_validator(mode="after")
    def _sites_are_left_for_patients(self) -> Simulate:
        if self.scenario == "confounded" and self.sites <= CONTROL_SITES:
            raise ValueError(f"scenario confounded needs simulate.sites of at least {CONTROL_SITES + 1}")
        return self
