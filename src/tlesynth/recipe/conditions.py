"""What a scan is drawn under: the columns of participants.tsv that the generator is told, and how each is left out."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from tlesynth.recipe.section import Fraction, Section


class Category(Section):
    """A condition with named values: group, side, sclerosis, sex, site."""

    values: tuple[str, ...] = ()
    """Empty: those found in the training set, sorted."""
    mirror: dict[str, str] = {}
    """What a value is called after the scan is mirrored, both ways: ``{left: right}``."""
    dropout: Fraction = 0.0
    """Share of training scans whose value is withheld, on its own."""

    @model_validator(mode="after")
    def _mirror_is_known(self) -> Self:
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value is named twice")
        strange = (set(self.mirror) | set(self.mirror.values())) - set(self.values)
        if self.values and strange:
            raise ValueError(f"mirror names {sorted(strange)[0]!r}, which is none of the values")
        return self


class Quantity(Section):
    """A condition with a number: age, severity, hippocampal volume."""

    between: Annotated[tuple[float, float] | None, Field()] = None
    """Least and greatest value that may be asked for; none: those of the training set."""
    mirror: str = ""
    """The condition whose value it takes after the scan is mirrored, as the left volume that of the right."""
    dropout: Fraction = 0.0
    drawn: bool = False
    """Where a request leaves it open: drawn, as training scans with the same other conditions have it. Else: null."""
    quantity: bool = True
    """Tells it from a category where nothing else is said: ``age: {quantity: true}``."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.quantity:
            raise ValueError("quantity: false says nothing; leave it out to name a category")
        if self.between and self.between[0] >= self.between[1]:
            raise ValueError(f"between {list(self.between)} does not rise")
        return self
