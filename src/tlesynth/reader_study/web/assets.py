"""The pages' own files, served by name from a table: no path is ever made from what a client asks for."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import jinja2
from starlette.requests import Request
from starlette.responses import Response

from tlesynth import __version__

HOME = Path(__file__).parents[1]
STATIC, TEMPLATES = HOME / "static", HOME / "templates"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
WORTH_PACKING = 20_000
"""Bytes."""
KEPT_S = 3600
"""How long a browser may keep them; what belongs to a study is never kept."""


@functools.cache
def files() -> dict[str, Path]:
    """The files there are, by name."""
    return {path.name: path for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}


@functools.cache
def _packed(name: str) -> bytes:
    return gzip.compress(files()[name].read_bytes(), compresslevel=6, mtime=0)


def asset(name: str, request: Request) -> Response:
    """The file ``name``, packed where it is large and the browser can unpack; 404 where there is none."""
    if name not in files():
        return Response('{"error":"not found"}', 404, media_type="application/json")
    path = files()[name]
    headers = {"cache-control": f"private, max-age={KEPT_S}", "vary": "Accept-Encoding"}
    if path.stat().st_size > WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed(name), headers=headers | {"content-encoding": "gzip"}, media_type=TYPES[path.suffix])
    return Response(path.read_bytes(), headers=headers, media_type=TYPES[path.suffix])


@functools.cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def page(name: str, **values: object) -> Response:
    """A page made from its template; every value is escaped."""
    text = _templates().get_template(name).render(version=__version__, **values)
    return Response(text, media_type="text/html")
