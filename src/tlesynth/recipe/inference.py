"""How a trained autoencoder is run: by encoding, by sampling, never by training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tlesynth.recipe.section import Section

TileSide = Annotated[int, Field(ge=4, le=4096)]


class Inference(Section):
    """Precision and tiles of the trained autoencoder. Results depend on both, never on the memory that is free."""

    precision: Literal["32-true", "bf16-true", "auto"] = "32-true"
    """``bf16-true``: weights and activations in bfloat16. ``auto``: that where the device computes in it natively."""
    tile: Literal["none"] | tuple[TileSide, TileSide, TileSide] = "none"
    """Sides, in latent voxels, of the tiles in which a volume too large for the memory is encoded and decoded."""
    overlap: Annotated[int, Field(ge=2, le=512, multiple_of=2)] = 8
    """Latent voxels that neighbouring tiles share at least; half of it is blended, the rest is context."""

    @model_validator(mode="after")
    def _tiles_overlap_one_neighbour(self) -> Inference:
        if self.tile != "none" and min(self.tile) < 2 * self.overlap:
            raise ValueError(f"tile {self.tile} must be at least twice overlap {self.overlap} on each axis")
        return self
