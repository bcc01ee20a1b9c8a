"""Cohorts whose likeness is known: the same, overdrawn, blended over both sides, shuffled, and too small."""

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.data.resampling import WORK
from tlesynth.data.template import load_template
from tlesynth.evaluation.disease import (
    adjusted,
    conditioning,
    disease,
    distributions,
    effect_sizes,
    maps,
    strata,
    truth,
)
from tlesynth.metrics.statistics import Json, Resampling

LOSS = {"one-sided": (0.25, 0.0), "bilateral": (0.125, 0.125), "overdrawn": (0.6, 0.0), "none": (0.0, 0.0)}
"""Share of the hippocampus that a patient loses on the side of the focus and on the other."""


def how() -> Resampling:
    return Resampling(300, 0.95, np.random.default_rng(0))


def cohort(kind: str, loss: str, n: int, seed: int) -> pd.DataFrame:
    """``n`` controls and ``n`` patients, half of them left; the volumes of both sides go together in health."""
    rng, rows = np.random.default_rng(seed), []
    for place in range(2 * n):
        group = "hc" if place < n else "tle"
        side = None if group == "hc" else SIDES[place % 2]
        row = {"participant_id": f"{kind}{place}", "cohort": kind, "group": group, "side": side, "split": kind}
        row |= {"hs": None if group == "hc" else ["yes", "no"][place // 2 % 2], "age": 20 + place % 40, "sex": "F"}
        for structure in STRUCTURES:
            common = rng.normal(0, 0.09)
            for own in SIDES:
                here, there = LOSS[loss] if structure == "hippocampus" and group == "tle" else (0, 0)
                size = 4000 * np.exp(common + rng.normal(0, 0.04)) * (1 - (here if own == side else there))
                row[f"{structure}_{own}"] = row[f"{structure}_{own}_tissue"] = size
        rows.append(row | {"left": row["hippocampus_left"], "right": row["hippocampus_right"]})
    return pd.DataFrame(rows)


def both(loss: str, n: int, made: int | None = None) -> pd.DataFrame:
    """A real cohort with one-sided loss and a synthetic one with ``loss``."""
    synthetic = cohort("synthetic", loss, made or n, 2)
    return strata.with_asymmetries(pd.concat([cohort("real", "one-sided", n, 1), synthetic], ignore_index=True))


def effects(loss: str, n: int) -> Json:
    return effect_sizes.effect_sizes(both(loss, n), 0.3, how())


def test_identical_cohorts_are_equivalent_when_large_and_undecided_when_small() -> None:
    large, small = effects("one-sided", 600), effects("one-sided", 12)
    assert large["tle"]["thalamus_total"]["verdict"] == "equivalent"
    assert large["tle"]["hippocampus_total"]["verdict"] == "equivalent"
    assert small["tle"]["hippocampus_asymmetry_abs"]["verdict"] == "undecided"
    assert large["agreement"]["effects"] == 16 and large["agreement"]["correlation"]["value"] > 0.95
    assert large["agreement"]["deming_slope"]["value"] == pytest.approx(1, abs=0.15)


def test_an_overdrawn_disease_is_different_and_steeper() -> None:
    found = effects("overdrawn", 60)
    for stratum in ("tle", "hs-yes", "hs-no"):
        assert found[stratum]["hippocampus_asymmetry_abs"]["verdict"] == "different"
    left = found["tle-left"]["hippocampus_left"]
    assert left["verdict"] == "different" and left["synthetic"]["value"] < left["real"]["value"] < -1
    assert found["tle-left"]["hippocampus_right"]["verdict"] != "different"
    assert found["agreement"]["deming_slope"]["low"] > 1.2


def test_without_a_disease_the_effect_is_about_zero() -> None:
    found = effects("none", 300)["tle"]["hippocampus_total"]
    assert abs(found["synthetic"]["value"]) < 0.2 and found["verdict"] == "different"


def test_a_bilateral_mild_cohort_is_flagged_by_its_asymmetry_though_its_loss_is_the_same() -> None:
    table = both("bilateral", 60)
    found = distributions.asymmetry_tails(table, how())
    assert found["verdict"] == "blended"
    assert found["real"]["value"] > 0.9 and found["synthetic"]["value"] < 0.3
    assert effect_sizes.effect_sizes(table, 0.3, how())["tle"]["hippocampus_total"]["verdict"] != "different"
    assert distributions.asymmetry_tails(both("one-sided", 60), how())["verdict"] == "undecided"
    sides = distributions.side_correlations(table, how())["tle"]["hippocampus"]
    assert sides["difference"]["low"] > 0, "the sides of the real patients go together less"


def test_a_cohort_that_spreads_half_as_much_is_found_to() -> None:
    table = both("one-sided", 200)
    made, column = table["cohort"] == "synthetic", "thalamus_total"
    table.loc[made, column] = (
        table.loc[made, column].mean() + (table.loc[made, column] - table.loc[made, column].mean()) / 2
    )
    found = distributions.distributions(table, how())
    assert found["tle"]["thalamus_total"]["deviation_ratio"]["verdict"] == "different"
    assert found["tle"]["amygdala_total"]["deviation_ratio"]["verdict"] == "alike"
    assert found["tle"]["thalamus_total"]["kolmogorov_smirnov"]["p"] < 0.01


def test_three_subjects_are_refused_in_words() -> None:
    table = both("one-sided", 20, made=3)
    for found in (
        effect_sizes.effect_sizes(table, 0.3, how())["tle"],
        distributions.distributions(table, how())["hc"],
        distributions.asymmetry_tails(table, how()),
    ):
        assert found["not_computed"].startswith("3 synthetic scans of") and "at least 6" in found["not_computed"]
    assert "not_computed" in effect_sizes.effect_sizes(table, 0.3, how())["agreement"]


def test_the_asked_side_is_found_and_numbers_are_followed() -> None:
    table = both("one-sided", 40)
    made = table[table["cohort"] == "synthetic"].set_index("participant_id")
    asked = pd.DataFrame(
        {"group": made["group"], "hippocampus_left_mni_mm3": made["hippocampus_left"] / 2, "dose": "7"}
    )
    real = table[table["cohort"] == "real"].set_index("participant_id")
    told = pd.DataFrame({"hippocampus_left_mni_mm3": real["hippocampus_left"]})
    found = conditioning.conditioning(table, asked, how(), told)
    assert found["side"]["synthetic"]["auc"]["value"] > 0.95
    assert found["side"]["synthetic"]["share_on_the_asked_side"]["value"] > 0.9
    followed = found["numbers"]["hippocampus_left_mni_mm3"]
    assert followed["measure"] == "hippocampus_left" and followed["slope"]["value"] == pytest.approx(2)
    assert followed["real"]["slope"]["value"] == pytest.approx(1)
    assert "vary" in found["numbers"]["dose"]["not_computed"]
    assert "do not tell" in found["numbers"]["dose"]["real"]["not_computed"]
    assert "value" in found["age"]["real"]["slope"] and "not_computed" in found["sex"]["real"]
    nothing = conditioning.conditioning(both("none", 40), asked[["group"]], how())
    assert abs(nothing["side"]["synthetic"]["auc"]["value"] - 0.5) < 0.25 and "not_computed" in nothing["numbers"]


@pytest.mark.parametrize(
    ("name", "measure"), [("severity", "hippocampus_asymmetry_abs"), ("dose", "hippocampus_total")]
)
def test_what_answers_a_number(name: str, measure: str) -> None:
    assert conditioning.answered_by(name, ["hippocampus_left", "left"]) == measure


def test_the_measure_is_judged_by_the_truth(tmp_path: Path) -> None:
    table = both("one-sided", 20)
    planted = table[table["cohort"] == "real"]
    columns = {f"{s}_{side}_mni_mm3": planted[f"{s}_{side}"] / 0.9 for s in STRUCTURES for side in SIDES}
    known = pd.DataFrame({"participant_id": planted["participant_id"]} | columns).drop(columns="thalamus_left_mni_mm3")
    durable.write_table(tmp_path / "truth.tsv", known)
    found = truth.against_truth(table, tmp_path / "truth.tsv", how())
    assert found["registration"]["hippocampus"]["bias_percent"]["value"] == pytest.approx(-10)
    assert found["tissue"]["hippocampus"]["slope"]["value"] == pytest.approx(0.9)
    asymmetry = found["registration"]["hippocampus_asymmetry"]
    assert asymmetry["slope"]["value"] == pytest.approx(1), "a bias of both sides alike leaves their difference"
    assert asymmetry["correlation"]["value"] == pytest.approx(1)
    assert "thalamus_left" in found["registration"]["thalamus"]["not_computed"]
    assert "not_computed" in truth.against_truth(table, None, how())


def older_patients(loss: str, years: float, n: int = 150) -> pd.DataFrame:
    """Cohorts in which all volumes fall by 20 mm3 a year, women's are 300 smaller, and patients are ``years`` older."""
    table, rng = both(loss, n), np.random.default_rng(5)
    patient = (table["group"] == "tle").to_numpy()
    table["age"] = rng.uniform(20, 50, len(table)) + years * patient
    table["sex"] = np.where(rng.random(len(table)) < np.where(patient, 0.8, 0.3), "F", "M")
    lost = 20 * (table["age"] - 35) + 300 * (table["sex"] == "F")
    for structure in STRUCTURES:
        for side in SIDES:
            table[f"{structure}_{side}"] -= lost
    return strata.with_asymmetries(table)


def adjusted_of(table: pd.DataFrame) -> Json:
    controls = table[(table["cohort"] == "real") & (table["group"] == "hc")]
    return adjusted.adjusted_effects(table, controls, 0.3, how())


def test_age_and_sex_that_go_with_the_group_are_no_disease() -> None:
    found = adjusted_of(older_patients("none", 15))
    assert found["synthetic"]["covariates"] == ["age", "sex"] and found["real"]["controls"] == 150
    thalamus = found["synthetic"]["tle"]["thalamus_total"]
    assert thalamus["raw"]["high"] < -0.5, "patients are older and more often women"
    assert thalamus["adjusted"]["low"] < 0 < thalamus["adjusted"]["high"]
    means = found["real"]["means"]
    assert means["age"]["tle"]["value"] - means["age"]["hc"]["value"] == pytest.approx(15, abs=2)
    assert means["sex"]["tle"]["value"] > means["sex"]["hc"]["value"] + 0.3


def test_a_disease_that_hides_behind_younger_patients_is_found() -> None:
    found, known = adjusted_of(older_patients("one-sided", -20)), effects("one-sided", 150)
    hidden = found["real"]["tle"]["hippocampus_total"]
    assert hidden["raw"]["value"] > known["tle"]["hippocampus_total"]["real"]["value"] + 0.4
    without = found["compared"]["tle"]["hippocampus_total"]
    assert without["real"]["value"] == pytest.approx(hidden["adjusted"]["value"])
    assert without["real"]["value"] == pytest.approx(known["tle"]["hippocampus_total"]["real"]["value"], abs=0.15)
    assert without["verdict"] != "different"


def test_head_size_is_taken_out_of_the_cohort_that_tells_it() -> None:
    table = both("none", 100)
    real, patient = table["cohort"] == "real", table["group"] == "tle"
    table.loc[real, "head_size"] = np.random.default_rng(0).normal(0.8, 0.05, int(real.sum())) - 0.08 * patient[real]
    for side in SIDES:
        table.loc[real, f"amygdala_{side}"] -= 6000 * (table.loc[real, "head_size"] - 0.8)
    found = adjusted_of(strata.with_asymmetries(table))
    assert found["real"]["covariates"] == ["age", "head_size"] and found["synthetic"]["covariates"] == ["age"]
    assert found["compared"]["covariates"] == ["age"]
    amygdala = found["real"]["tle"]["amygdala_total"]
    assert amygdala["raw"]["low"] > 0.2 and amygdala["adjusted"]["low"] < 0 < amygdala["adjusted"]["high"]


def test_scans_that_tell_no_age_are_compared_as_they_are() -> None:
    table = both("one-sided", 20)
    table.loc[table["cohort"] == "synthetic", "age"] = None
    found = adjusted_of(table)
    assert found["real"]["covariates"] == ["age"] and "value" in found["real"]["tle"]["thalamus_total"]["adjusted"]
    assert "neither age nor sex" in found["synthetic"]["not_computed"] == found["compared"]["not_computed"]
    few = adjusted.adjusted_effects(table, table[:10], 0.3, how())
    assert "10 real controls tell age; at least 15" in few["real"]["not_computed"]


class Drawn:
    """A cohort whose patients are darker in one place, each scan with its own noise."""

    grid = WORK

    def __init__(self, table: pd.DataFrame, place: int) -> None:
        self.table, self.place = table.set_index("participant_id"), place

    def volume(self, participant_id: str) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(participant_id.encode()))
        voxels = rng.normal(0.5, 0.05, WORK.shape).astype(np.float32)
        if self.table.at[participant_id, "group"] == "tle":
            voxels[self.place : self.place + 12] -= 0.1
        return voxels


def mapped(real_at: int, made_at: int, n: int = 16) -> tuple[Json, maps.Maps]:
    table = both("one-sided", n)
    cohorts = {"real": Drawn(table, real_at), "synthetic": Drawn(table, made_at)}
    return maps.compare_maps(table, cohorts, np.random.default_rng(0))  # ty: ignore[invalid-argument-type]


def test_maps_of_the_same_disease_agree_as_well_as_two_real_halves() -> None:
    found, drawn = mapped(20, 20)
    assert found["tle"]["correlation"] > 0.7 and found["tle"]["n"] == {"real": 32, "synthetic": 32}
    real, made = (found["tle"][name] for name in ("real_to_real", "real_to_synthetic"))
    assert real["value"] == pytest.approx(made["value"], abs=0.1) and real["low"] <= real["value"] <= real["high"]
    assert set(drawn) == {f"{c}_{t}" for c in strata.COHORTS for t in maps.CONTRASTS}
    here = (load_template(WORK).mask > 0) & (np.arange(WORK.shape[0]) // 12 == 2)[:, None, None]
    assert drawn["real_tle"][here].mean() < -3 and not drawn["real_tle"][load_template(WORK).mask == 0].any()


def test_a_disease_elsewhere_does_not_agree() -> None:
    found, _ = mapped(20, 36)
    assert found["tle"]["real_to_synthetic"]["high"] < 0.1 < found["tle"]["real_to_real"]["low"]


def test_the_map_is_students_t() -> None:
    from scipy import stats

    a, b = np.random.default_rng(0).normal(0, 1, (2, 9, 5))
    sums = {("real", c): maps.Sums(0, np.zeros(5), np.zeros(5)) for c in maps.CELLS}
    sums |= {("real", c): maps.Sums(9, v.sum(0), (v**2).sum(0)) for c, v in (("tle-left", a), ("hc", b))}
    assert maps._t_map(sums, "real", "tle") == pytest.approx(stats.ttest_ind(a, b).statistic)
    assert maps._t_map(sums, "real", "tle-right") is None


def test_maps_are_written_as_nifti_and_few_scans_are_refused(tmp_path: Path) -> None:
    found, drawn = mapped(20, 20, n=4)
    assert "not_computed" in found["tle"] and not drawn
    maps.write_maps(tmp_path, {"real_tle": np.arange(-9, 56 * 68 * 56 - 9, dtype=np.float32).reshape(WORK.shape)})
    assert volume.read_on(tmp_path / "tmap_real_tle.nii.gz", WORK)[0, 0, 0] == -9


def test_without_a_synthetic_cohort_every_part_says_so() -> None:
    table = both("one-sided", 8)
    real = table[table["cohort"] == "real"]
    found, drawn = disease(real, {"real": SimpleNamespace()}, ("real",), None, 0.3, how())  # ty: ignore[invalid-argument-type]
    assert not drawn and found["effects"]["command"] == "tlesynth sample"
    assert found["unmeasured"] == 0
