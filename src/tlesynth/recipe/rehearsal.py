"""The reader study that a run of a simulated cohort rehearses at its end, with simulated readers for people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tlesynth.recipe.section import CountOrZero, Section


class Rehearsal(Section):
    """What is asked of whom; scans that people gave are for people to read, so a run of those rehearses nothing."""

    readers: Annotated[CountOrZero, Field(le=64)] = 0
    """Simulated readers; 0: no rehearsal."""
    design: Literal["yes-no", "2afc", "diagnosis"] = "yes-no"
    n: Annotated[int, Field(ge=2, le=10_000)] = 48
    """Questions to each, or as many as the run's test scans allow."""
    d_prime: Annotated[float, Field(ge=0, le=10)] = 1.0
    """How well the simulated readers see: it is put in, so nothing is learnt of the scans from what comes out."""
