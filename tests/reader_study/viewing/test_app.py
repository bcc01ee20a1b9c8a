"""The pages and volumes of ``tlesynth view``, for whoever has its link."""

import io
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tlesynth.reader_study.viewing.app import gallery_app, invitation
from tlesynth.reader_study.viewing.gallery import open_gallery
from tlesynth.reader_study.web.server import Address

SCAN, PAIR = "/api/scans/cohort/sub-A1", "/api/differences/cohort/sub-A1/beside/sub-A1"


@pytest.fixture(scope="module")
def clients(run: Path) -> tuple[TestClient, TestClient]:
    """With the link, and without."""
    app, door = gallery_app(open_gallery(run / "derivatives", run / "changed"), Address(port=8710))
    inside, outside = (TestClient(app, base_url="http://127.0.0.1:8710") for _ in range(2))
    secret = invitation(door).split("#")[1]
    assert inside.post("/api/login", json={"secret": secret}).status_code == 200
    return inside, outside


def test_the_gallery_shows_every_scan(clients: tuple[TestClient, TestClient]) -> None:
    text = clients[0].get("/").text
    assert [text.count(f"<b>sub-A{number}</b>") for number in (1, 2, 3)] == [1, 1, 1]
    assert 'data-group="tle" data-side="left"' in text
    assert "/compare?left=cohort:sub-A1&amp;right=beside:sub-A1" in text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{SCAN}/thumbnail.webp", "image/webp"),
        (f"{SCAN}/scan.nii", "application/octet-stream"),
        (f"{SCAN}/coronal/30.png?low=10&high=90", "image/png"),
        (f"{PAIR}/about", "application/json"),
        (f"{PAIR}/difference.nii", "application/octet-stream"),
        (f"{PAIR}/axial/20.png", "image/png"),
        ("/api/film/0.webp", "image/webp"),
        ("/compare", "text/html; charset=utf-8"),
        ("/film", "text/html; charset=utf-8"),
    ],
)
def test_what_there_is_is_shown_with_the_link_alone(
    clients: tuple[TestClient, TestClient], path: str, kind: str
) -> None:
    reply = clients[0].get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
    without = clients[1].get(path, follow_redirects=False)
    assert without.status_code == (401 if path.startswith("/api") else 303)


@pytest.mark.parametrize(
    "path",
    [
        "/api/scans/cohort/sub-none/scan.nii",
        "/api/scans/other/sub-A1/scan.nii",
        "/api/scans/cohort/..%2f..%2fetc/scan.nii",
        "/api/scans/beside/sub-A2/thumbnail.webp",
        f"{SCAN}/coronal/68.png",
        f"{SCAN}/oblique/1.png",
        f"{PAIR}/axial/-1.png",
        "/api/film/3.webp",
        "/api/film/-1.webp",
    ],
)
def test_what_there_is_not_is_not_found(clients: tuple[TestClient, TestClient], path: str) -> None:
    assert clients[0].get(path).status_code == 404


def test_the_colours_of_a_difference_end_where_it_says(clients: tuple[TestClient, TestClient]) -> None:
    assert clients[0].get(f"{PAIR}/about").json()["top"] == pytest.approx(0.125, abs=1e-3)
    same = "/api/differences/cohort/sub-A1/cohort/sub-A2"
    assert clients[0].get(f"{same}/about").json() == {"top": 0.02}
    image = np.asarray(Image.open(io.BytesIO(clients[0].get(f"{same}/axial/28.png").content)))
    assert (image[..., 0] == image[..., 2]).all()  # nothing differs, nothing is coloured
