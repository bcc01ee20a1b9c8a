"""A small study: phantoms on the 3 mm grid, half of them blurred, three readers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import ndimage

from tlesynth import durable
from tlesynth.reader_study import links
from tlesynth.reader_study.serving.app import house_of, study_app
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.study import (
    CHOICES,
    QUESTIONS,
    SCALES,
    Design,
    Study,
    Trial,
    item_path,
    write_study,
)
from tlesynth.reader_study.web.server import Address
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
ADDRESS = Address(port=8700)
HOST = "http://127.0.0.1:8700"
SURE = {"confidence": 6, "seconds": 1.5, "display": "webgl"}
MakeStudy = Callable[..., Path]


def write_small_study(
    folder: Path, design: Design = "yes-no", readers: int = 3, cases: int = 3, items: int = 4
) -> Path:
    """Write a study of ``items`` phantoms; every reader has one warm-up and ``cases`` further trials."""
    names = [f"{number:032x}" for number in range(items)]
    for number, name in enumerate(names):
        image = nib.Nifti1Image(phantom(number), GRID.affine)
        durable.write_bytes(item_path(folder, name), image.to_bytes())
    digests = {name: durable.sha256(item_path(folder, name)) for name in names}
    people = tuple(f"reader-{number}" for number in range(1, readers + 1))
    study = Study(
        "small", design, 0, "2026-01-01T00:00:00Z", GRID.name, GRID.shape, GRID.spacing, (0, 255), QUESTIONS[design],
        SCALES[design], CHOICES[design], people, digests, "0" * 64,
    )  # fmt: skip
    shown = 2 if design == "2afc" else 1
    write_study(folder, study, {reader: _list(reader, names, cases, shown) for reader in people})
    return folder


def _list(reader: str, names: list[str], cases: int, shown: int) -> tuple[Trial, ...]:
    def trial(place: int) -> Trial:
        items = tuple(names[(place + k) % len(names)] for k in range(shown))
        told = "a person" if place == 0 else None
        kind = "warm-up" if place == 0 else "case" if place < cases else "repeat"
        return Trial(durable.hash_of([reader, place])[:32], kind, items, told)

    return tuple(trial(place) for place in range(cases + 1))


def phantom(number: int) -> np.ndarray:
    """A head of ellipsoids in 8 bits (X, Y, Z); every second one is blurred."""
    x, y, z = GRID.world()
    brain = ((x / 66) ** 2 + ((y + 18) / 84) ** 2 + ((z - 12) / 62) ** 2 < 1).astype(np.float32)
    voxels = brain * (0.65 + 0.2 * np.sin(x / 7 + number) * np.cos(y / 8) * np.sin(z / 6))
    return (255 * ndimage.gaussian_filter(voxels, 1.2 * (number % 2))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def small_study() -> MakeStudy:
    """How a small study is written."""
    return write_small_study


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, made once."""
    return write_small_study(tmp_path_factory.mktemp("study") / "study")


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(written, tmp_path / "study"))


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    """The study behind its door."""
    house = house_of(folder, ADDRESS)
    yield house
    house.database.close()


@pytest.fixture
def enter(house: House) -> Callable[[str | None], TestClient]:
    """A client for a reader, for ``administrator``, or for nobody."""
    app = study_app(house)

    def entered(who: str | None) -> TestClient:
        client = TestClient(app, base_url=HOST)
        if who is not None:
            name = links.ADMINISTRATOR if who == "administrator" else who
            secret = links.issue(house.database, name, house.door.lifetimes)
            assert client.post("/api/login", json={"secret": secret}).status_code == 200
        return client

    return entered


@pytest.fixture(scope="session")
def read_one() -> Callable[..., dict[str, Any]]:
    """Look at the trial whose turn it is and answer it; the reply, and the trial."""
    return _read_one


def _read_one(client: TestClient, **answer: object) -> dict[str, Any]:
    trial = client.get("/api/state").json()["current"]
    assert client.get(f"/api/trials/{trial}/items/0/scan.nii").status_code == 200
    reply = client.post(f"/api/trials/{trial}/answer", json=SURE | answer)
    assert reply.status_code == 200, reply.text
    return reply.json() | {"trial": trial}
