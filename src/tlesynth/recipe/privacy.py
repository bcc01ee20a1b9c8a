"""What is done about synthetic scans that copy training scans."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from tlesynth.recipe.section import Count, CountOrZero, Fraction, Section


class Privacy(Section):
    """The gate that ``sample`` ends with, and the audit in ``evaluate``."""

    gate: Literal["refuse", "report", "off"] = "refuse"
    """``refuse``: copies are dropped; more of them than ``most_copies`` and chance allow, or more volumes nearer to
    training than to held-out scans than ``most_nearer`` and chance, withhold the cohort (exit status 9). ``report``:
    copies are dropped, the certificate says that the gate was overridden. ``off``: no check."""
    most_copies: Fraction = 0.05
    """Share of the drawn volumes that may be copies."""
    most_nearer: Fraction = 0.75
    """Share of the drawn volumes that may lie nearer to training than to held-out scans: 0.5 is chance, at 0.75 half of
    them do so for a reason."""
    false_alarms: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Share of scans of new people that the detector may take for copies."""
    calibrated: Annotated[int, Field(ge=10, le=10_000)] = 200
    """Real scans that calibrate the detector, at most."""
    planted: Count = 20
    """Training scans of which a copy of each kind is planted."""
    subsets: Count = 50
    """Draws of equally many training and held-out scans for the ratio of nearest distances."""
    membership_draws: CountOrZero = 32
    """Noise draws a scan for the denoiser's membership test; 0 leaves the models out of the audit."""
    membership_scans: Count = 50
    """Scans of each kind that the models are asked about, at most."""

    @field_validator("gate", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        """YAML reads a bare ``off`` as false."""
        return "off" if value is False else value

    @property
    def decisive(self) -> Privacy:
        """What decides which volumes are dropped; the rest, as by default, can change without drawing anew."""
        gate = "off" if self.gate == "off" else "refuse"
        return Privacy(gate=gate, false_alarms=self.false_alarms, calibrated=self.calibrated)
