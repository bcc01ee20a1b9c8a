"""Counts, strata, and the planted leak that must be refused."""

import random
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlesynth import durable
from tlesynth.data.splits import SPLITS, apportion, assign, digest_of, read_splits
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Split

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


def test_a_digest_knows_who_stands_in_its_splits_and_in_which_order(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        (tmp_path / "splits.tsv").write_text("participant_id\tsplit\n" + text)
        return digest_of(tmp_path / "splits.tsv", ("gen_train", "val"))

    first = digest("a\tgen_train\nb\tval\nc\ttest\n")
    assert first == digest("a\tgen_train\nd\ttest\nb\tval\n")
    assert first != digest("b\tval\na\tgen_train\n") and first != digest("a\tval\nb\tgen_train\n")


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


def test_the_papers_3540_are_shared_out_as_80_7_and_13_percent() -> None:
    table = people(1430, 2110, sites=12)
    counts = assign(table, PAPER, seed=0).value_counts().to_dict()
    assert counts == {"gen_train": 2832, "val": 262, "test": 446}


def test_sclerosis_is_spread_over_the_splits() -> None:
    table = people(60, 60, sites=2)
    table["hs"] = [None] * 60 + ["yes", "yes", "no"] * 20
    split = assign(table, DEMO, seed=5)
    counts = pd.crosstab(split, table["hs"])
    assert counts.loc["gen_train"].to_dict() == pytest.approx({"no": 12, "yes": 24}, abs=2)
    assert counts.loc["test"].to_dict() == pytest.approx({"no": 4, "yes": 8}, abs=2)


def test_a_unit_stays_together_and_a_split_can_be_left_out() -> None:
    table = people(20, 20)
    units = pd.Series(table.index, index=table.index)
    units.iloc[1:5] = units.iloc[0]
    split = assign(table, DEMO, seed=1, units=units, without="test")
    assert split.iloc[:5].nunique() == 1
    assert set(split) == {"gen_train", "val", "audit_holdout"}


COHORTS = st.lists(
    st.tuples(st.sampled_from(["hc", "tle"]), st.sampled_from(["a", "b", "c", None]), st.sampled_from(["yes", None])),
    min_size=8,
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(rows=COHORTS, seed=st.integers(0, 2**32), order=st.randoms(use_true_random=False))
def test_laws_of_a_split(rows: list[tuple[str, str | None, str | None]], seed: int, order: random.Random) -> None:
    table = pd.DataFrame(rows, columns=["group", "site", "hs"], index=[f"sub-{i:03d}" for i in range(len(rows))])
    split = assign(table, DEMO, seed=seed)
    assert list(split.index) == list(table.index) and split.isin(SPLITS).all(), "complete, and one split each"
    for group, members in split.groupby(table["group"]):
        shares = {name: getattr(DEMO, name) for name in SPLITS}
        found = members.value_counts()
        assert {n: int(found.get(n, 0)) for n in SPLITS} == apportion(len(members), shares), group
    shuffled = order.sample(list(table.index), len(table))
    assert assign(table.loc[shuffled], DEMO, seed=seed).reindex(table.index).equals(split), "whatever the order"


def test_ten_thousand_participants_are_shared_out_in_seconds() -> None:
    table = people(5000, 5000, sites=40)
    started = time.process_time()
    assert assign(table, PAPER, seed=0).value_counts().to_dict() == {"gen_train": 8000, "val": 740, "test": 1260}
    assert time.process_time() - started < 5


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
