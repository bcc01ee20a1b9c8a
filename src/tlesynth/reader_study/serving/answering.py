"""What a reader says: answers, the end of the list, and the way out that leads back in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tlesynth.reader_study import answers, links
from tlesynth.reader_study.answers import Answer, Refused
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.study import ANATOMY

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
    anatomy: Annotated[int, Field(ge=0, le=len(ANATOMY))] = 0
    answered_at: Annotated[str, StringConstraints(max_length=40)] = ""
    revises: Annotated[int, Field(ge=0, le=1000)] = 0


def answering(house: House) -> APIRouter:
    """The routes that take answers."""
    router = APIRouter()

    @router.get("/api/trials/{trial}/answer")
    def given(trial: str, request: Request) -> dict[str, Any]:
        return _stands(house, house.reader(request), trial)

    @router.post("/api/trials/{trial}/answer")
    def answer(trial: str, given: Given, request: Request) -> dict[str, Any]:
        return _take(house, house.reader(request), trial, given)

    @router.post("/api/finish")
    def finish(request: Request) -> dict[str, Any]:
        reader = house.reader(request)
        answers.finish(house.database, reader)
        return house.state(reader)

    @router.post("/api/pause")
    def pause(request: Request) -> dict[str, str]:
        """End the session and hand out the link to come back with."""
        secret = links.issue(house.database, house.reader(request), house.door.lifetimes)
        house.door.leave(request)
        return {"link": f"/login#{secret}"}

    return router


def _take(house: House, reader: str, trial: str, given: Given) -> dict[str, Any]:
    asked = house.trial(reader, trial)
    allowed = set(house.study.choices) or {""}
    if given.choice not in allowed or any(region.item >= len(asked.items) for region in given.regions):
        raise Refused(422, "not understood: choice or regions")
    if (given.anatomy > 0) != bool(house.study.anatomy):
        raise Refused(422, "not understood: anatomy")
    said = given.model_dump(exclude={"revises", "regions"})
    answer = Answer(**said, regions=tuple(region.model_dump() for region in given.regions))
    receipt = answers.record(house.database, reader, trial, answer, given.revises)
    told = {"sequence": receipt.sequence, "version": receipt.version, "feedback": asked.feedback}
    return told | {"state": house.state(reader)}


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
        "anatomy": answer.anatomy,
    }
