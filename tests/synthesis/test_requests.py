"""Whom a wish names: two groups, given conditions, the likes of a table, nobody in particular, or a clear refusal."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Sample
from tlesynth.synthesis.requests import Wish, parse, subjects_of

from .conftest import CONDITIONS

SETTINGS = Sample(n_hc=2, n_tle=36)


@dataclass
class Model:
    """What a wish is held against."""

    conditions: Conditions = CONDITIONS
    class_counts: dict[str, int] = field(default_factory=lambda: {"hc": 36, "tle-left": 22, "tle-right": 14})


MODEL = Model()


def wished(wish: Wish, model: Any = MODEL) -> list[tuple[str, dict[str, str]]]:
    return [(s.participant_id, dict(s.asked)) for s in subjects_of(wish, SETTINGS, model)]


def refusal(wish: Wish) -> str:
    with pytest.raises(TlesynthError) as caught:
        wished(wish)
    assert caught.value.code == "CFG-011"
    return str(caught.value)


def test_sides_follow_the_training_set() -> None:
    subjects = wished(Wish())
    assert [name for name, _ in subjects[:3]] == ["sub-synHC0001", "sub-synHC0002", "sub-synTLE0001"]
    assert [asked.get("side") for _, asked in subjects].count("left") == 22
    assert subjects[0][1] == {"group": "hc"}
    plain = Model(Conditions((Condition("group", ("hc", "tle")),)), {"hc": 1, "tle": 1})
    assert all("side" not in asked for _, asked in wished(Wish(), plain))


def test_where_asks_for_the_same_of_everybody() -> None:
    asked = {"group": "tle", "side": "left", "age": "35"}
    assert wished(Wish(2, ("group=tle side=left", "age=35"))) == [
        ("sub-synTLE0001", asked),
        ("sub-synTLE0002", asked),
    ]


def test_an_open_group_is_as_in_training() -> None:
    groups = [asked["group"] for _, asked in wished(Wish(72, ("age=35",)))]
    assert groups.count("hc") == groups.count("tle") == 36
    assert set(groups[:4]) == {"hc", "tle"}  # spread evenly, not one after the other


@pytest.mark.parametrize("wish", [Wish(), Wish(38)])
def test_a_model_without_a_group_draws_what_the_training_set_is_made_up_of(
    wish: Wish, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of the training scans are patients, 22 of 36 of them left; of the others nothing is asked."""
    subjects = wished(wish, Model(Conditions(CONDITIONS.items[1:])))
    assert subjects[0] == ("sub-syn0001", {}) and subjects[-1][0] == "sub-syn0038"
    assert sorted(asked.get("side", "") for _, asked in subjects) == [""] * 19 + ["left"] * 11 + ["right"] * 8
    told = capsys.readouterr().err
    assert told.count("\n") == (wish == Wish()) and ("38 subjects" in told) == (wish == Wish())


def test_a_model_of_age_alone_is_asked_for_nothing_or_for_an_age() -> None:
    aged = Model(Conditions(CONDITIONS.items[2:]))
    assert wished(Wish(2), aged) == [("sub-syn0001", {}), ("sub-syn0002", {})]
    assert wished(Wish(1, ("age=35",)), aged) == [("sub-syn0001", {"age": "35"})]


def test_like_takes_the_rows_of_a_table_again_and_again(tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tgroup\tside\tage\tsite\nsub-1\ttle\tright\t50\tA\nsub-2\thc\tn/a\tn/a\tB\n")
    rows = [asked for _, asked in wished(Wish(3, like=table))]
    assert rows == [{"group": "tle", "side": "right", "age": "50"}, {"group": "hc"}] + rows[:1]
    assert len(wished(Wish(like=table))) == 2


def test_nothing_is_asked_of_the_unconditional() -> None:
    assert wished(Wish(2, unconditional=True)) == [("sub-syn0001", {}), ("sub-syn0002", {})]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (("group=ad",), "one of hc, tle"),
        (("age=12",), "from 20 to 60"),
        (("age=old",), "no number"),
        (("iq=100",), "group, side, age"),
        (("group",), "NAME=VALUE"),
        (("group tle=1",), "NAME=VALUE"),
        (("group=hc side=left",), "only patients have a side"),
        (("group=tle", "group=hc"), "group is asked to be tle and hc"),
    ],
)
def test_what_was_never_seen_is_refused_and_what_may_be_asked_is_told(where: tuple[str, ...], said: str) -> None:
    assert said in refusal(Wish(1, where))


def test_who_has_a_side_is_a_patient(tmp_path: Path) -> None:
    assert wished(Wish(1, ("side=left",))) == [("sub-synTLE0001", {"group": "tle", "side": "left"})]
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tgroup\tside\nsub-1\thc\tleft\n")
    assert "only patients" in refusal(Wish(like=table))


def test_a_value_may_hold_blanks() -> None:
    assert parse(["site=New York group=tle", "age=35"]) == {"site": "New York", "group": "tle", "age": "35"}


def test_wishes_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    assert "one of --where" in refusal(Wish(1, ("group=tle",), unconditional=True))
    assert "one of --where" in refusal(Wish(1, ("group=tle",), tmp_path / "x.tsv"))


def test_parse_takes_one_text_or_many() -> None:
    assert parse(["a=1 b=2", "c=3"]) == {"a": "1", "b": "2", "c": "3"}
