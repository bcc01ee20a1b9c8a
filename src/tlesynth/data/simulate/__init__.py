"""A cohort with planted temporal lobe epilepsy and known truth: simulated from nothing, or planted into healthy heads."""

from tlesynth.data.simulate.cohort import simulate_cohort

__all__ = ["simulate_cohort"]
