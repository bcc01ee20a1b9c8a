import json
from pathlib import Path

import pytest

from tlesynth.report.quoting import Quoter, decimals, formatted, plain
from tlesynth.report.sources import Files


@pytest.fixture
def quoter(tmp_path: Path) -> Quoter:
    values = {
        "f1": {"value": 0.8126, "low": 0.7, "high": 0.9, "n": 1234},
        "fid": {"not_computed": "weights <missing>", "command": "fetch"},
        "nested": {"value": {"value": 2.0, "low": 1.0, "high": 3.0, "n": 5}},
        "name": "<script>alert(1)</script>",
    }
    (tmp_path / "r.json").write_text(json.dumps(values))
    return Quoter(Files(tmp_path))


def test_a_number_carries_its_value_and_its_source(quoter: Quoter) -> None:
    assert quoter.number("r.json#/f1/value", 1, percent=True) == (
        '<data value="0.8126" data-source="r.json#/f1/value" title="r.json#/f1/value">81.3%</data>'
    )


def test_what_need_not_be_there_is_put_in_plain_words(quoter: Quoter) -> None:
    assert quoter.text_or("r.json#/gone", "not declared") == "not declared" and quoter.quotes == {}
    assert quoter.text_or("r.json#/f1/n", "not declared") == quoter.text("r.json#/f1/n")


def test_an_interval_quotes_each_of_its_ends(quoter: Quoter) -> None:
    shown = quoter.interval("r.json#/f1", 2, n=True)
    assert [q.text for q in quoter.quotes.values()] == ["0.81", "0.70", "0.90", "1,234"]
    assert shown.count("<data") == 4
    assert ">2.0</data>" in quoter.interval("r.json#/nested", 1)


def test_what_is_missing_says_why(quoter: Quoter) -> None:
    assert "not computed: weights &lt;missing&gt;" in quoter.interval("r.json#/fid/value")
    assert "not in this run" in quoter.number("gone.json#/x")
    assert quoter.quotes == {}


def test_text_from_files_is_escaped(quoter: Quoter) -> None:
    assert "<script" not in quoter.text("r.json#/name") + quoter.line("r.json#/name")
    assert "<script" not in quoter.number('x"><script>.json#/a')


def test_citations_number_the_files_once(quoter: Quoter) -> None:
    assert 'href="#source-1"' in quoter.cite("r.json", "gone.json")
    assert 'href="#source-2"' in quoter.cite("paper")
    assert 'href="#source-1"' in quoter.cite("r.json")
    assert quoter.cite("gone.json") == ""
    quoter.number("r.json#/f1/n", None)
    assert {name: len(quotes) for name, quotes in quoter.by_file().items()} == {"r.json": 1, "paper": 0}


@pytest.mark.parametrize(
    ("value", "places", "options", "text"),
    [
        (0.8126, 3, {}, "0.813"),
        (0.8126, 1, {"percent": True}, "81.3%"),
        (-0.05, 2, {"sign": True}, "\u22120.05"),
        (0.05, 2, {"sign": True}, "+0.05"),
        (12345.0, None, {}, "12,345"),
        (0.00004, 3, {}, "4e\u221205"),
        (0.0, 3, {}, "0.000"),
        (4416.51, 0, {}, "4,417"),
        (1058.42, 1, {}, "1,058.4"),
    ],
)
def test_formatting(value: float, places: int | None, options: dict[str, bool], text: str) -> None:
    assert formatted(value, places, **options) == text


def test_plain_values() -> None:
    assert plain([1, 0.5, None, True]) == "1, 0.5, n/a, yes"
    assert plain({"a": [1]}) == "a: 1"


def test_large_values_bear_fewer_decimals() -> None:
    assert [decimals(v, 3) for v in (-4416.5, 126.2, 12.3, 0.5)] == [0, 1, 3, 3]
    assert decimals(5.0, None) is None
