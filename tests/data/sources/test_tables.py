"""Tables as people save them. Fault catalogue rows B14 and B15."""

import time
from pathlib import Path

import pytest

from tlesynth.data.sources.tables import number_or_safe, read_table, safe
from tlesynth.errors import TlesynthError

TEXT = "participant_id\tgroup\tL.hipp Volume\nsub-01\thc\t0.28\nsub-02\ttle\tn/a\n"


def table(folder: Path, data: bytes | str, name: str = "t.tsv") -> Path:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / name


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("hc", '"hc"').encode(),
        TEXT.replace("\n", "\n\n").encode(),
        TEXT.replace("hc", " hc ").replace("n/a", "NaN").encode(),
        TEXT.replace("Volume\n", "Volume\t\n").encode(),
    ],
)
def test_b14_every_way_of_saving_reads_the_same(data: bytes, tmp_path: Path) -> None:
    found = read_table(table(tmp_path, data))
    assert found.columns == ("participant_id", "group", "L.hipp Volume")
    assert [row.cells for row in found.rows] == [
        {"participant_id": "sub-01", "group": "hc", "L.hipp Volume": "0.28"},
        {"participant_id": "sub-02", "group": "tle", "L.hipp Volume": None},
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_says_itself_what_separates_its_cells(mark: str, tmp_path: Path) -> None:
    text = TEXT.replace("\t", mark).replace("0.28", f'"0{mark}28"')
    found = read_table(table(tmp_path, text, "t.csv"))
    assert found.rows[0].cells["L.hipp Volume"] == f"0{mark}28"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a\tb\n1\t2\n1\t2\t3\n", "line 3 has 3 cells, the header has 2"),
        ('a\tb\n1\t"open\n2\t3\n', "line 2"),
        ('a\tb\n1\t"open\nclosed later"\n', "line 2: a quote is opened"),
        ("a\ta\n1\t2\n", "two columns are called 'a'"),
        (b"a\tb\n\xff\xff\t2\n", "line 2 is not UTF-8"),
        (TEXT.encode("utf-16-le"), "zero bytes"),
        ("", "empty"),
        ("\n\n", "empty"),
        ("a\tb\n" + "x" * 10_000_000 + "\t1\n", "line 2"),
    ],
)
def test_b14_what_cannot_be_read_is_named_with_its_line(data: bytes | str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        read_table(table(tmp_path, data))
    assert caught.value.code == "DATA-001"
    assert words in caught.value.why


def test_b14_short_rows_are_read_and_noted(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, "a\tb\tc\n1\t2\t3\n4\n5\t6\n"))
    assert [row.line for row in found.rows] == [2, 3, 4]
    assert found.rows[1].cells.get("b") is None
    assert "2 rows have fewer cells than the header (lines 3, 4)" in found.notes[0]


def test_b14_a_formula_is_only_text_and_written_so(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, "a\tsite\n1\t=cmd|' /C calc'!A0\n"))
    assert found.rows[0].cells["site"] == "=cmd|' /C calc'!A0"
    assert safe("=cmd|x") == "'=cmd|x"
    assert safe("a\tb\nc") == "a b c"
    assert (safe("Hospital A-1"), safe(None)) == ("Hospital A-1", None)


@pytest.mark.parametrize(
    ("text", "written"),
    [("-2.50", "-2.50"), ("+3", "+3"), ("1e-3", "1e-3"), ("-a", "'-a"), ("=1", "'=1"), (None, None)],
)
def test_a_number_is_no_formula(text: str | None, written: str | None) -> None:
    assert number_or_safe(text) == written


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="No such file"):
        read_table(tmp_path / "t.tsv")


def test_b15_a_hundred_thousand_rows_take_seconds(tmp_path: Path) -> None:
    rows = "".join(f"sub-{i:06d}\thc\t0.28\t{i % 90}\tF\n" for i in range(100_000))
    path = table(tmp_path, "participant_id\tgroup\tvolume\tage\tsex\n" + rows)
    start = time.process_time()
    assert len(read_table(path).rows) == 100_000
    assert time.process_time() - start < 3
