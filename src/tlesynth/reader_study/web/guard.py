"""What every request passes before anything of ours looks at it, and what every reply carries.

A body is read here, at most 64 kB of it and within ten seconds, before a route sees it; a page of another origin
cannot post, and a reply is neither kept by the browser nor framed by another page.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tlesynth.reader_study.web.rates import Allowance

MOST_BODY = 64 * 1024
MOST_HEADERS, MOST_HEADER_BYTES = 64, 16 * 1024
BODY_SECONDS = 10.0
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self' data:",  # NiiVue carries its font as a data URI
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Turned(Exception):
    """A request that goes no further: the status and why."""

    def __init__(self, status: int, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.status, self.why, self.wait = status, why, wait


@dataclass
class Guard:
    """Stands before ``app``; ``hosts`` are the names it answers to, with port where it is not the scheme's own."""

    app: ASGIApp
    hosts: frozenset[str]
    secure: bool
    cookie: str
    allowance: Allowance = field(default_factory=lambda: Allowance(per_second=60, burst=300))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or turn it away."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        dressed = self._dressed(send)
        try:
            headers = _read(scope)
            self._let_in(scope, headers)
            if scope["method"] == "POST":
                self._let_post(headers)
                receive = _given(await _body(headers, receive))
        except Turned as turned:
            await _say(dressed, turned)
            return
        await self.app(scope, receive, dressed)

    def _let_in(self, scope: Scope, headers: dict[str, str]) -> None:
        if headers.get("host", "").lower() not in self.hosts:
            raise Turned(421, "this server has another name")
        if scope["method"] not in ("GET", "POST"):
            raise Turned(405, "only GET and POST")
        if {"content-length", "transfer-encoding"} <= set(headers):
            raise Turned(400, "the length of the body is told twice")  # as requests hidden in others do
        if wait := self.allowance.wait(self._client(scope, headers)):
            raise Turned(429, "too many requests", wait)

    def _client(self, scope: Scope, headers: dict[str, str]) -> str:
        """Readers behind one address do not share an allowance: a session counts alone."""
        session = session_of(headers.get("cookie", ""), self.cookie)
        if session:
            return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()
        return address(scope)

    def _let_post(self, headers: dict[str, str]) -> None:
        own = f"{'https' if self.secure else 'http'}://{headers['host'].lower()}"
        if headers.get("origin", own).lower() != own or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Turned(403, "this was sent by another page")
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Turned(415, "only application/json")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Turned(415, "only uncompressed bodies")

    def _dressed(self, send: Send) -> Send:
        """``send`` that adds our headers to each reply."""
        ours = dict(HEADERS)
        if self.secure:
            ours["strict-transport-security"] = "max-age=31536000"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                extra = ours if b"cache-control" in names else ours | {"cache-control": "no-store"}
                message["headers"] = [*message["headers"], *((n.encode(), v.encode()) for n, v in extra.items())]
            await send(message)

        return dressed


def session_of(cookies: str, name: str) -> str | None:
    """The session's secret from a Cookie header."""
    try:
        found = SimpleCookie(cookies).get(name)
    except CookieError:
        return None
    return found.value if found else None


def names_of(host: str, port: int, more: Iterable[str], secure: bool) -> frozenset[str]:
    """The Host headers a server on ``host`` and ``port`` answers to; ``more`` are names a proxy uses, as they are."""
    own = {host, "localhost", "127.0.0.1", "[::1]"} - {"0.0.0.0", "::"}  # noqa: S104
    own = {f"[{name}]" if ":" in name and not name.startswith("[") else name for name in own}
    ported = {f"{name}:{port}" for name in own | set(more)}
    plain = {name for name in own if port == (443 if secure else 80)}
    return frozenset(name.lower() for name in ported | plain | set(more))


def _read(scope: Scope) -> dict[str, str]:
    pairs = scope["headers"]
    if len(pairs) > MOST_HEADERS or sum(len(name) + len(value) for name, value in pairs) > MOST_HEADER_BYTES:
        raise Turned(431, "too many headers")
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def address(scope: Scope) -> str:
    """The address of the client."""
    return scope["client"][0] if scope.get("client") else ""


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    declared = headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > MOST_BODY:
        raise Turned(413, "the body is too large")
    try:
        return await asyncio.wait_for(_whole(receive), BODY_SECONDS)
    except TimeoutError as error:
        raise Turned(408, "the body came too slowly") from error


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Turned(400, "the body broke off")
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > MOST_BODY:
            raise Turned(413, "the body is too large")
        if not message.get("more_body"):
            return b"".join(parts)


def _given(body: bytes) -> Receive:
    """A ``receive`` that hands over a body that is already here."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await asyncio.Event().wait()  # nothing more will come
        return {"type": "http.disconnect"}

    return receive


async def _say(send: Send, turned: Turned) -> None:
    body = json.dumps({"error": turned.why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))  # what else came on it is not read
    if turned.wait:
        headers.append((b"retry-after", str(max(1, round(turned.wait))).encode()))
    await send({"type": "http.response.start", "status": turned.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
