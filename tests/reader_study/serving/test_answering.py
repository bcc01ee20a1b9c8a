"""Answers over HTTP: what is taken, refused, and never doubled."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tlesynth import durable
from tlesynth.reader_study import answers
from tlesynth.reader_study.answers import read_answers
from tlesynth.reader_study.serving.app import house_of, invitations, study_app
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.study import ANATOMY, STUDY
from tlesynth.reader_study.web.server import Address

Enter = Callable[[str | None], TestClient]
ReadOne = Callable[..., dict[str, Any]]
SURE = {"confidence": 6, "seconds": 1.5, "display": "webgl"}


def test_a_warm_up_tells_the_truth_after_the_answer_and_a_case_never_does(enter: Enter, read_one: ReadOne) -> None:
    client = enter("reader-1")
    assert client.get("/api/state").json()["practice"]
    first, second = read_one(client), read_one(client)
    assert (first["feedback"], second["feedback"]) == ("a person", None)
    assert second["state"] == {
        "done": 2, "total": 4, "current": second["state"]["current"], "practice": False,
        "answered": [second["trial"]], "locked": False,
    }  # fmt: skip


def test_the_same_post_twice_is_one_answer(enter: Enter, read_one: ReadOne, folder: Path) -> None:
    client = enter("reader-1")
    first = read_one(client, comment="twice")
    again = client.post(f"/api/trials/{first['trial']}/answer", json=SURE | {"comment": "twice", "seconds": 9})
    assert (again.status_code, again.json()["sequence"]) == (200, first["sequence"])
    assert len(read_answers(folder)) == 1


def test_another_answer_needs_the_version_it_replaces_until_the_reader_finishes(
    enter: Enter, read_one: ReadOne, folder: Path
) -> None:
    client = enter("reader-1")
    read_one(client)
    case = read_one(client)
    path = f"/api/trials/{case['trial']}/answer"
    changed = SURE | {"confidence": 2}
    assert client.post(path, json=changed).status_code == 409
    standing = client.get(path).json()
    assert (standing["version"], standing["confidence"]) == (1, 6)
    assert client.post(path, json=changed | {"revises": 1}).json()["version"] == 2
    while client.get("/api/state").json()["current"]:
        read_one(client)
    assert client.post("/api/finish", json={}).json()["locked"]
    assert client.post(path, json=SURE | {"revises": 2}).status_code == 409
    table = read_answers(folder).set_index("trial")
    assert (table.loc[case["trial"], "confidence"], table.loc[case["trial"], "version"]) == (2, 2)


def test_no_answer_before_the_scan_was_shown_or_out_of_turn(enter: Enter, house: House) -> None:
    client = enter("reader-1")
    first, second = (trial.trial for trial in house.lists["reader-1"][:2])
    assert client.post(f"/api/trials/{first}/answer", json=SURE).json()["error"] == "this scan has not been shown yet"
    assert client.get(f"/api/trials/{second}/items/0/scan.nii").status_code == 409
    assert client.post(f"/api/trials/{second}/answer", json=SURE).status_code == 409
    assert house.database.rows("SELECT count(*) FROM answer")[0][0] == 0


NOT_UNDERSTOOD: list[dict[str, Any]] = [
    {"confidence": 0},
    {"confidence": 7},
    {"confidence": True},
    {"confidence": "6"},
    {"confidence": 2**63},
    {"seconds": -1},
    {"seconds": 1e400},
    {"seconds": None},
    {"display": "vr"},
    {"choice": "hc"},  # a yes-no study has no choices
    {"regions": [{"item": 1, "x": 0, "y": 0, "z": 0}]},  # there is one scan
    {"regions": [{"item": 0, "x": 1e9, "y": 0, "z": 0}]},
    {"regions": [{"item": 0, "x": 0, "y": 0, "z": 0}] * 51},
    {"comment": "a" * 2001},
    {"comment": 5},
    {"reader": "reader-2"},
    {"revises": -1},
    {"anatomy": 3},  # which this study does not ask for
    {"anatomy": 6},
]


def test_what_is_not_understood_is_refused_without_an_echo(enter: Enter, house: House) -> None:
    client, trial = enter("reader-1"), house.lists["reader-1"][0].trial
    client.get(f"/api/trials/{trial}/items/0/scan.nii")
    for change in NOT_UNDERSTOOD:
        body = json.dumps(SURE | {"comment": "secret words"} | change)
        reply = client.post(f"/api/trials/{trial}/answer", content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 422, change
        assert "secret words" not in reply.text
    assert house.database.rows("SELECT count(*) FROM answer")[0][0] == 0


def test_bodies_that_are_no_answers_are_refused(enter: Enter, house: House) -> None:
    client, path = enter("reader-1"), f"/api/trials/{house.lists['reader-1'][0].trial}/answer"
    bodies = [b"", b"{", b"[" * 60_000, b'{"comment": "\\ud800"}', b"null", b"1" * 5000, b"\xff\xfe", b"NaN", b'"text"']
    for body in bodies:
        reply = client.post(path, content=body, headers={"content-type": "application/json"})
        assert reply.status_code in (400, 422), body[:20]


def test_odd_text_is_kept_as_it_is(enter: Enter, read_one: ReadOne, folder: Path) -> None:
    texts = ["<img src=x onerror=alert(1)>", "'); DROP TABLE answer;--", "\u202egnp a\0b", "=1+1"]
    client = enter("reader-1")
    for text in texts:
        read_one(client, comment=text)
    assert list(read_answers(folder)["comment"]) == texts


@pytest.mark.parametrize(
    "fault", ["database or disk is full", "database is locked", "attempt to write a readonly database"]
)
def test_a_disk_that_cannot_be_written_says_not_saved(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    client, trial = enter("reader-1"), house.lists["reader-1"][0].trial
    client.get(f"/api/trials/{trial}/items/0/scan.nii")

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError(fault)

    monkeypatch.setattr(answers, "_added", broken)
    reply = client.post(f"/api/trials/{trial}/answer", json=SURE)
    assert (reply.status_code, reply.json()["error"][:9]) == (503, "not saved")
    monkeypatch.undo()
    assert client.post(f"/api/trials/{trial}/answer", json=SURE).status_code == 200


def test_a_pause_ends_the_session_and_its_link_leads_back_to_the_same_place(enter: Enter, read_one: ReadOne) -> None:
    client = enter("reader-1")
    read_one(client)
    before = client.get("/api/state").json()
    secret = client.post("/api/pause", json={}).json()["link"].split("#")[1]
    assert client.get("/api/state").status_code == 401
    other_day = enter(None)
    assert other_day.post("/api/login", json={"secret": secret}).status_code == 200
    assert other_day.get("/api/state").json() == before
    assert enter(None).post("/api/login", json={"secret": secret}).status_code == 410


def test_a_server_that_starts_again_goes_on_with_the_same_sessions(folder: Path, read_one: ReadOne) -> None:
    house = house_of(folder, Address(port=8700))
    client = TestClient(study_app(house), base_url="http://127.0.0.1:8700")
    client.post("/api/login", json={"secret": invitations(house)["reader-1"].split("#")[1]})
    read_one(client)
    house.database.close()
    again = TestClient(study_app(house_of(folder, Address(port=8700))), base_url="http://127.0.0.1:8700")
    again.cookies = client.cookies
    assert again.get("/api/state").json()["done"] == 1


def test_anatomy_is_scored_where_it_is_asked_for_and_nowhere_else(folder: Path, read_one: ReadOne) -> None:
    asked = durable.read_json(folder / STUDY)
    durable.write_json(folder / STUDY, asked | {"anatomy": ANATOMY})
    house = house_of(folder, Address(port=8700))
    client = TestClient(study_app(house), base_url="http://127.0.0.1:8700")
    client.post("/api/login", json={"secret": invitations(house)["reader-1"].split("#")[1]})
    assert client.get("/api/study").json()["anatomy"] == list(ANATOMY) and 'id="anatomy"' in client.get("/").text
    trial = client.get("/api/state").json()["current"]
    client.get(f"/api/trials/{trial}/items/0/scan.nii")
    assert client.post(f"/api/trials/{trial}/answer", json=SURE).status_code == 422
    said = read_one(client, anatomy=2)["trial"]
    assert client.get(f"/api/trials/{said}/answer").json()["anatomy"] == 2
    house.database.close()
    assert list(read_answers(folder)["anatomy"]) == [2]
