"""Whom the real scans of a comparison are."""

from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation import sections

from .conftest import Run


def test_real_ids_are_those_of_the_split(run: Run) -> None:
    cohort = read_cohort(run.derivatives)
    inputs = sections.Inputs(cohort, None, None, {"test": ["sub-realtle5"], "val": ["sub-realhc3"]})
    assert inputs.real_ids("tle", ("test", "val")) == ["sub-realtle5"]
    assert inputs.real_ids("hc", ("test",)) == []
