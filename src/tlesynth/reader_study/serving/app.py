"""The app of one study: the bare app with the readers' and the administrator's routes."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from tlesynth.reader_study import answers, links
from tlesynth.reader_study.database import Database
from tlesynth.reader_study.links import Lifetimes
from tlesynth.reader_study.serving.administration import administration
from tlesynth.reader_study.serving.answering import answering
from tlesynth.reader_study.serving.house import House, open_house
from tlesynth.reader_study.serving.looking import looking
from tlesynth.reader_study.web.foundation import Door, bare_app
from tlesynth.reader_study.web.server import Address


def study_app(house: House, documented: bool = False) -> FastAPI:
    """The app that serves ``house``."""
    app = bare_app(house.door, "A reader study", documented)
    app.include_router(looking(house))
    app.include_router(answering(house))
    app.include_router(administration(house))
    return app


def house_of(folder: Path, address: Address, lifetimes: Lifetimes | None = None) -> House:
    """The study in ``folder`` behind a door at ``address``."""

    def door(database: Database) -> Door:
        return Door(database, address.hosts, address.secure, address.cookie, lifetimes or Lifetimes())

    return open_house(folder, door)


def invitations(house: House) -> dict[str, str]:
    """A new one-time link (its path) for the administrator and for each reader who is not finished.

    Those that an earlier start printed and nobody used end (``links.issue_all``).
    """
    waiting = [reader for reader in house.lists if not answers.progress(house.database, reader).locked]
    given = links.issue_all(house.database, [links.ADMINISTRATOR, *waiting], house.door.lifetimes)
    return {who or "administrator": f"/login#{secret}" for who, secret in given.items()}
