"""The administrator's routes: who is how far. No answer and no result is shown, and the truth is not here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import RedirectResponse, Response

from tlesynth.reader_study import answers, links
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.web.assets import page


class Invited(BaseModel):
    """Whom a new link is for."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reader: Annotated[str, StringConstraints(min_length=1, max_length=64)]


def administration(house: House) -> APIRouter:
    """The routes of the administrator; for everyone else they do not exist."""
    router = APIRouter()

    def only_administrator(request: Request) -> None:
        if house.door.who(request) != links.ADMINISTRATOR:
            raise Refused(404, "not found")

    @router.get("/administrator", include_in_schema=False)
    def administrator_page(request: Request) -> Response:
        try:
            only_administrator(request)
        except Refused:
            return RedirectResponse("/login", 303)
        return page("administrator.html.j2", study=house.study)

    @router.get("/api/administrator/progress")
    def how_far(request: Request) -> dict[str, Any]:
        only_administrator(request)
        return {"closed": _closed(house), "readers": [_reader(house, reader) for reader in house.lists]}

    @router.post("/api/administrator/links")
    def invite(invited: Invited, request: Request) -> dict[str, str]:
        only_administrator(request)
        if invited.reader not in house.lists:
            raise Refused(404, "not found")
        secret = links.issue(house.database, invited.reader, house.door.lifetimes)
        house.database.tell(links.ADMINISTRATOR, "link", invited.reader)
        return {"link": f"/login#{secret}"}

    @router.post("/api/administrator/close")
    def close(request: Request) -> dict[str, bool]:
        only_administrator(request)
        answers.close(house.database)
        house.database.tell(links.ADMINISTRATOR, "closed")
        return {"closed": _closed(house)}

    return router


def _closed(house: House) -> bool:
    return house.database.rows("SELECT closed_at FROM study")[0][0] is not None


def _reader(house: House, reader: str) -> dict[str, Any]:
    """How far a reader is, when they were last here, and how the scans were shown."""
    at = answers.progress(house.database, reader)
    last = house.database.rows("SELECT max(submitted_at) FROM answer WHERE reader = ?", (reader,))[0][0]
    shown = house.database.rows("SELECT DISTINCT display FROM answer WHERE reader = ? ORDER BY display", (reader,))
    finished = house.database.rows("SELECT finished_at FROM reader WHERE reader = ?", (reader,))[0][0]
    return {
        "reader": reader,
        "done": at.done,
        "total": at.total,
        "last": last,
        "display": [row[0] for row in shown],
        "finished": finished is not None,
    }
