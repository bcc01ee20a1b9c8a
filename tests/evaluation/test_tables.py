"""Tables of results in which everything is missing still have their rows and their reasons."""

from tlesynth.evaluation import tables
from tlesynth.metrics.statistics import not_computed

MISSING = not_computed("because", "do this")
RESULTS = {s: MISSING for s in ("reconstruction", "frechet", "classification")} | {
    "fid": {"hc": MISSING, "tle": MISSING}
}


def test_missing_sections_keep_their_rows() -> None:
    assert list(tables.table_1(RESULTS)["not_computed"]) == ["because"] * 3
    assert set(tables.table_2(RESULTS)["not_computed"]) == {"because"}
    assert len(tables.table_4(RESULTS)) == 24
    assert len(tables.frechet_table(RESULTS)) == 4


def test_values_are_copied_with_their_interval() -> None:
    figure = {"value": 0.02, "low": 0.01, "high": 0.03, "n": 9}
    found = tables.table_1(RESULTS | {"reconstruction": {"whole": {"l1": figure}, "lpips": MISSING, "fid": MISSING}})
    assert found.iloc[0][["value", "low", "high", "n", "paper"]].tolist() == [0.02, 0.01, 0.03, 9, 0.058]


def test_the_papers_fid_carries_its_caveat() -> None:
    figure = {"value": 90.0, "low": 80.0, "high": 100.0, "n": 9}
    fid = {"caveat": "read beside the floor", "hc": {"value": figure, "floor": figure}, "tle": MISSING}
    found = tables.table_2(RESULTS | {"fid": fid})
    assert set(found["caveat"][found["metric"] == "fid"]) == {"read beside the floor"}
    assert found[(found["class"] == "hc") & (found["metric"] == "fid")]["paper"].iloc[0] == 87.36
