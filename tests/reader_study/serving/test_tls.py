"""Over TLS, with a certificate of its own: a reader logs in and looks, and nothing is said in the clear."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.study import read_study
from tlesynth.reader_study.web.server import Address

from ..browsing import served

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="no openssl on this machine")
NEW_KEY = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
NAMES = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two self-signed certificates, ``one`` and ``two``, with their keys."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("one", "two"):
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run([str(OPENSSL), *NEW_KEY, *NAMES, *files], check=True, capture_output=True)
    return folder


def test_a_key_of_another_certificate_is_refused(certificates: Path) -> None:
    Address("0.0.0.0", certificate=certificates / "one.pem", key=certificates / "one.key").check()
    with pytest.raises(TlesynthError, match="STUDY-024"):
        Address("0.0.0.0", certificate=certificates / "one.pem", key=certificates / "two.key").check()


def test_a_reader_reads_over_tls_and_the_cookie_is_for_tls_alone(certificates: Path, folder: Path) -> None:
    pem, key = certificates / "one.pem", certificates / "one.key"
    with served("study", "serve", str(folder), "--certificate", str(pem), "--key", str(key)) as links:
        base, secret = links["reader-1"].split("/login#")
        assert base.startswith("https://127.0.0.1:")
        with httpx.Client(base_url=base, verify=ssl.create_default_context(cafile=str(pem))) as client:
            reply = client.post("/api/login", json={"secret": secret}, headers={"origin": base})
            assert reply.status_code == 200
            assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(reply.headers["set-cookie"].split("; "))
            assert "max-age" in reply.headers["strict-transport-security"]
            plain = {"origin": base.replace("https", "http")}
            assert client.post("/api/pause", json={}, headers=plain).status_code == 403
            trial = client.get("/api/state").json()["current"]
            scan = client.get(f"/api/trials/{trial}/items/0/scan.nii").content
            assert len(scan) == 352 + 56 * 68 * 56 and read_study(folder).shape == (56, 68, 56)
        with pytest.raises(httpx.ConnectError, match="(?i)certificate"):
            httpx.get(base)
        with pytest.raises(httpx.TransportError):
            httpx.get(base.replace("https", "http"))
