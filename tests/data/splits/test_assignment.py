"""Counts, strata, and the planted leak that must be refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter
from tlesynth.data.splits import SPLITS, apportion, assign, make_splits, read_splits
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Split
from tlesynth.volume import GRIDS

PAPER = Split()
DEMO = Split(gen_train=0.6, val=0.1, test=0.2, audit_holdout=0.1)


def people(n_hc: int, n_tle: int, sites: int = 3) -> pd.DataFrame:
    n = n_hc + n_tle
    return pd.DataFrame(
        {"group": ["hc"] * n_hc + ["tle"] * n_tle, "site": [f"s{i % sites}" for i in range(n)]},
        index=[f"sub-{i:04d}" for i in range(n)],
    )


def test_shares_are_met_to_the_subject() -> None:
    assert apportion(1000, {"a": 0.8, "b": 0.074, "c": 0.126}) == {"a": 800, "b": 74, "c": 126}
    assert apportion(4, {"a": 0.6, "b": 0.1, "c": 0.2, "d": 0.1}) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert apportion(3, {"a": 0.9, "b": 0.1, "c": 0.0}) == {"a": 2, "b": 1, "c": 0}
    for n in range(4, 60):
        counts = apportion(n, {"a": 0.8, "b": 0.074, "c": 0.126, "d": 0.0})
        assert sum(counts.values()) == n
        assert min(counts["a"], counts["b"], counts["c"]) >= 1


def test_groups_and_sites_are_spread_evenly() -> None:
    table = people(120, 60)
    split = assign(table, DEMO, seed=3)
    counts = pd.crosstab(split, [table["group"], table["site"]])
    assert counts.loc["gen_train"].tolist() == pytest.approx([24, 24, 24, 12, 12, 12], abs=2)
    assert counts.loc["test"].tolist() == pytest.approx([8, 8, 8, 4, 4, 4], abs=2)
    by_group = pd.crosstab(split, table["group"])
    assert by_group["hc"].to_dict() == {"gen_train": 72, "val": 12, "test": 24, "audit_holdout": 12}
    assert by_group["tle"].to_dict() == {"gen_train": 36, "val": 6, "test": 12, "audit_holdout": 6}


def test_every_split_gets_both_classes_of_a_small_cohort() -> None:
    table = people(4, 5, sites=9)
    split = assign(table, DEMO, seed=0)
    assert (pd.crosstab(split, table["group"]).reindex(SPLITS) >= 1).all().all()


def test_the_draw_is_the_seeds_and_not_the_tables_order() -> None:
    table = people(30, 30)
    split = assign(table, PAPER, seed=1)
    assert split.equals(assign(table[::-1], PAPER, seed=1).reindex(table.index))
    assert not split.equals(assign(table, PAPER, seed=2))


def test_a_missing_site_is_a_stratum_of_its_own() -> None:
    table = people(12, 12)
    table.loc[table.index[::2], "site"] = None
    assert assign(table, DEMO, seed=0).notna().all()


def test_splits_of_a_cohort_are_written_and_checked(tmp_path: Path) -> None:
    grid = GRIDS["mni-3mm"]
    writer = CohortWriter(tmp_path / "derivatives", grid, "preproc", "Test", "Volumes for a test.")
    table = people(5, 4)
    voxels = np.random.default_rng(0).random(grid.shape).astype(np.float32)
    for name in table.index:
        writer.write(name, voxels, {"Sources": []})
    writer.finish(table)
    out = tmp_path / "splits.tsv"
    written = make_splits(tmp_path / "derivatives", out, DEMO, seed=4)
    assert list(written.columns) == ["participant_id", "group", "split"]
    found = read_splits(out, table.index)
    assert sorted(sum(found.values(), [])) == list(table.index)
    writer.finish(people(6, 3))
    with pytest.raises(TlesynthError, match="hc 6, tle 3"):
        make_splits(tmp_path / "derivatives", out, DEMO, seed=4)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("sub-1", "gen_train"), ("sub-2", "test"), ("sub-1", "test")], "DATA-007"),
        ([("sub-1", "gen_train")], "DATA-010"),
        ([("sub-1", "gen_train"), ("sub-2", "test"), ("sub-3", "test")], "DATA-010"),
        ([("sub-1", "train"), ("sub-2", "test")], "DATA-010"),
    ],
)
def test_leaks_and_misfits_are_refused(tmp_path: Path, rows: list[tuple[str, str]], code: str) -> None:
    path = tmp_path / "splits.tsv"
    durable.write_table(path, pd.DataFrame(rows, columns=["participant_id", "split"]))
    with pytest.raises(TlesynthError) as caught:
        read_splits(path, ["sub-1", "sub-2"])
    assert caught.value.code == code
