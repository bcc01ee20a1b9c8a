"""Where the server listens: at home, unless the way to others is safe."""

from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.web.server import Address, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_home_needs_nothing(host: str) -> None:
    Address(host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "study.example"])
def test_elsewhere_needs_tls_or_a_word(host: str) -> None:
    with pytest.raises(TlesynthError, match="STUDY-022") as caught:
        Address(host).check()
    assert caught.value.exit_status == 2
    Address(host, plain_http=True).check()


def test_a_certificate_comes_with_its_key_and_both_are_read(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="STUDY-024"):
        Address("0.0.0.0", certificate=tmp_path / "cert.pem").check()
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(TlesynthError, match="STUDY-024"):
        Address("0.0.0.0", certificate=tmp_path / "cert.pem", key=tmp_path / "cert.pem").check()


def test_a_taken_port_is_told() -> None:
    with listening(Address(port=0)) as first, pytest.raises(TlesynthError, match="STUDY-023"):
        listening(Address(port=first.getsockname()[1]))


def test_links_begin_with_the_name_that_readers_use() -> None:
    assert Address().url == "http://127.0.0.1:8700"
    assert Address("::1", 8701).url == "http://[::1]:8701"
    assert Address(names=("study.lab",)).url == "http://study.lab"
    assert Address("0.0.0.0", 443, Path("c"), Path("k"), names=("study.lab",)).url == "https://study.lab"
    assert Address(port=1).cookie != Address(port=2).cookie


def test_a_proxy_that_speaks_tls_for_us_is_named_with_its_scheme() -> None:
    behind = Address(plain_http=True, names=("https://study.lab.example",))
    behind.check()
    assert (behind.url, behind.secure) == ("https://study.lab.example", True)
    assert "study.lab.example" in behind.hosts
    assert not Address(plain_http=True, names=("study.lab.example",)).secure
    with pytest.raises(TlesynthError, match="STUDY-022"):
        Address("0.0.0.0", names=("https://study.lab.example",)).check()  # others could still ask us without the proxy
    with pytest.raises(TlesynthError, match="STUDY-023"):
        Address(names=("https://lab.example/study",)).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_link_with_the_machines_own_name_is_answered(host: str) -> None:
    address = Address(host, 8700, plain_http=True)
    assert address.everywhere and address.url.removeprefix("http://").lower() in address.hosts
    assert not Address("192.168.1.4", plain_http=True).everywhere
