"""The cohort's tables follow from the outcome files, however often they are gathered."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.autoencoder.encode import index_of
from tlesynth.data.cohort import COLUMNS, read_cohort
from tlesynth.data.preprocess.run import preprocess
from tlesynth.diffusion.conditions import conditions_of
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Category, Labels, Preprocess, Quantity
from tlesynth.recipe.quality import QualityLimits

TABLES = ("outcomes.tsv", "qc.tsv", "volumes.tsv", "participants.tsv")
TEXTS = (".tsv", ".json", ".jsonl", ".html", ".md", "")


def test_gathering_again_changes_nothing(quick: Preprocess, scans: Callable[..., Path], tmp_path: Path) -> None:
    bids, out = scans(9, broken=(2,)), tmp_path / "out"
    first = preprocess(bids, out, quick, Labels(), seed=1)
    before = {name: (out / name).read_bytes() for name in TABLES}
    for name in TABLES:
        (out / name).unlink()
    (bids / "sub-02" / "anat" / "sub-02_T1w.nii.gz").touch()
    assert preprocess(bids, out, quick, Labels(), seed=1) == first
    assert {name: (out / name).read_bytes() for name in TABLES} == before


def test_a_scan_the_limits_exclude_keeps_its_files_but_is_no_participant(
    quick: Preprocess, scans: Callable[..., Path], tmp_path: Path
) -> None:
    bids, out = scans(8), tmp_path / "out"
    preprocess(bids, out, quick, Labels(), seed=1)
    files = sorted(out.rglob("sub-*"))
    strict = QualityLimits.model_validate({"cjv": {"high": 0.3, "action": "exclude"}})
    with pytest.raises(TlesynthError, match="DATA-005.*8 subjects: QC-001"):
        preprocess(bids, out, quick.model_copy(update={"qc": strict}), Labels(), seed=1)
    assert sorted(out.rglob("sub-*")) == files, "other limits judge again, they prepare nothing again"
    outcomes = durable.read_table(out / "outcomes.tsv")
    assert outcomes["status"].tolist() == ["excluded"] * 8
    assert durable.read_table(out / "qc.tsv")["use"].tolist() == ["no"] * 8
    assert preprocess(bids, out, quick, Labels(), seed=1).ok == 8
    assert len(read_cohort(out).ids) == 8


def test_a_declared_column_reaches_the_generator_and_no_other_goes_on(
    quick: Preprocess, scans: Callable[..., Path], tmp_path: Path
) -> None:
    """From a BIDS folder's table to what a model is conditioned on; a column of ours is measured, never taken over."""
    bids, out = scans(8), tmp_path / "out"
    raw = durable.read_table(bids / "participants.tsv")
    raw["severity"] = [None, "0.5", *map(str, range(1, 7))]
    raw["drug"] = ["A", "B", "n/a", "none"] * 2
    raw["hippocampus_left_native_mm3"], raw["ward"], raw["surname"] = "1", "7 East", "Doe"
    durable.write_table(bids / "participants.tsv", raw)
    preprocess(bids, out, quick, Labels(), seed=1, carried=("drug", "hippocampus_left_native_mm3", "severity"))
    table = durable.read_table(out / "participants.tsv")
    assert list(table.columns) == [*COLUMNS, "drug", "severity"]
    assert table["severity"].tolist()[1:] == raw["severity"].tolist()[1:] and table["severity"].isna()[0]
    text = "".join(path.read_text() for path in out.rglob("*") if path.is_file() and path.suffix in TEXTS)
    assert "7 East" not in text and "Doe" not in text

    durable.write_table(tmp_path / "splits.tsv", table[["participant_id", "group"]].assign(split="gen_train"))
    durable.write_table(tmp_path / "index.tsv", index_of(read_cohort(out), tmp_path / "splits.tsv"))
    declared = {"severity": Quantity(), "drug": Category(), "hippocampus_left_native_mm3": Quantity(between=(0, 6001))}
    rows = durable.read_table(tmp_path / "index.tsv")
    conditions = conditions_of(declared, rows, 0.1, "index.tsv")
    assert conditions.items[0].told == "from 0.5 to 6" and conditions.items[1].values == ("A", "B")
    told = conditions.of_scans(rows)
    assert told[:3, 0].tolist() == [pytest.approx(math.nan, nan_ok=True), 0, pytest.approx(0.5 / 5.5)]
    assert told[:, 2].tolist() == [0.5] * 8


def test_maps_volumes_and_quality_are_written(quick: Preprocess, scans: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    preprocess(scans(8), out, quick, Labels(), seed=1)
    names = {path.name.replace("sub-01_", "") for path in (out / "sub-01" / "anat").iterdir()}
    space = "space-MNI152NLin2009aSym_res-3_"
    assert {f"{space}label-GM_probseg.nii.gz", f"{space}desc-jacobian_morph.nii.gz"} <= names
    volumes = durable.read_table(out / "volumes.tsv")
    assert list(volumes.columns) == ["participant_id", "hippocampus_left_native_mm3"] and len(volumes) == 8
    assert {"homogeneity", "flags", "use", "mask", "seconds", "snr"} <= set(durable.read_table(out / "qc.tsv").columns)
    assert ".ledger/" in (out / ".bidsignore").read_text()
