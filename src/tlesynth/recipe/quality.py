"""Limits of the quality control: beyond which a scan is flagged for a person to look at, or left out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tlesynth.recipe.section import Section


class Limit(Section):
    """The range of one measure; a missing end is open. Outside ``low`` to ``high`` the action is taken."""

    low: float | None = None
    high: float | None = None
    action: Literal["flag", "exclude", "ignore"] = "flag"
    """``flag`` lists the scan and keeps it, ``exclude`` leaves it out, ``ignore`` turns the limit off."""
    clear_low: float | None = None
    """Below this the scan is a clear failure and is left out, whatever the action (unless it is ``ignore``)."""
    clear_high: float | None = None
    """Above this likewise."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends = [v for v in (self.clear_low, self.low, self.high, self.clear_high) if v is not None]
        if ends != sorted(ends):
            raise ValueError("clear_low <= low <= high <= clear_high must hold")
        return self


class QualityLimits(Section):
    """What is asked of each scan. By default only clear failures are left out; the rest is listed with its reason."""

    cjv: Limit = Limit(high=0.6, clear_high=2.0)
    """Coefficient of joint variation: noise and inhomogeneity over contrast."""
    contrast: Limit = Limit(low=0.0)
    """(white - grey) / white. Below 0 the scan may be no T1 (REG-002); disease can do it too, so it is only flagged."""
    dice: Limit = Limit(low=0.92)
    """Of the brain mask with the template's; below ``preprocess.least_dice`` the registration has refused it."""
    correlation: Limit = Limit(low=0.40)
    """With the template inside its brain; real brains reached 0.47 and more."""
    mask_ml: Limit = Limit(low=1000.0, high=1900.0, clear_low=600.0, clear_high=2600.0)
    """Volume of the brain mask in ml."""
    poles: Limit = Limit(low=0.95, clear_low=0.30)
    """Share of the temporal poles inside the mask, of the worse side."""
    cut_cm2: Limit = Limit(high=30.0, clear_high=70.0)
    """Flat end of the brain, in cm2: where the field of view cuts it. A whole brain ends in a curve."""
    ghost: Limit = Limit(high=0.15, clear_high=0.5)
    """Share of the head's own signal that appears again, shifted; still heads had up to 0.10."""
    noise_snr: Limit = Limit(low=8.0)
    """White matter over the noise's standard deviation; usable scans had 27 and more."""
    turn_deg: Limit = Limit(high=45.0)
    """Turn between the scan's header and the template. A header that is wrong by a mirror looks like half a turn:
    then left and right may be exchanged, which no picture can show."""
    asymmetry: Limit = Limit(low=-6.0, high=6.0)
    """Of the mask, 200 (right - left) / (right + left), in percent."""
    robust_z: Annotated[float, Field(ge=0, le=100)] = 3.0
    """Distance from the site's median, in scaled median absolute deviations, beyond which a scan is unusual; 0: off."""
    robust_z_action: Literal["flag", "exclude"] = "flag"
    least_per_site: Annotated[int, Field(ge=3, le=10_000)] = 8
    """A site with fewer scans is measured against the whole cohort."""

    @model_validator(mode="before")
    @classmethod
    def _keep_what_is_not_named(cls, given: Any) -> Any:
        """One end of a limit may be set alone: the others keep this class's defaults, not those of ``Limit``."""
        if not isinstance(given, dict):
            return given
        defaults = {name: f.default for name, f in cls.model_fields.items() if isinstance(f.default, Limit)}
        merged = {n: defaults[n].model_dump() | v for n, v in given.items() if n in defaults and isinstance(v, dict)}
        return given | merged

    def limits(self) -> dict[str, Limit]:
        """Every limit by the name of its measure."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in found.items() if isinstance(value, Limit)}
