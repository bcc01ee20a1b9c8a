"""Nothing is lost: one row for each participant, whatever became of it; the tables follow from the outcome files."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.preprocess.ledger import Ledger, Outcome, counts_of, judged, summary, write_tables


def test_an_outcome_reads_back_as_itself(tmp_path: Path) -> None:
    outcome = Outcome("sub-1", "ok", quality={"snr": 3.5}, volumes={"a_mm3": 4.0}, inputs={"x": [1, 2, "abc"]})
    Ledger(tmp_path).write(outcome)
    assert Ledger(tmp_path).read("sub-1") == outcome
    assert Ledger(tmp_path).read("sub-2") is None
    (tmp_path / ".ledger" / "outcomes" / "sub-1.json").write_text("{")
    assert Ledger(tmp_path).read("sub-1") is None, "a damaged one is done again"


def test_what_cannot_be_measured_is_missing(tmp_path: Path) -> None:
    Ledger(tmp_path).write(Outcome("sub-1", "ok", quality={"snr": float("nan"), "cnr": np.float32(2)}))
    found = Ledger(tmp_path).read("sub-1")
    assert found is not None and found.quality == {"snr": None, "cnr": 2.0}


def test_the_verdict_excludes_and_flags() -> None:
    verdict = pd.DataFrame(
        [("sub-1", 0.8, "", "yes", ""), ("sub-2", 0.1, "homogeneity-low", "no", "unlike the others")],
        columns=["participant_id", "homogeneity", "flags", "use", "why"],
    )
    found = judged({name: Outcome(name, "ok") for name in ("sub-1", "sub-2")}, verdict)
    assert (found["sub-1"].status, found["sub-1"].quality["use"]) == ("ok", "yes")
    excluded = found["sub-2"]
    assert (excluded.status, excluded.code, excluded.message) == ("excluded", "QC-001", "unlike the others")
    assert excluded.quality["flags"] == "homogeneity-low"


def test_h04_the_summary_groups_by_code() -> None:
    outcomes = [Outcome(f"sub-{i}", "failed", "NII-003") for i in range(13)] + [Outcome("sub-x", "failed", "REG-001")]
    assert summary(outcomes) == [
        "13 subjects: NII-003 (the gzip data are damaged)",
        "1 subject: REG-001 (the brain does not match the template)",
    ]


def test_the_ledger_adds_up_or_says_so() -> None:
    outcomes = {s: Outcome(s, s) for s in ("ok", "skipped", "failed", "excluded", "not-run")}
    counts = counts_of(outcomes, 5)
    assert (counts.ok, counts.skipped, counts.failed, counts.excluded, counts.not_run) == (1, 1, 1, 1, 1)
    with pytest.raises(RuntimeError, match="add up"):
        counts_of(outcomes, 6)


def test_tables_are_sorted_and_hold_no_line_breaks(tmp_path: Path) -> None:
    outcomes = {
        "sub-2": Outcome("sub-2", "failed", "OPS-001", "a\nb\tc"),
        "sub-1": Outcome("sub-1", "ok", seconds=1.234),
    }
    write_tables(tmp_path, outcomes, {"sub-1": ("hc", "A")})
    table = durable.read_table(tmp_path / "outcomes.tsv")
    assert table["participant_id"].tolist() == ["sub-1", "sub-2"]
    assert table["group"].fillna("").tolist() == ["hc", ""] and table["site"].fillna("").tolist() == ["A", ""]
    assert table["message"].tolist()[1] == "a b c"
    assert durable.read_table(tmp_path / "qc.tsv")["seconds"].tolist() == ["1.23"]
    assert not (tmp_path / "volumes.tsv").exists()
    write_tables(tmp_path, {"sub-2": outcomes["sub-2"]}, {})
    assert durable.read_table(tmp_path / "qc.tsv").empty


def test_b15_ten_thousand_outcomes_become_tables_in_seconds(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.folder.mkdir(parents=True)
    names = [f"sub-{i:05d}" for i in range(10_000)]
    row = {"status": "ok", "quality": {"snr": 1.5, "cjv": 0.4}, "volumes": {f"v{i}_mm3": 1.5 for i in range(20)}}
    for name in names:
        (ledger.folder / f"{name}.json").write_text(json.dumps({"participant_id": name} | row))
    started = time.process_time()
    outcomes = {name: found for name in names if (found := ledger.read(name)) is not None}
    write_tables(tmp_path, outcomes, {})
    assert counts_of(outcomes, 10_000).ok == 10_000
    assert time.process_time() - started < 5
    assert len(durable.read_table(tmp_path / "volumes.tsv")) == 10_000
