"""Cohorts with temporal lobe epilepsy and known truth: simulated from nothing, or planted into healthy heads."""

from tlesynth.data.simulate.cohort import simulate_cohort
from tlesynth.data.simulate.planting import plant_into

__all__ = ["plant_into", "simulate_cohort"]
