"""All sections together on phantoms, where only what needs no weights is computed."""

from pathlib import Path

import pytest

from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation.fidelity import fidelity
from tlesynth.evaluation.measure import measure_cohort
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.recipe import Evaluation

from .conftest import Run


def test_without_synthetic_scans_or_reconstructions_each_section_says_why(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cohort = read_cohort(run.derivatives)
    inputs = Inputs(cohort, None, None, {"gen_train": cohort.ids[:3]})
    measured = measure_cohort(cohort, "real", dict.fromkeys(cohort.ids[:1], "gen_train"))
    found, per_scan = fidelity(inputs, measured, Intervals(Evaluation(bootstrap=100, diversity_pairs=3), 1))
    assert list(found) == ["reconstruction", "frechet", "generation", "fid", "diversity"]
    assert found["reconstruction"]["command"] == "tlesynth encode" and not len(per_scan)
    assert found["generation"]["command"] == found["frechet"]["command"] == "tlesynth sample"
    assert found["fid"]["hc"]["command"] == "tlesynth weights fetch inception-v3"
