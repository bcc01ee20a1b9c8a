"""Who may ask what: every route, for nobody, for each reader and for the administrator."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from tlesynth.reader_study.serving.app import invitations, study_app
from tlesynth.reader_study.serving.house import House

Enter = Callable[[str | None], TestClient]
ReadOne = Callable[..., dict[str, Any]]

# Status for (nobody, another reader, the administrator) where the route names a trial of reader-1, or belongs to one
# role alone. A route without a row here fails the first test.
MATRIX: dict[tuple[str, str], tuple[int, int, int]] = {
    ("GET", "/login"): (200, 200, 200),
    ("GET", "/static/{name}"): (404, 404, 404),
    ("POST", "/api/login"): (410, 410, 410),
    ("POST", "/api/logout"): (401, 200, 200),
    ("GET", "/"): (303, 200, 303),
    ("GET", "/api/study"): (401, 200, 404),
    ("GET", "/api/state"): (401, 200, 404),
    ("GET", "/api/trials/{trial}/items/{place}/scan.nii"): (401, 404, 404),
    ("GET", "/api/trials/{trial}/items/{place}/{plane}/{index}.png"): (401, 404, 404),
    ("GET", "/api/trials/{trial}/answer"): (401, 404, 404),
    ("POST", "/api/trials/{trial}/answer"): (401, 404, 404),
    ("POST", "/api/finish"): (401, 409, 404),
    ("POST", "/api/pause"): (401, 200, 404),
    ("GET", "/administrator"): (303, 303, 200),
    ("GET", "/api/administrator/progress"): (401, 404, 200),
    ("POST", "/api/administrator/links"): (401, 404, 200),
    ("POST", "/api/administrator/close"): (401, 404, 200),
}
BODIES = {
    "/api/login": {"secret": "none"},
    "/api/trials/{trial}/answer": {"confidence": 1, "seconds": 1, "display": "webgl"},
    "/api/administrator/links": {"reader": "reader-1"},
}


def routes(house: House) -> set[tuple[str, str]]:
    found = set()
    for route in _walk(study_app(house).routes):
        found |= {(method, route.path) for method in route.methods}
    return found


def _walk(routes: list[object]) -> list[APIRoute]:
    flat = []
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        flat += _walk(inner) if inner is not None else [route] if isinstance(route, APIRoute) else []
    return flat


def test_every_route_has_its_row(house: House) -> None:
    assert routes(house) == set(MATRIX)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["nobody", "another reader", "administrator"])
def test_nobody_gets_what_is_not_theirs(enter: Enter, house: House, place: int) -> None:
    values = {"trial": house.lists["reader-1"][0].trial, "place": 0, "plane": "axial", "index": 3, "name": "none"}
    found = {}
    for method, path in sorted(MATRIX):
        client = enter((None, "reader-2", "administrator")[place])
        address = path.format(**values)
        reply = (
            client.post(address, json=BODIES.get(path, {}))
            if method == "POST"
            else client.get(address, follow_redirects=False)
        )
        found[method, path] = reply.status_code
    assert found == {route: statuses[place] for route, statuses in MATRIX.items()}


@pytest.mark.parametrize("tail", ["answer", "items/0/scan.nii", "items/0/axial/3.png", "items/9/scan.nii"])
def test_a_foreign_trial_and_one_that_never_was_are_answered_alike_and_noted(
    enter: Enter, house: House, tail: str
) -> None:
    client = enter("reader-2")
    foreign = house.lists["reader-1"][0].trial
    replies = [client.get(f"/api/trials/{trial}/{tail}") for trial in (foreign, "f" * 32)]
    assert [reply.status_code for reply in replies] == [404, 404]
    assert replies[0].content == replies[1].content
    assert list(replies[0].headers.items()) == list(replies[1].headers.items())
    noted = house.database.rows("SELECT who FROM event WHERE what = 'refused'")
    assert [row["who"] for row in noted] == ["reader-2", "reader-2"]


def test_links_are_for_readers_who_are_not_finished(enter: Enter, house: House, read_one: ReadOne) -> None:
    client = enter("reader-1")
    while client.get("/api/state").json()["current"]:
        read_one(client)
    client.post("/api/finish", json={})
    assert set(invitations(house)) == {"administrator", "reader-2", "reader-3"}


def test_a_start_ends_the_unused_links_of_the_one_before_and_a_pause_outlives_it(enter: Enter, house: House) -> None:
    first = invitations(house)
    back = enter("reader-1").post("/api/pause", json={}).json()["link"]
    second = invitations(house)
    statuses = {
        name: enter(None).post("/api/login", json={"secret": link.split("#")[1]}).status_code
        for name, link in {"first": first["reader-2"], "second": second["reader-2"], "pause": back}.items()
    }
    assert statuses == {"first": 410, "second": 200, "pause": 200}


def test_the_description_of_the_routes_is_for_tests_alone(house: House, enter: Enter) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert enter(None).get(path).status_code == 404
    documented = TestClient(study_app(house, documented=True), base_url="http://127.0.0.1:8700")
    assert documented.get("/openapi.json").status_code == 200


def test_paths_lead_nowhere(enter: Enter) -> None:
    client = enter("reader-1")
    for path in (
        "/static/../../etc/passwd",
        "/static/%2e%2e%2fschema.sql",
        "/static/..%5cschema.sql",
        "/api/trials/../items/0/scan.nii",
        "/api/trials/%00/items/0/scan.nii",
        "/items/00.nii",
        "/study.sqlite",
        "/trials.json",
        "/" + "a" * 8000,
    ):
        assert client.get(path).status_code == 404, path
