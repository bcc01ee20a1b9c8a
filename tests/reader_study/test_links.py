"""Links work once, sessions end, and the database keeps neither in the clear."""

import dataclasses

import pytest

from tlesynth.reader_study import links
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.database import Database, in_memory
from tlesynth.reader_study.links import Lifetimes

LIVES = Lifetimes(link=100, idle=1800, session=7200)


@pytest.fixture
def database() -> Database:
    return in_memory()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(links.time, "time", lambda: now[0])
    return now


def test_a_link_works_once(database: Database) -> None:
    secret = links.issue(database, "A", LIVES)
    who, session = links.enter(database, secret)
    assert (who, links.whose(database, session, LIVES)) == ("A", "A")
    with pytest.raises(Refused) as caught:
        links.enter(database, secret)
    assert caught.value.status == 410


def ends(database: Database, secret: str) -> bool:
    try:
        links.enter(database, secret)
    except Refused as refused:
        return refused.status == 410
    return False


def test_a_start_ends_what_an_earlier_one_printed_and_no_link_that_a_person_was_given(database: Database) -> None:
    first = links.issue_all(database, ["", "A", "B", "C"], LIVES)
    session = links.enter(database, first["A"])[1]
    pause = links.issue(database, "A", LIVES)
    second = links.issue_all(database, ["", "A", "B"], LIVES)  # C has finished meanwhile
    assert all(ends(database, first[who]) for who in ("", "B", "C"))
    assert links.whose(database, session, LIVES) == "A"
    assert not ends(database, pause) and not any(ends(database, second[who]) for who in ("", "A", "B"))


def test_a_new_link_for_a_person_ends_their_earlier_ones_alone(database: Database) -> None:
    printed = links.issue_all(database, ["A", "B"], LIVES)
    lost, new = links.issue(database, "A", LIVES), links.issue(database, "A", LIVES)
    assert ends(database, printed["A"]) and ends(database, lost)
    assert not ends(database, new) and not ends(database, printed["B"])


def test_an_old_link_and_an_invented_one_are_told_the_same(database: Database, time: list[float]) -> None:
    secret = links.issue(database, "A", LIVES)
    time[0] += 101
    told = set()
    for tried in (secret, "invented"):
        with pytest.raises(Refused) as caught:
            links.enter(database, tried)
        told.add((caught.value.status, caught.value.why))
    assert len(told) == 1


def test_a_second_login_ends_the_first_session_and_no_other(database: Database) -> None:
    first = links.enter(database, links.issue(database, "A", LIVES))[1]
    other = links.enter(database, links.issue(database, "B", LIVES))[1]
    second = links.enter(database, links.issue(database, "A", LIVES))[1]
    assert [links.whose(database, session, LIVES) for session in (first, second, other)] == [None, "A", "B"]


def test_a_session_ends_by_rest_by_age_and_by_leaving(database: Database, time: list[float]) -> None:
    session = links.enter(database, links.issue(database, "A", LIVES))[1]
    for _ in range(3):
        time[0] += 1700
        assert links.whose(database, session, LIVES) == "A"
    time[0] += 1801
    assert links.whose(database, session, LIVES) is None
    session = links.enter(database, links.issue(database, "A", LIVES))[1]
    begun = time[0]
    while time[0] < begun + 7200:
        assert links.whose(database, session, LIVES) == "A"
        time[0] += 600
    time[0] = begun + 7201
    assert links.whose(database, session, LIVES) is None
    session = links.enter(database, links.issue(database, "A", LIVES))[1]
    links.leave(database, session)
    assert links.whose(database, session, LIVES) is None


def test_secrets_are_256_bits_and_stored_hashed(database: Database) -> None:
    secrets = [links.issue(database, "A", LIVES) for _ in range(50)]
    assert len(set(secrets)) == 50
    assert {len(secret) for secret in secrets} == {43}  # 32 bytes in base64
    links.enter(database, secrets[-1])
    dump = "\n".join(
        str(tuple(row)) for t in ("link", "session", "event") for row in database.rows(f"SELECT * FROM {t}")
    )
    assert not any(secret in dump for secret in secrets)


def test_lifetimes_are_short_where_they_should_be() -> None:
    assert dataclasses.asdict(Lifetimes()) == {"link": 30 * 86400, "idle": 1800, "session": 12 * 3600}


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "' OR 1=1 --", "x" * 10_000])
def test_odd_secrets_are_nobodys(database: Database, odd: str) -> None:
    links.issue(database, "A", LIVES)
    assert links.whose(database, odd, LIVES) is None
    with pytest.raises(Refused):
        links.enter(database, odd)
