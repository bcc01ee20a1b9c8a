"""One pass over a cohort keeps scans, features and volumes in the same order."""

from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation.measure import join, measure_cohort
from tlesynth.evaluation.radiomics import NAMES

from .conftest import Run


def test_scans_are_measured_and_selected(run: Run) -> None:
    cohort = read_cohort(run.derivatives)
    chosen = {i: "test" if k % 2 else "gen_train" for k, i in enumerate(cohort.ids[:6])}
    found = measure_cohort(cohort, "real", chosen)
    assert list(found.table["participant_id"]) == cohort.ids[:6]
    assert found.features.shape == (6, len(NAMES))
    assert found.ids("hc", ("test",)) == [i for i in cohort.of_group("hc") if chosen.get(i) == "test"]
    assert len(found.features_of("hc", ("test",))) == len(found.ids("hc", ("test",)))
    assert len(found.volumes_table()) == 6
    both = join(found, measure_cohort(cohort, "synthetic", {}))
    assert both.spectra.shape == (6, 10) and both.embedded.size == 0
    assert len(both.table) == 6 and list(both.table["split"]) == list(found.table["split"])
