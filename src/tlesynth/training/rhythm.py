"""How often a run looks at itself, by what it chooses, and how many refused steps it bears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BEST = "best"
LEAST_STEPS = 50
"""A run whose epochs are shorter looks at itself after as many whole epochs as make up this many steps."""


@dataclass(frozen=True)
class Limits:
    """Refused steps (a loss or gradient that is not finite) at which a run gives up."""

    in_a_row: int = 5
    in_all: int = 100


@dataclass(frozen=True)
class Rhythm:
    """Steps between validations and between checkpoints; which checkpoints are kept for which validation figure.

    ``criteria`` maps a checkpoint's name to the figure it is best by, lower being better; ``chosen`` is the result.
    """

    validate_every: int
    checkpoint_every: int
    criteria: Mapping[str, str] = field(default_factory=lambda: {BEST: "score"})
    chosen: str = BEST
    limits: Limits = Limits()
    patience: int = 0
    """Validations in a row that are no better than the best, after which the turn ends; 0 never ends it."""


def every(steps: int, steps_per_epoch: int) -> int:
    """``steps``, or once an epoch where it is 0 (once in several, where epochs are shorter than ``LEAST_STEPS``)."""
    return steps or steps_per_epoch * -(-LEAST_STEPS // steps_per_epoch)
