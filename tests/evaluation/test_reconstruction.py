"""Reconstruction figures: means leave out what cannot be measured, and a shrunken hippocampus is a negative bias."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.hippocampus import Hippocampi
from tlesynth.evaluation import reconstruction as r
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.sections import Inputs
from tlesynth.metrics.fidelity import Fidelity
from tlesynth.metrics.statistics import Resampling

IDS = [f"sub-{number}" for number in range(4)]
NOTHING = float("nan")


def how() -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(0))


def section(monkeypatch: pytest.MonkeyPatch, rebuilt: Hippocampi | None) -> tuple[dict, pd.DataFrame]:
    """Four scans that are their own numbers; the first has no hippocampal region."""
    people = pd.DataFrame({"group": "hc"}, index=IDS)
    cohort = SimpleNamespace(ids=IDS, participants=people, grid=None, volume=IDS.index)
    known = pd.DataFrame({"participant_id": IDS, "cohort": "real", "group": "hc", "left": 4000.0, "right": 5000.0})
    monkeypatch.setattr(r, "fidelity", lambda x, *_: Fidelity(0.5, 0.25, NOTHING if x == 0 else 0.125, 30, 20, 1))
    monkeypatch.setattr(r, "hippocampi", lambda *_: rebuilt)
    monkeypatch.setattr(r, "lpips", lambda _, column: r.Lpips(column, None, {"not_computed": "no weights"}))
    inputs = Inputs(cohort, cohort, None, {"test": IDS})  # ty: ignore[invalid-argument-type]
    return r.reconstruction(inputs, Measured(known, np.zeros((4, 1))), how())


def test_a_scan_without_a_region_is_left_out_of_its_mean_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found, table = section(monkeypatch, Hippocampi(4000, 5000))
    assert found["hippocampus_l1"] == {"value": 0.125, "low": 0.125, "high": 0.125, "n": 3}
    assert found["brain"]["l1"]["n"] == 4 and table["l1_hippocampus"].isna().tolist() == [True, False, False, False]
    assert found["lpips"] == found["lpips_squeeze"] == {"not_computed": "no weights"}


def test_shrunken_hippocampi_are_a_bias_in_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = section(monkeypatch, Hippocampi(3800, 4850))  # 5 % and 3 % too small
    assert found["hippocampus_bias"]["mean"]["value"] == pytest.approx(-4)
    spread = 1.96 * np.std([-5, -3] * 4, ddof=1)
    assert found["hippocampus_bias"]["agreement"]["value"] == pytest.approx(spread, rel=1e-5)


def test_a_head_without_tissues_has_lost_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = section(monkeypatch, None)
    assert found["hippocampus_bias"]["mean"]["value"] == -100


def test_planes_stand_beside_the_mean() -> None:
    network = r.Lpips("lpips", r.nn.Identity(), {"name": "lpips-alex"})
    means = {"lpips": {"value": 2.0}} | {f"lpips_{p}": {"value": 1.0} for p in ("sagittal", "coronal", "axial")}
    found = network.figure(means)
    assert found["value"] == 2 and found["name"] == "lpips-alex" and len(found["planes"]) == 3


def test_missing_weights_name_their_command(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TLESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert r.lpips("squeeze", "x").about["command"] == "tlesynth weights fetch squeezenet1_1"
