"""An app with nothing but a login: errors that tell nothing, the pages' files, and who is asking."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tlesynth.errors import TlesynthError
from tlesynth.reader_study import links
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.database import Database
from tlesynth.reader_study.web.assets import asset, page
from tlesynth.reader_study.web.guard import Guard, address
from tlesynth.reader_study.web.rates import Guesses

log = logging.getLogger("tlesynth.serve")
NOT_SAVED = "not saved: the server's disk cannot be written"


@dataclass
class Door:
    """Who may come in, and under which names the house is known."""

    database: Database
    hosts: frozenset[str]
    secure: bool = False
    cookie: str = "session"
    """Browsers give a cookie to every port of a machine, so servers side by side need names of their own."""
    lifetimes: links.Lifetimes = field(default_factory=links.Lifetimes)
    guesses: Guesses = field(default_factory=Guesses)

    def leave(self, request: Request) -> None:
        """End the session that asks."""
        links.leave(self.database, request.cookies.get(self.cookie, ""))

    def who(self, request: Request) -> str:
        """Whose session this is.

        Raises:
            Refused: 401 without one.
        """
        session = request.cookies.get(self.cookie, "")
        who = links.whose(self.database, session, self.lifetimes) if session else None
        if who is None:
            raise Refused(401, "your session has ended; open a new link")
        return who


class Key(BaseModel):
    """What a link carries."""

    model_config = ConfigDict(extra="forbid", strict=True)
    secret: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def bare_app(door: Door, title: str, documented: bool = False) -> FastAPI:
    """The app; its OpenAPI description is made for tests alone."""
    description = "/openapi.json" if documented else None
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=description)
    _tell_little(app)
    _login(app, door)
    app.add_middleware(_guarded(door))
    return app


def _guarded(door: Door) -> Callable[..., Guard]:
    def made(app: Any) -> Guard:
        return Guard(app, door.hosts, door.secure, door.cookie)

    return made


def _tell_little(app: FastAPI) -> None:
    """Errors as one sentence in JSON: no traceback, no echo of what was sent."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return JSONResponse({"error": error.why}, error.status)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        words = {404: "not found", 405: "only GET and POST"}.get(error.status_code, "refused")
        return JSONResponse({"error": words}, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        known = {
            "choice",
            "confidence",
            "seconds",
            "display",
            "regions",
            "comment",
            "recognised",
            "secret",
            "revises",
            "anatomy",
        }
        names = sorted({str(part) for fault in error.errors() for part in fault["loc"]} & known)
        return JSONResponse({"error": f"not understood: {', '.join(names) or 'the request'}"}, 422)

    @app.exception_handler(sqlite3.OperationalError)
    async def disk(_: Request, error: sqlite3.OperationalError) -> Response:
        log.error("the database: %s", error)
        return JSONResponse({"error": NOT_SAVED}, 503)

    @app.exception_handler(TlesynthError)
    async def ours(_: Request, error: TlesynthError) -> Response:
        log.error("%s", error)
        return JSONResponse({"error": "the server cannot show this; tell the administrator"}, 503)


def _login(app: FastAPI, door: Door) -> None:
    @app.get("/login", include_in_schema=False)
    def login_page() -> Response:
        return page("login.html.j2")

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str, request: Request) -> Response:
        return asset(name, request)

    @app.post("/api/login")
    def login(key: Key, request: Request) -> Response:
        client = address(request.scope)
        if wait := door.guesses.wait(client):
            return JSONResponse({"error": "too many tries"}, 429, {"retry-after": str(round(wait))})
        try:
            _, session = links.enter(door.database, key.secret)
        except Refused:
            door.guesses.wrong(client)
            raise
        response = JSONResponse({"next": "/"})
        response.set_cookie(door.cookie, session, httponly=True, secure=door.secure, samesite="strict", path="/")
        return response

    @app.post("/api/logout")
    def logout(request: Request) -> Response:
        door.who(request)
        door.leave(request)
        response = JSONResponse({"next": "/login"}, headers={"clear-site-data": '"storage", "cookies"'})
        response.delete_cookie(door.cookie, path="/")
        return response
