"""How training scans are varied: mirrored, moved a little, made brighter or darker, scanned a little worse."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tlesynth.recipe.section import Fraction, Section


class Augmentation(Section):
    """Random variation of each training volume; the paper has none, so that everything is off by default."""

    flip: bool = False
    """Mirror half of the volumes in x; where a label names a side, it is swapped."""
    affine_share: Fraction = 0.0
    """Share of the volumes that are rotated, scaled and moved; their resampling blurs, so that some should stay."""
    rotation_deg: Annotated[float, Field(ge=0, le=15)] = 5.0
    """Greatest rotation about each axis."""
    scale: Annotated[float, Field(ge=0, le=0.2)] = 0.05
    """Greatest change of size on each axis, as a share."""
    shift_mm: Annotated[float, Field(ge=0, le=10)] = 3.0
    """Greatest shift along each axis."""
    gain: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Greatest change of brightness, as a share; what exceeds 1 is clipped."""
    gamma: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Greatest change of contrast: x becomes x ** exp(u), u between -gamma and gamma."""
    bias_field: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Greatest strength of a smooth bias field, as a share: 0.2 multiplies by 1 / 1.2 to 1.2. How strong it is at most
    is drawn for each volume between 0 and this."""
    noise: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """Greatest standard deviation of Gaussian noise on intensities in [0, 1], drawn for each volume between 0 and this;
    none where the background is 0."""

    @property
    def recolours(self) -> bool:
        """Whether intensities change."""
        return bool(self.gain or self.gamma or self.bias_field or self.noise)

    @property
    def varies(self) -> bool:
        """Whether anything is varied at all."""
        return bool(self.flip or self.affine_share or self.recolours)
