"""The pages' files: a closed table, nothing from elsewhere, nothing inline."""

import hashlib
import re

import pytest
from starlette.requests import Request

from tlesynth.reader_study.web import assets

OURS = [
    path
    for path in sorted(assets.STATIC.iterdir())
    if path.suffix in {".js", ".css", ".svg"} and path.name != "niivue.js"
]
TEMPLATES = sorted(assets.TEMPLATES.glob("*.j2"))


def request(**headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": pairs, "method": "GET", "path": "/"})


@pytest.mark.parametrize(
    "name", ["../app.py", "..", "", "/etc/passwd", "style.css\0", "STYLE.CSS", "..\\app.py", "a" * 9000]
)
def test_names_that_are_not_in_the_table_are_not_found(name: str) -> None:
    assert assets.asset(name, request()).status_code == 404


def test_niivue_is_the_vendored_file_with_its_licence() -> None:
    licence = (assets.STATIC / "niivue.LICENSE.txt").read_text()
    digest = hashlib.sha256((assets.STATIC / "niivue.js").read_bytes()).hexdigest()
    assert digest in licence
    assert "0.69.0" in licence
    assert "BSD 2-Clause" in licence


def test_large_files_are_packed_for_browsers_that_can_unpack() -> None:
    packed = assets.asset("niivue.js", request(accept_encoding="gzip"))
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < 1_000_000 < len(assets.asset("niivue.js", request()).body)
    assert packed.headers["content-type"].startswith("text/javascript")


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_written_as_html() -> None:
    assert len(OURS) > 10 and len(TEMPLATES) > 5
    for path in (*OURS, *TEMPLATES):
        text = path.read_text()
        assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text), path.name
        written = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert not re.findall(written, text), path.name
        assert not re.findall(r"<style|\sstyle=|\son[a-z]+=[\"']|<script(?![^>]*\ssrc=)", text), path.name
        assert "|safe" not in text, path.name


def test_our_scripts_are_small() -> None:
    assert not [path.name for path in OURS if len(path.read_text().splitlines()) > 300]


def test_values_of_a_page_are_escaped() -> None:
    about = {"volumes": 1, "question": "<script>alert(1)</script>", "choices": {}, "rehearsal": False, "x": "\"'><b>"}
    text = bytes(assets.page("reading.html.j2", about=about).body).decode()
    assert "<script>alert" not in text
    assert "<b>" not in text
