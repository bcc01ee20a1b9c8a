"""What a client can put on the wire that no browser would: the real listener, spoken to by hand."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest

from tlesynth.reader_study.database import in_memory
from tlesynth.reader_study.web.foundation import Door, bare_app
from tlesynth.reader_study.web.server import Address, listening, serve

LOGIN = "POST /api/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
HIDDEN = "GET /static/style.css HTTP/1.1\r\nHost: {host}\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> int:
    """The port of a server with nothing but a login; it ends with the tests."""
    found = listening(Address(port=0))
    address = replace(Address(), port=found.getsockname()[1])
    app = bare_app(Door(in_memory(), address.hosts), "test")
    threading.Thread(target=serve, args=(app, address, found), daemon=True).start()
    return address.port


def said(port: int, words: str) -> str:
    """All that comes back until the server closes, or says no more for a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(words.format(host=f"127.0.0.1:{port}").encode())
        line.settimeout(1)
        parts = []
        try:
            while part := line.recv(65536):
                parts.append(part)
        except TimeoutError:
            pass
    return b"".join(parts).decode("latin-1")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (LOGIN + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
        (LOGIN + "Content-Length: 4\r\nContent-Length: 0\r\n\r\n" + HIDDEN, 400),
        (LOGIN + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
        ("SHOW /login HTTP/1.1\r\nHost: {host}\r\n\r\n", 405),
        ("GET /login HTTP/1.1\r\n\r\n", 400),
        ("GET http://elsewhere.example/login HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 421),
    ],
    ids=["two lengths", "lengths that differ", "odd coding", "method", "no host", "proxy"],
)
def test_a_request_that_hides_another_is_refused_and_the_line_is_cut(port: int, words: str, status: int) -> None:
    told = said(port, words)
    assert told.startswith(f"HTTP/1.1 {status} ") or (status == 400 and told.startswith("HTTP/1.1 501 "))
    assert told.count("HTTP/1.1 ") == 1 and "--page" not in told


def test_a_plain_request_is_answered(port: int) -> None:
    assert said(port, HIDDEN).startswith("HTTP/1.1 200 ")
