"""``study serve`` and ``view``: pages in a browser, on this machine alone unless asked otherwise."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlesynth.progress import say

if TYPE_CHECKING:
    from tlesynth.reader_study.web.server import Address

Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Certificate = Annotated[Path | None, typer.Option("--certificate", help="TLS certificate (PEM).")]
Key = Annotated[Path | None, typer.Option("--key", help="Key of the certificate (PEM).")]
PlainHttp = Annotated[
    bool, typer.Option("--plain-http", help="Answer other machines without TLS: only behind a proxy that has it.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="Name (and port) that readers know this server by; https://NAME: a proxy speaks TLS."),
]


def serve(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder that study create wrote.")],
    host: Host = "127.0.0.1",
    port: Port = 8700,
    certificate: Certificate = None,
    key: Key = None,
    plain_http: PlainHttp = False,
    names: Names = None,
    idle_minutes: Annotated[float, typer.Option("--idle-minutes", min=1, help="A session ends after this rest.")] = 30,
) -> None:
    """Serve a reader study; prints a one-time link for each reader who is not finished, and the administrator's.

    Links of an earlier start that nobody used end; one that a reader got at a pause stays good.
    """
    from tlesynth.locking import holding
    from tlesynth.reader_study.links import Lifetimes
    from tlesynth.reader_study.serving.app import house_of, invitations, study_app
    from tlesynth.reader_study.serving.copies import keep_copying
    from tlesynth.reader_study.web import server

    _log()
    address = _address(host, port, certificate, key, plain_http, names)
    with holding(study, code="STUDY-025"):
        found = server.listening(address)
        address = replace(address, port=found.getsockname()[1])
        house = house_of(study, address, Lifetimes(idle=60 * idle_minutes))
        stop = keep_copying(house.database, study)
        _hint(address)
        for who, path in invitations(house).items():
            typer.echo(f"{who}\t{address.url}{path}")
        try:
            server.serve(study_app(house), address, found)
        finally:
            stop.set()
            house.database.close()


def view(
    cohort: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT", help="Cohort on the grid (prepared, synthetic, rebuilt), or a run: its scans and theirs."
        ),
    ],
    beside: Annotated[
        Path | None, typer.Option("--beside", help="Another cohort to compare with, such as its reconstructions.")
    ] = None,
    film: Annotated[
        Path | None, typer.Option("--film", help="Film of the reverse process; COHORT/../film if left out.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8710,
    certificate: Certificate = None,
    key: Key = None,
    plain_http: PlainHttp = False,
    names: Names = None,
) -> None:
    """Look at a cohort in the browser: a gallery, two volumes side by side, the film of the reverse process.

    Example: tlesynth view my_run/derivatives --beside my_run/reconstructions (or just: tlesynth view my_run)
    """
    from tlesynth.reader_study.viewing.app import gallery_app, invitation
    from tlesynth.reader_study.viewing.gallery import of_run, open_gallery
    from tlesynth.reader_study.web import server

    _log()
    address = _address(host, port, certificate, key, plain_http, names)
    cohort, beside = of_run(cohort, beside)
    gallery = open_gallery(cohort, beside, film)
    found = server.listening(address)
    address = replace(address, port=found.getsockname()[1])
    app, door = gallery_app(gallery, address)
    _hint(address)
    typer.echo(f"{address.url}{invitation(door)}")
    server.serve(app, address, found)


def _address(
    host: str, port: int, certificate: Path | None, key: Path | None, plain_http: bool, names: list[str] | None
) -> Address:
    from tlesynth.reader_study.web.server import Address

    address = Address(host, port, certificate, key, plain_http, tuple(names or ()))
    address.check()
    return address


def _hint(address: Address) -> None:
    """Say what the links need where they begin with a name that only this machine may know."""
    if address.everywhere and not address.names:
        say(
            f"note: the links below name this machine as it names itself ({address.url}); if readers' machines know it "
            "by another name or address, start again with --name NAME:PORT, or https://NAME behind a proxy with TLS"
        )


def _log() -> None:
    """What goes wrong while serving, on stderr; requests are not logged."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
