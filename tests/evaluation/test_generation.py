"""Distances between cohorts of known features: the same kind, a shifted one, a collapsed one; three are refused."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.evaluation import generation as g
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.sections import Intervals
from tlesynth.metrics import two_sample
from tlesynth.recipe import Evaluation

from .conftest import figures

HOW = Intervals(Evaluation(bootstrap=100, diversity_pairs=3), 1)
COUNTS = {"gen_train": 20, "test": 12, "synthetic": 20}


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_sample, "PERMUTATIONS", 19)


def cohort(shift: float = 0.0, spread: float = 1.0, tle: float = 4.0, counts: dict[str, int] = COUNTS) -> Measured:
    """Both groups with five figures of spread 3 about 7, TLE ``tle`` further; the synthetic ones altered."""
    rng = np.random.default_rng(0)
    rows, features = [], []
    for group in ("hc", "tle"):
        for split, n in counts.items():
            made = split == "synthetic"
            drawn = rng.normal(size=(n, 5)) * 3 * (spread if made else 1)
            features.append(drawn + 7 + (shift if made else 0) + (tle if group == "tle" else 0))
            rows += [{"group": group, "split": split, "cohort": "synthetic" if made else "real"}] * n
    values = np.concatenate(features)
    power = np.repeat(np.where([r["split"] == "synthetic" for r in rows], 10.0, 100.0)[:, None], 10, axis=1)
    return Measured(pd.DataFrame(rows), values, power * np.exp(rng.normal(0, 0.1, power.shape)), values[:, :3])


def test_the_frechet_section_measures_in_training_standard_deviations() -> None:
    near, far = (g.frechet(cohort(shift), HOW)["hc"] for shift in (0, 9))
    assert near["ratio"] < 4
    spread = cohort().features[(cohort().table["split"] == "gen_train").to_numpy()].std(axis=0)
    assert far["value"]["value"] == pytest.approx(((9 / spread) ** 2).sum(), rel=0.35)
    assert near["floor"] == far["floor"]


def test_a_shifted_cohort_is_found_in_every_figure() -> None:
    found = g.generation(cohort(shift=12), HOW)
    for space in ("radiomic", "internal"):
        assert found[space]["kid"]["hc"]["above_floor"]["low"] > 0
        assert found[space]["overlap"]["tle"]["coverage"]["value"]["value"] == 0
    assert found["internal"]["features"] == "internal encoder" and found["internal"]["frechet"]["hc"]["ratio"] > 3
    assert found["two_sample"]["value"]["auc"]["value"] > 0.95 and found["two_sample"]["value"]["p"] == 0.05
    assert "frechet" not in found["radiomic"]


def test_the_same_kind_is_near_its_floor_and_nearer_to_its_own_class() -> None:
    found = g.generation(cohort(tle=9), HOW)
    assert found["radiomic"]["kid"]["hc"]["above_floor"]["low"] < 0
    assert all(found["radiomic"]["kid"]["own_minus_cross"][group]["high"] < 0 for group in ("hc", "tle"))
    assert found["two_sample"]["value"]["auc"]["low"] < 0.5 and found["two_sample"]["floor"]["auc"]["low"] < 0.5


def test_a_collapsed_cohort_covers_nothing() -> None:
    overlap = g.generation(cohort(spread=1e-3), HOW)["radiomic"]["overlap"]["hc"]
    assert overlap["recall"]["value"]["value"] == 0 and overlap["coverage"]["ratio"] < 0.6
    assert overlap["precision"]["value"]["value"] == 1


def test_lost_power_is_ten_decibels() -> None:
    band = g.generation(cohort(), HOW)["spectrum"]["tle"]["0.125 to 0.156"]
    assert band["value"]["value"] == pytest.approx(-10, abs=0.3) and band["floor"]["value"] == pytest.approx(0, abs=0.3)


def test_sets_of_three_and_of_seven_are_refused_in_one_sentence_and_eight_give_figures() -> None:
    for n in (3, 7):
        few = cohort(counts=dict.fromkeys(COUNTS, n))
        told = g.generation(few, HOW)
        sets = [told["radiomic"], told["internal"], g.frechet(few, HOW)]
        reasons = {f["not_computed"] for part in sets for f in figures(part)}
        assert not any("value" in f for part in sets for f in figures(part))
        derived = {"the distance or its floor is missing", "the floor cannot be told from 0"}
        assert reasons - derived == {f"{n} scans; at least 8 are needed"}
        assert all(np.isfinite(f["value"]) for f in figures(told["spectrum"]))  # means of three have their interval
    assert "not_computed" in g.generation(cohort(counts=dict.fromkeys(COUNTS, 3)), HOW)["two_sample"]["value"]
    eight = g.generation(cohort(counts=dict.fromkeys(COUNTS, 8)), HOW)
    assert all(np.isfinite(f["value"]) for f in figures(eight) if "value" in f)
    assert eight["radiomic"]["overlap"]["hc"]["k"] == 2 and "value" in eight["radiomic"]["kid"]["hc"]["value"]


def test_without_a_cohort_training_scans_or_encoder_there_is_a_reason() -> None:
    one = cohort()
    alone = Measured(one.table[one.table["cohort"] == "real"], one.features, one.spectra)
    assert g.frechet(alone, HOW)["command"] == g.generation(alone, HOW)["command"] == "tlesynth sample"
    untrained = Measured(one.table.assign(split="test"), one.features)
    assert "training scan" in g.frechet(untrained, HOW)["not_computed"]
    bare = g.generation(Measured(one.table, one.features, one.spectra), HOW)
    assert "no encoder" in bare["internal"]["not_computed"]
