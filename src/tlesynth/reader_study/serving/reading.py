"""A reader's routes. Who asks is known from the session alone, so that no request can name another reader."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import RedirectResponse, Response

from tlesynth.reader_study import answers, links
from tlesynth.reader_study.answers import Answer, Refused
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.web.assets import page
from tlesynth.reader_study.web.guard import COOKIE

MOST_REGIONS = 50
Millimetres = Annotated[float, Field(ge=-300, le=300, allow_inf_nan=False)]


class Region(BaseModel):
    """A suspicious point: of the first or second scan, in mm."""

    model_config = ConfigDict(extra="forbid", strict=True)
    item: Annotated[int, Field(ge=0, le=1)]
    x: Millimetres
    y: Millimetres
    z: Millimetres


class Given(BaseModel):
    """An answer as the page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    choice: Annotated[str, StringConstraints(max_length=64)] = ""
    confidence: Annotated[int, Field(ge=1, le=6)]
    seconds: Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
    display: Literal["webgl", "slices"]
    regions: Annotated[list[Region], Field(max_length=MOST_REGIONS)] = []
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""
    recognised: bool = False
    answered_at: Annotated[str, StringConstraints(max_length=40)] = ""
    revises: Annotated[int, Field(ge=0, le=1000)] = 0


def reading(house: House) -> APIRouter:
    """The routes of readers."""
    router = APIRouter()

    def reader_of(request: Request) -> str:
        who = house.door.who(request)
        if who == links.ADMINISTRATOR:
            raise Refused(404, "not found")
        return who

    @router.get("/", include_in_schema=False)
    def reading_page(request: Request) -> Response:
        try:
            who = house.door.who(request)
        except Refused:
            return RedirectResponse("/login", 303)
        if who == links.ADMINISTRATOR:
            return RedirectResponse("/administrator", 303)
        return page("reading.html.j2", about=house.about())

    @router.get("/api/study")
    def study(request: Request) -> dict[str, Any]:
        reader_of(request)
        return house.about()

    @router.get("/api/state")
    def state(request: Request) -> dict[str, Any]:
        return _state(house, reader_of(request))

    @router.get("/api/trials/{trial}/items/{place}/scan.nii")
    def scan(trial: str, place: int, request: Request) -> Response:
        item = house.shown(reader_of(request), trial, place)
        return Response(house.items.content(item), media_type="application/octet-stream")

    @router.get("/api/trials/{trial}/items/{place}/{plane}/{index}.png")
    def picture(
        trial: str,
        place: int,
        plane: str,
        index: int,
        request: Request,
        low: Annotated[int, Query(ge=0, le=254)] = 0,
        high: Annotated[int, Query(ge=1, le=255)] = 255,
    ) -> Response:
        png = house.items.picture(house.shown(reader_of(request), trial, place), plane, index, low, high)
        if png is None:
            raise Refused(404, "not found")
        return Response(png, media_type="image/png")

    @router.get("/api/trials/{trial}/answer")
    def given(trial: str, request: Request) -> dict[str, Any]:
        return _stands(house, reader_of(request), trial)

    @router.post("/api/trials/{trial}/answer")
    def answer(trial: str, given: Given, request: Request) -> dict[str, Any]:
        return _take(house, reader_of(request), trial, given)

    @router.post("/api/finish")
    def finish(request: Request) -> dict[str, Any]:
        reader = reader_of(request)
        answers.finish(house.database, reader)
        return _state(house, reader)

    @router.post("/api/pause")
    def pause(request: Request) -> dict[str, str]:
        """End the session and hand out the link to come back with."""
        reader = reader_of(request)
        secret = links.issue(house.database, reader, house.door.lifetimes)
        links.leave(house.database, request.cookies[COOKIE])
        return {"link": f"/login#{secret}"}

    return router


def _state(house: House, reader: str) -> dict[str, Any]:
    """Where the reader is. Which trials are repeats is not told."""
    at, trials = answers.progress(house.database, reader), house.lists[reader]
    current = next((trial for trial in trials if trial.trial == at.current), None)
    return {
        "done": at.done,
        "total": at.total,
        "current": at.current,
        "practice": current is not None and current.kind == "warm-up",
        "answered": [trial.trial for trial in trials[: at.done] if trial.kind != "warm-up"],
        "locked": at.locked,
    }


def _take(house: House, reader: str, trial: str, given: Given) -> dict[str, Any]:
    asked = house.trial(reader, trial)
    allowed = set(house.study.choices) or {""}
    if given.choice not in allowed or any(region.item >= len(asked.items) for region in given.regions):
        raise Refused(422, "not understood: choice or regions")
    said = given.model_dump(exclude={"revises", "regions"})
    answer = Answer(**said, regions=tuple(region.model_dump() for region in given.regions))
    receipt = answers.record(house.database, reader, trial, answer, given.revises)
    return {"sequence": receipt.sequence, "version": receipt.version, "feedback": asked.feedback} | {
        "state": _state(house, reader)
    }


def _stands(house: House, reader: str, trial: str) -> dict[str, Any]:
    house.trial(reader, trial)
    found = house.latest(reader, trial)
    if found is None:
        raise Refused(404, "not found")
    answer, version = found
    return {
        "version": version,
        "choice": answer.choice,
        "confidence": answer.confidence,
        "regions": [dict(region) for region in answer.regions],
        "comment": answer.comment,
        "recognised": answer.recognised,
    }
