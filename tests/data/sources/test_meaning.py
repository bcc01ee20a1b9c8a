"""What rows mean: groups, ids, sessions, sides, sclerosis, ages. Fault catalogue rows B03, B04 and B15."""

import time
from pathlib import Path

import pytest

from tlesynth.data.sources.meaning import Words, age_of, identity, read_people
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels


def people(folder: Path, text: str, **labels: object) -> object:
    (folder / "participants.tsv").write_text(text)
    return read_people(folder, Labels.model_validate(labels))


def refused(folder: Path, text: str, **labels: object) -> TlesynthError:
    with pytest.raises(TlesynthError) as caught:
        found = people(folder, text, **labels)
        for name in found.ids:
            found.person(name)
    return caught.value


def test_an_exact_value_wins_over_a_pattern_and_tle_over_ignore() -> None:
    words = Words(tle=["T *"], ignore=["*", "T x"])
    assert [words.meaning(text) for text in ("T Lx", "T x", "F Lx", "")] == ["tle", "ignore", "ignore", "ignore"]
    assert Words(hc=["HC?"]).meaning("HCx") is None


def test_ignored_groups_carry_their_reason(tmp_path: Path) -> None:
    text = "participant_id\tgroup\nsub-1\tF Lx\nsub-2\tT Lx\nsub-3\tn/a\n"
    found = people(tmp_path, text, tle=["T *"], ignore={"F *": "frontal operation"})
    assert found.person("sub-1").why == "frontal operation (group 'F Lx')"
    assert found.person("sub-2").group == "tle"
    assert found.person("sub-3").why == "its group is n/a"
    assert found.person("sub-4").why == "it has no row in participants.tsv"


@pytest.mark.parametrize(("value", "place"), [("HC?", "labels.hc"), ("tle ", ""), ("TLE?", "labels.tle"), ("T", "tle")])
def test_b03_values_are_listed_with_counts_and_a_proposal(value: str, place: str, tmp_path: Path) -> None:
    text = f"participant_id\tgroup\nsub-1\t{value}\nsub-2\t{value}\nsub-3\tHC\n"
    if not place:  # a blank at the end is no other value
        assert people(tmp_path, text).person("sub-1").group == "tle"
        return
    error = refused(tmp_path, text)
    assert (error.code, error.exit_status) == ("DATA-003", 2)
    assert f"{value!r} 2" in error.why
    assert place in error.why


def test_b03_a_column_that_differs_in_case_is_pointed_out(tmp_path: Path) -> None:
    assert "'Group' differs only in upper and lower case" in refused(tmp_path, "participant_id\tGroup\n1\thc\n").why


def test_b04_rows_that_agree_are_one_and_rows_that_differ_are_refused(tmp_path: Path) -> None:
    text = "participant_id\tgroup\tsex\tscore\nsub-1\thc\tF\t1\n1\thc\tfemale\t2\n"
    found = people(tmp_path, text)
    assert found.person("sub-1").sex == "F"
    assert found.repeated() == "rows that say the same: sub-1 (lines 2, 3)"
    error = refused(tmp_path, text + "sub-1\ttle\tF\t1\n")
    assert (error.code, error.exit_status) == ("DATA-004", 2)
    assert "participants.tsv line 2 says 'hc'; participants.tsv line 4 says 'tle'" in error.why


def test_b04_several_rows_are_told_apart_by_session(tmp_path: Path) -> None:
    text = "participant_id\tsession_id\tgroup\tage\n1\tses-1\ttle\t30\n1\tses-2\ttle\t33\n"
    found = people(tmp_path, text)
    assert [found.person("sub-1", session).age for session in ("1", "ses-2", "9", "")] == [30, 33, 30, 30]
    assert found.repeated() == ""


def test_rows_of_several_tables_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "clinic.csv").write_text("participant_id,group,side\n1,tle,L\n")
    found = people(tmp_path, "participant_id\tage\n1\t40\n", table=["participants.tsv", "clinic.csv", "more.csv"])
    person = found.person("sub-1")
    assert (person.group, person.side, person.age) == ("tle", "left", 40)
    assert found.notes == ["more.csv is not there"]


def test_an_id_tells_the_group_only_where_no_table_does(tmp_path: Path) -> None:
    labels = {
        "group_by_id": {"hc": ["4001-4100", "C*"], "tle": ["1-463"]},
        "tle": ["T *"],
        "ignore": {"*": "elsewhere"},
    }
    alone = read_people(tmp_path, Labels.model_validate(labels))
    names = ("sub-4001", "sub-C9", "sub-2", "sub-4101")
    assert [alone.person(name).group for name in names] == ["hc", "hc", "tle", None]
    assert "every group comes from the id alone" in alone.notes[-1]
    told = people(tmp_path, "participant_id\tgroup\n1\tT Lx\n3\tP Lx\n", **labels)
    assert [told.person(name).group for name in ("sub-1", "sub-2", "sub-3", "sub-4001")] == ["tle", None, None, "hc"]
    assert told.person("sub-2").why == "it has no row in participants.tsv"


@pytest.mark.parametrize(
    ("text", "prefix", "width", "expected"),
    [("7", "", 0, "sub-7"), ("7", "IXI", 3, "sub-IXI007"), ("sub-07", "", 0, "sub-07"), ("A7", "IXI", 3, "sub-A7")],
)
def test_ids_are_written_as_the_folders_are(text: str, prefix: str, width: int, expected: str) -> None:
    assert identity(text, Labels(id_prefix=prefix, id_width=width)) == expected


@pytest.mark.parametrize(
    ("text", "plain", "binned"),
    [
        ("31.5", 31.5, 31.5),
        ("25 to 29", None, 27.0),
        ("25-29", None, 27.0),
        ("15 to 20", None, 17.5),
        ("Over 40", None, 40.0),
        (">40", None, 40.0),
        ("89+", 89.0, 89.0),
        ("Less than 1", None, 0.5),
        ("<18", None, 9.0),
        ("-3", None, None),
        ("430", None, None),
        ("inf", None, None),
        ("thirty", None, None),
        (None, None, None),
    ],
)
def test_an_age_is_a_number_or_the_middle_of_its_bin(text: str, plain: float, binned: float) -> None:
    assert (age_of(text), age_of(text, bins=True)) == (plain, binned)


def test_values_the_labels_do_not_mention_are_reported_not_lost(tmp_path: Path) -> None:
    text = (
        "participant_id\tgroup\tside\ths\tage\tsex\n"
        "1\ttle\tBi-TLE\t1\t25 to 29\tF\n2\ttle\tRIGHT\tmaybe\t40\tx\n3\thc\tHealthy\t9\t50\tm\n"
    )
    found = people(tmp_path, text)
    assert found.person("sub-1").undeclared == (("age", "25 to 29"),)
    assert found.person("sub-2").undeclared == (("side", "RIGHT"), ("hs", "maybe"), ("sex", "x"))
    assert found.person("sub-3").undeclared == ()
    assert found.person("sub-1").side is None


def test_sexes_may_be_declared_as_numbers(tmp_path: Path) -> None:
    found = people(tmp_path, "participant_id\tgroup\tsex\n1\thc\t0\n2\thc\t1\n", female=[1], male=[0])
    assert [found.person(name).sex for name in ("sub-1", "sub-2")] == ["M", "F"]


def test_b15_a_hundred_thousand_participants_take_seconds(tmp_path: Path) -> None:
    text = "participant_id\tgroup\tage\tsex\n" + "".join(f"{i:06d}\thc\t{i % 90}\tF\n" for i in range(100_000))
    (tmp_path / "participants.tsv").write_text(text)
    start = time.process_time()
    found = read_people(tmp_path, Labels())
    assert sum(found.person(name).group == "hc" for name in found.ids) == 100_000
    assert time.process_time() - start < 10  # a quarter of that where nobody else computes
