"""The odd one out is found, sites are fair to their scans, and no order or number of workers changes a verdict."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import thumbnail
from tlesynth.data.preprocess.homogeneity import COLUMNS, judge, mean_correlations, robust_z
from tlesynth.data.preprocess.measures import MEASURES
from tlesynth.data.template import load_template
from tlesynth.recipe.quality import Limit, QualityLimits
from tlesynth.volume import GRIDS

GOOD = {
    "snr": 15.0,
    "noise_snr": 30.0,
    "cnr": 3.0,
    "cjv": 0.45,
    "mask_ml": 1450.0,
    "dice": 0.95,
    "correlation": 0.6,
    "determinant": 0.8,
    "contrast": 0.3,
    "fwhm_mm": 4.0,
    "bias_cv": 0.03,
    "poles": 1.0,
    "cut_cm2": 1.0,
    "ghost": 0.02,
    "asymmetry": 0.5,
    "turn_deg": 5.0,
}
NO_Z = QualityLimits(robust_z=0)


def cohort(n: int = 20, **odd: float) -> pd.DataFrame:
    """``n`` good scans with a little variation; the last one has the values ``odd``."""
    draw = np.random.default_rng(0)
    rows = [
        {"participant_id": f"sub-{k:02d}", "site": "A"}
        | {m: v * (1 + draw.uniform(-0.015, 0.015)) for m, v in GOOD.items()}
        for k in range(n)
    ]
    for row in rows:
        row["poles"] = 1.0
    rows[-1] |= odd
    return pd.DataFrame(rows)


def volumes(n: int, odd: int | None = None) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    head = thumbnail(load_template(GRIDS["mni-3mm"]).t1, GRIDS["mni-3mm"])
    found = {f"sub-{k:02d}": head * (1 + draw.normal(0, 0.1, head.shape)) for k in range(n)}
    if odd is not None:
        found[f"sub-{odd:02d}"] = found[f"sub-{odd:02d}"][:, :, ::-1]
    return found


def row_of(judged: pd.DataFrame, name: str) -> pd.Series:
    return judged.set_index("participant_id").loc[name]


def test_good_scans_are_used_without_a_word() -> None:
    judged = judge(cohort(), volumes(20), QualityLimits())
    assert list(judged) == list(COLUMNS)
    assert set(judged["flags"]) == set(judged["why"]) == {""} and set(judged["use"]) == {"yes"}


def test_a42_a_planted_odd_one_out_has_the_lowest_homogeneity_and_is_flagged() -> None:
    judged = judge(cohort(), volumes(20, odd=7), QualityLimits())
    assert judged["homogeneity"].idxmin() == 7
    assert list(judged.index[judged["flags"].str.contains("homogeneity-unusual")]) == [7]
    assert judged["use"][7] == "yes", "unusual is for people to look at"


def test_the_sum_trick_is_the_mean_of_all_pairs() -> None:
    thumbs = volumes(9, odd=3)
    inside = np.mean([v > 0 for v in thumbs.values()], axis=0) >= 0.5
    pairs = np.corrcoef([v[inside] for v in thumbs.values()])
    expected = (pairs.sum(1) - 1) / 8
    assert list(mean_correlations(thumbs).values()) == pytest.approx(list(expected), abs=1e-5)


def test_one_scan_or_an_empty_one_is_no_error() -> None:
    assert np.isnan(mean_correlations(volumes(1))["sub-00"])
    thumbs = volumes(5) | {"sub-99": np.zeros_like(volumes(1)["sub-00"])}
    assert mean_correlations(thumbs)["sub-99"] == 0
    assert len(judge(cohort(1), {}, QualityLimits())) == 1
    assert list(judge(cohort(1).iloc[:0], {}, QualityLimits())) == list(COLUMNS)


@pytest.mark.parametrize(
    ("measure", "value", "flag"),
    [
        ("cjv", 0.7, "cjv-high"),
        ("dice", 0.9, "dice-low"),
        ("mask_ml", 950.0, "mask_ml-low"),
        ("mask_ml", 1950.0, "mask_ml-high"),
        ("poles", 0.9, "poles-low"),
        ("ghost", 0.2, "ghost-high"),
        ("cut_cm2", 40.0, "cut_cm2-high"),
        ("turn_deg", 178.0, "turn_deg-high"),
        ("noise_snr", 3.0, "noise_snr-low"),
        ("asymmetry", -9.0, "asymmetry-low"),
    ],
)
def test_a_value_beyond_its_limit_is_flagged_and_kept(measure: str, value: float, flag: str) -> None:
    judged = judge(cohort(**{measure: value}), {}, NO_Z)
    last = row_of(judged, "sub-19")
    assert last["flags"] == flag and last["use"] == "yes"
    assert MEASURES[measure].words in last["why"]
    assert set(judged["flags"][:-1]) == {""}


@pytest.mark.parametrize(("measure", "value"), [("cjv", 2.5), ("mask_ml", 300.0), ("cut_cm2", 120.0), ("poles", 0.1)])
def test_a_clear_failure_is_left_out(measure: str, value: float) -> None:
    last = row_of(judge(cohort(**{measure: value}), {}, NO_Z), "sub-19")
    assert last["use"] == "no" and "clear failure" in last["why"]


def test_one_fault_is_told_once() -> None:
    last = row_of(judge(cohort(dice=0.7), {}, QualityLimits()), "sub-19")
    assert last["flags"] == "dice-low" and last["why"].count("overlap") == 1


def test_a_limit_can_exclude_or_be_ignored() -> None:
    excluding = NO_Z.model_copy(update={"cjv": Limit(high=0.6, action="exclude")})
    ignoring = NO_Z.model_copy(update={"cjv": Limit(high=0.6, action="ignore")})
    assert row_of(judge(cohort(cjv=0.7), {}, excluding), "sub-19")["use"] == "no"
    assert row_of(judge(cohort(cjv=0.7), {}, ignoring), "sub-19")["flags"] == ""


def test_a44_the_wrong_tissue_contrast_is_listed_for_people_and_never_left_out_by_default() -> None:
    last = row_of(judge(cohort(contrast=-0.4), {}, QualityLimits()), "sub-19")
    assert "REG-002" in last["flags"].split(";") and last["use"] == "yes" and "no T1" in last["why"]


def test_a_site_is_measured_against_itself() -> None:
    """Two sites whose noise differs by far: only the scan that is odd at its own site is unusual."""
    table = pd.concat([cohort(), cohort()], ignore_index=True)
    table["participant_id"] = [f"sub-{k:02d}" for k in range(40)]
    table["site"] = ["A"] * 20 + ["B"] * 20
    table.loc[20:, "noise_snr"] = 12 + np.arange(20) * 0.1
    table.loc[5, "noise_snr"] = 13.0
    judged = judge(table, {}, QualityLimits())
    assert list(judged.index[judged["flags"] == "noise_snr-unusual"]) == [5]


def test_a_small_site_is_measured_against_the_cohort() -> None:
    table = cohort(mask_ml=1850.0)
    table["site"] = ["A"] * 17 + ["B"] * 3
    assert "mask_ml-unusual" in row_of(judge(table, {}, QualityLimits()), "sub-19")["flags"]


def test_z_is_in_scaled_absolute_deviations_with_the_least_spread_that_matters() -> None:
    values = pd.Series([0.0, 1.0, 2.0, 3.0, 14.0])
    site = pd.Series(["A"] * 5)
    z = robust_z(values, site, MEASURES["snr"], 3)
    assert z[4] == pytest.approx(12 / 1.4826)
    alike = pd.Series([1.0, 1.0, 1.0, 1.0, 0.985])
    assert abs(robust_z(alike, site, MEASURES["poles"], 3)[4]) < 3
    assert robust_z(values[:4], site[:4], MEASURES["snr"], 3).isna().all()


def test_better_than_the_others_is_not_unusual() -> None:
    assert row_of(judge(cohort(noise_snr=200.0, cjv=0.2), {}, QualityLimits()), "sub-19")["flags"] == ""


def test_the_intracranial_volume_has_its_z() -> None:
    judged = judge(cohort(mask_ml=1890.0), {}, QualityLimits())
    assert judged["tiv_z"].iloc[-1] > 3 and judged["tiv_z"][:-1].abs().max() < 3.5


def test_the_order_of_rows_and_thumbs_changes_nothing() -> None:
    table, thumbs = cohort(cjv=0.7), volumes(20, odd=3)
    shuffled = table.sample(frac=1, random_state=4)
    again = judge(shuffled, dict(reversed(thumbs.items())), QualityLimits())
    pd.testing.assert_frame_equal(judge(table, thumbs, QualityLimits()), again)


def test_text_cells_as_a_table_holds_them_are_numbers_and_missing_ones_are_no_fault() -> None:
    table = cohort().astype(str)
    table.loc[0, ["cjv", "site"]] = [None, None]
    judged = judge(table, {}, QualityLimits())
    assert set(judged["use"]) == {"yes"}


def test_two_thousand_scans_cost_memory_in_proportion() -> None:
    draw = np.random.default_rng(0)
    thumbs = {f"sub-{k}": draw.random((6, 6, 6), dtype=np.float32) for k in range(2000)}
    assert len(mean_correlations(thumbs)) == 2000
