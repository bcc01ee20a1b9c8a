"""The time that `tlesynth evaluate` spends in each of its parts, taken around the functions it calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import Any

PARTS = {
    "measuring heads": "tlesynth.evaluation.evaluate._measure",
    "reconstruction, distances, diversity": "tlesynth.evaluation.evaluate.fidelity",
    "disease effect and t-maps": "tlesynth.evaluation.evaluate.disease",
    "privacy audit": "tlesynth.evaluation.evaluate.audit",
}
"""Where evaluate finds each of its parts; what is left is reading tables, judging and writing."""
INNER = {
    "reading volumes": "tlesynth.data.cohort.Cohort.volume",
    "volumetry": "tlesynth.evaluation.measure.structures",
    "radiomic features": "tlesynth.evaluation.measure.radiomic_features",
    "power spectra": "tlesynth.evaluation.measure.band_power",
    "internal encoder, training": "tlesynth.evaluation.evaluate.encoder_of",
    "internal encoder, asking": "tlesynth.evaluation.encoder.Encoder.embed",
}
"""Of which; reading is part of everything."""


@dataclass
class Clock:
    """Wall and core-seconds by part."""

    wall: dict[str, float] = field(default_factory=dict)
    core: dict[str, float] = field(default_factory=dict)

    def around(self, name: str, place: str) -> None:
        """Count the time that the function at ``place`` takes, as ``name``."""
        owner, attribute = _found(place)
        setattr(owner, attribute, self._counted(name, getattr(owner, attribute)))

    def _counted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        self.wall[name] = self.core[name] = 0.0

        @wraps(work)
        def counted(*args: Any, **named: Any) -> Any:
            wall, core = time.monotonic(), time.process_time()
            try:
                return work(*args, **named)
            finally:
                self.wall[name] += time.monotonic() - wall
                self.core[name] += time.process_time() - core

        return counted


def _found(place: str) -> tuple[Any, str]:
    """The module or class that holds what ``place`` names, and its name there."""
    parts = place.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            owner: Any = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:-1]:
            owner = getattr(owner, name)
        return owner, parts[-1]
    raise ModuleNotFoundError(place)
