"""What is kept of each scan for the diffusion model: its latent, its mirror image's, and those of moved copies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tlesynth.recipe.augmentation import Augmentation
from tlesynth.recipe.section import Section


class Encode(Section):
    """Copies of each scan that are moved a little before they are encoded; every second one is mirrored too."""

    moved_copies: Annotated[int, Field(ge=0, le=64)] = 0
    """More variety for few scans, and less that can be learnt by heart; each takes as much room as the scan."""
    move: Augmentation = Augmentation(affine_share=1.0, rotation_deg=2.0, scale=0.02, shift_mm=1.5)
