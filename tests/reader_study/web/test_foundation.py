"""The login: links in, cookies that scripts cannot read, guesses slowed down, errors that tell nothing."""

import sqlite3
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from tlesynth.errors import fail
from tlesynth.reader_study import links
from tlesynth.reader_study.database import in_memory
from tlesynth.reader_study.web.foundation import Door, bare_app

HOST = "127.0.0.1:8700"


@pytest.fixture
def door() -> Door:
    return Door(in_memory(), frozenset({HOST}))


def client_of(door: Door, address: str = "10.0.0.1", **routes: Any) -> TestClient:
    app = bare_app(door, "test")
    for name, route in routes.items():
        app.get(f"/{name}")(route)
    return TestClient(app, base_url=f"http://{HOST}", client=(address, 1), raise_server_exceptions=False)


def secret_of(door: Door, who: str = "A") -> str:
    return links.issue(door.database, who, door.lifetimes)


def test_a_login_sets_a_cookie_for_this_server_alone(door: Door) -> None:
    reply = client_of(door).post("/api/login", json={"secret": secret_of(door)})
    cookie = reply.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    tls = Door(door.database, door.hosts, secure=True)
    reply = client_of(tls).post("/api/login", json={"secret": secret_of(door)})
    assert "Secure" in reply.headers["set-cookie"].split("; ")


def test_each_login_is_a_new_session_whatever_cookie_came_with_it(door: Door) -> None:
    client = client_of(door)
    client.cookies.set("session", "chosen by someone else")
    client.post("/api/login", json={"secret": secret_of(door)})
    assert links.whose(door.database, "chosen by someone else", door.lifetimes) is None


def test_a_session_that_was_left_is_dead_for_whoever_kept_its_cookie(door: Door) -> None:
    client = client_of(door)
    session = client.post("/api/login", json={"secret": secret_of(door)}).cookies["session"]
    reply = client.post("/api/logout", json={})
    assert "storage" in reply.headers["clear-site-data"]
    assert links.whose(door.database, session, door.lifetimes) is None


def test_the_eleventh_guess_waits_and_only_its_sender(door: Door) -> None:
    app_door_client, other = client_of(door), client_of(door, "10.0.0.2")
    tries = [app_door_client.post("/api/login", json={"secret": f"guess {n}"}).status_code for n in range(11)]
    assert tries == [410] * 10 + [429]
    secret = secret_of(door)
    assert app_door_client.post("/api/login", json={"secret": secret}).status_code == 429
    assert other.post("/api/login", json={"secret": secret}).status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (sqlite3.OperationalError("/srv/secret.sqlite is locked"), 503),
        (fail("STUDY-006", "secret"), 503),
        (ValueError("secret"), 500),
    ],
)
def test_errors_tell_nothing_of_the_inside(door: Door, error: Exception, status: int) -> None:
    def broken() -> None:
        raise error

    reply = client_of(door, broken=broken).get("/broken")
    assert reply.status_code == status
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text


def test_a_request_without_a_session_is_nobody(door: Door) -> None:
    request = Request({"type": "http", "headers": [(b"cookie", b"session=none")], "method": "GET", "path": "/"})
    with pytest.raises(Exception, match="your session has ended"):
        door.who(request)
