"""One pass over a cohort keeps scans, features and volumes in the same order."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation.measure import head_sizes, join, measure_cohort
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


def test_the_size_of_a_head_is_what_the_affine_map_took_away(run: Run, tmp_path: Path) -> None:
    cohort = read_cohort(run.derivatives)
    assert head_sizes(cohort) == {}
    first, second = cohort.ids[:2]
    table = {"participant_id": [first, second], "brain_native_mm3": [1.4e6, None], "brain_mni_mm3": [1.75e6, 1.9e6]}
    durable.write_table(tmp_path / "volumes.tsv", pd.DataFrame(table))
    assert head_sizes(replace(cohort, root=tmp_path)) == {first: pytest.approx(0.8)}
