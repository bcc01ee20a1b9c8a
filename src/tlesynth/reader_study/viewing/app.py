"""The app of ``tlesynth view``: behind a link like the reader study, since cohorts may be of people."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from tlesynth.reader_study import links
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.database import in_memory
from tlesynth.reader_study.viewing.gallery import Gallery, Shelf, nifti
from tlesynth.reader_study.web.assets import page
from tlesynth.reader_study.web.foundation import Door, bare_app
from tlesynth.reader_study.web.server import Address
from tlesynth.reader_study.web.slices import Wanted

VIEWER = "viewer"
HOURS = 12.0
LEAST_TOP, TOP_SHARE = 0.02, 99.9
"""The colour scale of a difference ends at this percentile of its size, and never below this."""

Side = tuple[str, str]


def gallery_app(gallery: Gallery, address: Address, documented: bool = False) -> tuple[FastAPI, Door]:
    """The app that shows ``gallery``, and its door; it keeps nothing but its sessions, in memory."""
    rest = links.Lifetimes(link=HOURS * 3600, idle=HOURS * 3600, session=HOURS * 3600)
    door = Door(in_memory(), address.hosts, address.secure, address.cookie, rest)
    app = bare_app(door, "A cohort to look at", documented)
    shelf = Shelf(gallery)
    app.include_router(_pages(gallery, door))
    app.include_router(_scans(shelf, door))
    app.include_router(_differences(shelf, door))
    return app, door


def invitation(door: Door) -> str:
    """The path of a one-time link."""
    return f"/login#{links.issue(door.database, VIEWER, door.lifetimes)}"


def _pages(gallery: Gallery, door: Door) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def shown(request: Request, name: str, **values: Any) -> Response:
        try:
            door.who(request)
        except Refused:
            return RedirectResponse("/login", 303)
        titles = {which: cohort.root.resolve().name for which, cohort in gallery.cohorts.items()}
        return page(name, titles=titles, frames=gallery.frames, **values)

    @router.get("/")
    def gallery_page(request: Request) -> Response:
        return shown(request, "gallery.html.j2", cards=gallery.cards())

    @router.get("/compare")
    def compare_page(request: Request) -> Response:
        grid = gallery.grid
        about = {"shape": grid.shape, "spacing": grid.spacing, "origin": grid.origin, "window": [0, 255], "volumes": 2}
        ids = {which: cohort.ids for which, cohort in gallery.cohorts.items()}
        return shown(request, "compare.html.j2", about=about, ids=ids)

    @router.get("/film")
    def film_page(request: Request) -> Response:
        return shown(request, "film.html.j2")

    return router


def _scans(shelf: Shelf, door: Door) -> APIRouter:
    router = APIRouter()

    def known(request: Request, which: str, participant: str) -> Side:
        door.who(request)
        return _known(shelf, which, participant)

    @router.get("/api/scans/{which}/{participant}/thumbnail.webp")
    def thumbnail(which: str, participant: str, request: Request) -> Response:
        return Response(shelf.thumbnail(*known(request, which, participant)), media_type="image/webp")

    @router.get("/api/scans/{which}/{participant}/scan.nii")
    def scan(which: str, participant: str, request: Request) -> Response:
        voxels = shelf.bytes_of(*known(request, which, participant))
        return Response(nifti(voxels, shelf.gallery.grid), media_type="application/octet-stream")

    @router.get("/api/scans/{which}/{participant}/{plane}/{index}.png")
    def picture(which: str, participant: str, wanted: Wanted, request: Request) -> Response:
        return wanted.of(shelf.bytes_of(*known(request, which, participant)))

    @router.get("/api/film/{number}.webp")
    def frame(number: int, request: Request) -> Response:
        door.who(request)
        if not 0 <= number < len(shelf.gallery.frames):
            raise Refused(404, "not found")
        return Response(shelf.frame(number), media_type="image/webp")

    return router


def _differences(shelf: Shelf, door: Door) -> APIRouter:
    router = APIRouter(prefix="/api/differences/{which}/{participant}/{other}/{compared}")

    def change(request: Request, left: Side, right: Side) -> np.ndarray:
        door.who(request)
        return shelf.difference(_known(shelf, *left), _known(shelf, *right))

    @router.get("/about")
    def about(which: str, participant: str, other: str, compared: str, request: Request) -> dict[str, float]:
        return {"top": _top(change(request, (which, participant), (other, compared)))}

    @router.get("/difference.nii")
    def difference(which: str, participant: str, other: str, compared: str, request: Request) -> Response:
        found = change(request, (which, participant), (other, compared)).astype(np.float32)
        return Response(nifti(found, shelf.gallery.grid), media_type="application/octet-stream")

    @router.get("/{plane}/{index}.png")
    def picture(which: str, participant: str, other: str, compared: str, wanted: Wanted, request: Request) -> Response:
        found = change(request, (which, participant), (other, compared))
        return wanted.overlaid(shelf.bytes_of(other, compared), found, _top(found))

    return router


def _known(shelf: Shelf, which: str, participant: str) -> Side:
    if not shelf.gallery.has(which, participant):
        raise Refused(404, "not found")
    return which, participant


def _top(change: np.ndarray) -> float:
    """Where the colours end."""
    size = np.abs(change[change != 0])
    return float(max(LEAST_TOP, np.percentile(size, TOP_SHARE))) if size.size else LEAST_TOP
