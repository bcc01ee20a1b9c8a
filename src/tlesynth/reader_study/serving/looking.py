"""What a reader is shown. Who asks is known from the session alone, so that no request can name another reader."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tlesynth.reader_study import links
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.web.assets import page
from tlesynth.reader_study.web.slices import Wanted


def looking(house: House) -> APIRouter:
    """The routes that show: the page, the study's words, how far the reader is, and the scans."""
    router = APIRouter()

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
        house.reader(request)
        return house.about()

    @router.get("/api/state")
    def state(request: Request) -> dict[str, Any]:
        return house.state(house.reader(request))

    @router.get("/api/trials/{trial}/items/{place}/scan.nii")
    def scan(trial: str, place: int, request: Request) -> Response:
        item = house.shown(house.reader(request), trial, place)
        return Response(house.items.content(item), media_type="application/octet-stream")

    @router.get("/api/trials/{trial}/items/{place}/{plane}/{index}.png")
    def picture(trial: str, place: int, wanted: Wanted, request: Request) -> Response:
        return wanted.of(house.items.voxels(house.shown(house.reader(request), trial, place)))

    return router
