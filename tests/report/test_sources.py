import json
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.report.sources import Absent, Files, cell, file_of, pointer


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "r.json").write_text(json.dumps({"x": {"y/z": [1, {"w": 2.5}], "~": None}}))
    (tmp_path / "recipe.yaml").write_text("sample: {steps: 50}\n")
    (tmp_path / "t.tsv").write_text("id\tgroup\tage\nsub-1\thc\t30\nsub-2\ttle\t40\nsub-3\ttle\tn/a\n")
    return Files(tmp_path, {"paper": {"table2": {"hc": 87.36}}})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (pointer("a/r.json", "x", "y/z", 1, "w"), 2.5),
        ("a/r.json#/x/y~1z/0", 1),
        ("a/r.json#/x/~0", None),
        ("recipe.yaml#/sample/steps", 50),
        ("recipe:paper#/sample/steps", 1000),
        ("paper:table2/hc", 87.36),
        (cell("t.tsv", "count()"), 3),
        (cell("t.tsv", "count()", group="tle"), 2),
        (cell("t.tsv", "count()", group="nobody"), 0),
        (cell("t.tsv", "count()", age="n/a"), 1),
        (cell("t.tsv", "distinct(group)"), 2),
        (cell("t.tsv", "max(age)"), 40.0),
        (cell("t.tsv", "median(age)"), 35.0),
        (cell("t.tsv", "age", id="sub-1"), "30"),
        (cell("t.tsv", "age", id="sub-3"), "n/a"),
    ],
)
def test_a_source_names_one_value(files: Files, source: str, value: object) -> None:
    assert files.resolve(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "missing.json#/x",
        "a/r.json#/x/nothing",
        "a/r.json#/x/y~1z/9",
        "paper:table9/hc",
        "t.tsv?id=sub-9#age",
        "t.tsv?group=tle#age",
        "t.tsv?id=sub-3#max(age)",
        "t.tsv#max(height)",
        "../outside.json#/x",
    ],
)
def test_what_is_not_there_is_absent(files: Files, source: str) -> None:
    with pytest.raises(Absent):
        files.resolve(source)
    assert files.get(source, "default") == "default"


def test_the_run_cannot_be_left(files: Files) -> None:
    (files.run.parent / "outside.json").write_text("{}")
    with pytest.raises(Absent):
        files.path("../outside.json")


def test_a_damaged_file_is_an_error_not_a_gap(files: Files) -> None:
    (files.run / "a" / "r.json").write_text("{")
    with pytest.raises(TlesynthError, match="DATA-001"):
        files.resolve("a/r.json#/x")


def test_values_with_separators_survive_the_round_trip(files: Files) -> None:
    (files.run / "t.tsv").write_text("id\twhy\na\tno brain & 1=2 #3?\n")
    assert files.resolve(cell("t.tsv", "id", why="no brain & 1=2 #3?")) == "a"


def test_the_file_of_a_source() -> None:
    assert file_of("a/b.json#/x?y") == "a/b.json"
    assert file_of("t.tsv?id=1#age") == "t.tsv"
    assert file_of("paper:table1/l1") == "paper"
