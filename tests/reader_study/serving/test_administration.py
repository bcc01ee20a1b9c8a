"""The administrator sees how far everyone is, and no result."""

import json
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

Enter = Callable[[str | None], TestClient]
ReadOne = Callable[..., dict[str, Any]]


def test_progress_without_results(enter: Enter, read_one: ReadOne) -> None:
    reader = enter("reader-2")
    for _ in range(2):
        read_one(reader, confidence=5, comment="telling", display="slices")
    seen = enter("administrator").get("/api/administrator/progress").json()
    second = seen["readers"][1]
    assert (second["reader"], second["done"], second["total"], second["display"]) == ("reader-2", 2, 4, ["slices"])
    assert second["last"] and not second["finished"]
    assert not any(word in json.dumps(seen) for word in ("confidence", "choice", "telling", "comment", "seconds"))


def test_a_new_link_lets_the_reader_in_once(enter: Enter) -> None:
    administrator = enter("administrator")
    secret = administrator.post("/api/administrator/links", json={"reader": "reader-3"}).json()["link"].split("#")[1]
    reader = enter(None)
    assert reader.post("/api/login", json={"secret": secret}).status_code == 200
    assert reader.get("/api/state").json()["total"] == 4
    assert administrator.post("/api/administrator/links", json={"reader": "nobody"}).status_code == 404


def test_a_closed_study_takes_no_answer(enter: Enter, read_one: ReadOne) -> None:
    reader = enter("reader-1")
    read_one(reader)
    assert enter("administrator").post("/api/administrator/close", json={}).json() == {"closed": True}
    state = reader.get("/api/state").json()
    assert state["locked"]
    reader.get(f"/api/trials/{state['current']}/items/0/scan.nii")
    body = {"confidence": 1, "seconds": 1, "display": "webgl"}
    assert reader.post(f"/api/trials/{state['current']}/answer", json=body).status_code == 409
