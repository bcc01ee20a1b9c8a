"""The truth of a study: one file beside it that no server reads, and the study holds its SHA-256 from the start."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.reader_study.study import STUDY, Study, Trial, own_id, seal

Origin = Literal["real", "synthetic"]


@dataclass(frozen=True)
class Truth:
    """What an item is, and which participant of which cohort it was made from."""

    origin: Origin
    group: str
    """hc or tle"""
    side: str | None
    source: str

    @property
    def diagnosis(self) -> str | None:
        """hc, left or right; nothing where the side of a patient is unknown."""
        return "hc" if self.group == "hc" else self.side

    @property
    def stratum(self) -> str:
        """hc, tle-left, tle-right or tle."""
        return f"{self.group}-{self.side}" if self.side else self.group


@dataclass(frozen=True)
class Key:
    """The key file. ``secret`` (hexadecimal) made the names and the orders; nobody can guess the file from its hash."""

    study: str
    secret: str
    items: dict[str, Truth]
    repeats: dict[str, str]
    """The trial that shows a case again, and the trial of the same reader that showed it first."""
    seal: str = ""
    """SHA-256 of what readers are asked (``study.seal``)."""

    def second_is_synthetic(self, trial: Trial) -> bool:
        """Of a pair, whether the second is the synthetic one."""
        return self.items[trial.items[1]].origin == "synthetic"


def key_beside(folder: Path) -> Path:
    """Where the key of a study lies unless told otherwise: ``STUDY.key.json``."""
    return Path(folder).with_name(Path(folder).name + ".key.json")


def encoded(key: Key) -> bytes:
    """The bytes of the key file."""
    return (json.dumps(asdict(key), indent=1) + "\n").encode()


def commitment(data: bytes) -> str:
    """What the study says of its key: SHA-256 of the file's bytes."""
    return hashlib.sha256(data).hexdigest()


def write_key(path: Path, data: bytes) -> None:
    """Write the key file so that only its owner can read it."""
    with (
        durable.replacing(path) as temporary,
        open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
    ):
        file.write(data)


def read_key(path: Path, study: Study) -> Key:
    """Read the key of ``study``.

    Raises:
        TlesynthError: STUDY-010 if it is missing, STUDY-005 if it is not the one the study was made with.
    """
    if not Path(path).is_file():
        raise fail("STUDY-010", path)
    data = Path(path).read_bytes()
    if commitment(data) != study.key_sha256:
        raise fail("STUDY-005", path, "its SHA-256 is not the one in study.json")
    found = json.loads(data)
    items = {item: Truth(**truth) for item, truth in found["items"].items()}
    return Key(found["study"], found["secret"], items, found["repeats"], found.get("seal", ""))


def require_unchanged(folder: Path, study: Study, trials: dict[str, tuple[Trial, ...]], key: Key) -> None:
    """Refuse a study whose questions, lists or name are not those it was made with.

    Raises:
        TlesynthError: STUDY-006 if they are not.
    """
    if seal(study, trials) != key.seal or study.id != own_id(key.study, rehearsal=study.rehearsal):
        raise fail("STUDY-006", Path(folder) / STUDY, "it, or the lists beside it, is not what create wrote")
