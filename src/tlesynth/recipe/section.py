"""What every part of the recipe is made of: frozen sections, and the ranges their values may have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, lt=1e6)]
NonNegative = Annotated[float, Field(ge=0, lt=1e6)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
CountOrZero = Annotated[int, Field(ge=0, le=10_000_000)]
Widths = Annotated[tuple[Count, ...], Field(min_length=1, max_length=6)]
Triple = tuple[Count, Count, Count]


class Section(BaseModel):
    """A part of the recipe: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
