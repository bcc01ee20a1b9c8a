"""What is turned away before a route sees it, and what every reply carries."""

import asyncio
from typing import Any

import pytest

from tlesynth.reader_study.web import guard
from tlesynth.reader_study.web.guard import MOST_BODY, Guard, names_of
from tlesynth.reader_study.web.rates import Allowance
from tlesynth.reader_study.web.server import Address

HOST = "127.0.0.1:8700"
JSON = {"content-type": "application/json"}


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = (await receive())["body"] if scope["method"] == "POST" else b"shown"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


def asked(
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: list[bytes] | None = None,
    app: Guard | None = None,
    pause: float = 0,
) -> tuple[int, dict[str, str], bytes]:
    parts, sent = list(body or [b""]), []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in ({"host": HOST} | (headers or {})).items()]
    scope = {"type": "http", "method": method, "headers": pairs, "client": ("10.0.0.1", 5), "path": "/"}
    app = app or Guard(echo, names_of("127.0.0.1", 8700, (), False), False, "session")
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], {n.decode(): v.decode() for n, v in sent[0]["headers"]}, sent[1]["body"]


def test_a_request_to_us_passes_with_its_body() -> None:
    assert asked()[2] == b"shown"
    assert asked("POST", JSON, [b'{"a":', b"1}"])[2] == b'{"a":1}'


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", {"host": "evil.example"}, None, 421),
        ("GET", {"host": ""}, None, 421),
        ("PUT", {}, None, 405),
        ("TRACE", {}, None, 405),
        ("OPTIONS", {}, None, 405),
        ("GET", {f"x-{n}": "1" for n in range(100)}, None, 431),
        ("GET", {"x": "1" * 20_000}, None, 431),
        ("POST", {"content-type": "text/plain"}, [b"{}"], 415),
        ("POST", {"content-type": "multipart/form-data; boundary=x"}, [b"{}"], 415),
        ("POST", JSON | {"content-encoding": "gzip"}, [b"{}"], 415),
        ("POST", JSON | {"origin": "http://evil.example"}, [b"{}"], 403),
        ("POST", JSON | {"origin": "null"}, [b"{}"], 403),
        ("POST", JSON | {"origin": f"https://{HOST}"}, [b"{}"], 403),
        ("POST", JSON | {"sec-fetch-site": "cross-site"}, [b"{}"], 403),
        ("POST", JSON | {"sec-fetch-site": "same-site"}, [b"{}"], 403),
        ("POST", JSON | {"content-length": str(300 * 2**20)}, [b"x"], 413),
        ("POST", JSON | {"content-length": "-1"}, [b"x"], 413),
        ("POST", JSON, [b"x" * 30_000] * 3, 413),  # no length declared
    ],
)
def test_what_is_turned_away(method: str, headers: dict[str, str], body: list[bytes] | None, status: int) -> None:
    found, carried, said = asked(method, headers, body)
    assert found == status
    assert b"error" in said
    assert "content-security-policy" in carried


def test_a_body_of_the_largest_size_passes_and_our_own_page_may_post() -> None:
    headers = JSON | {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert asked("POST", headers, [b"x" * MOST_BODY])[0] == 200


def test_a_slow_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    assert asked("POST", JSON, [b"a"] * 50, pause=0.02)[0] == 408


def test_readers_behind_one_address_do_not_share_an_allowance() -> None:
    hosts = names_of("127.0.0.1", 8700, (), False)
    app = Guard(echo, hosts, False, "session", Allowance(per_second=0.001, burst=2))
    one, other = {"cookie": "session=one"}, {"cookie": "session=other"}
    assert [asked(headers=one, app=app)[0] for _ in range(3)] == [200, 200, 429]
    assert asked(headers=other, app=app)[0] == 200
    assert int(asked(headers=one, app=app)[1]["retry-after"]) > 100


def test_every_reply_is_private_and_not_framed() -> None:
    carried = asked()[1]
    assert carried["cache-control"] == "no-store"
    assert carried["x-content-type-options"] == "nosniff"
    assert carried["referrer-policy"] == "no-referrer"
    policy = dict(part.split(" ", 1) for part in carried["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in carried["content-security-policy"]
    assert not {"server", "date", "etag", "last-modified"} & set(carried)


def test_with_tls_browsers_are_told_to_stay_there() -> None:
    app = Guard(echo, names_of("127.0.0.1", 8700, (), True), True, "session")
    assert "strict-transport-security" in asked(app=app)[1]
    assert "strict-transport-security" not in asked()[1]


def test_behind_a_proxy_with_tls_its_own_page_may_post_and_no_other() -> None:
    behind = Address(plain_http=True, names=("https://study.lab",))
    app = Guard(echo, behind.hosts, behind.secure, "session")
    own = JSON | {"host": "study.lab", "origin": "https://study.lab"}
    assert asked("POST", own, [b"{}"], app=app)[2] == b"{}"
    assert asked("POST", own | {"origin": "http://study.lab"}, [b"{}"], app=app)[0] == 403


@pytest.mark.parametrize(
    ("cookies", "found"), [("session=a; x=b", "a"), ("x=b", None), ("", None), ("session", None), ("\udcff=;;;=", None)]
)
def test_the_session_is_found_among_cookies(cookies: str, found: str | None) -> None:
    assert guard.session_of(cookies, "session") == found


def test_names_with_the_ports_that_browsers_send() -> None:
    assert names_of("127.0.0.1", 8700, ("study.lab",), False) == {
        "127.0.0.1:8700",
        "localhost:8700",
        "[::1]:8700",
        "study.lab:8700",
        "study.lab",
    }
    assert {"study.lab", "localhost"} <= names_of("study.lab", 443, (), True)
    assert "0.0.0.0:8700" not in names_of("0.0.0.0", 8700, (), False)
    assert "[fe80::1]:8700" in names_of("fe80::1", 8700, (), False)
