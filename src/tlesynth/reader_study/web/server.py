"""The process that listens: on this machine alone, unless the way to others is encrypted or someone says it is safe."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from tlesynth.errors import fail
from tlesynth.reader_study.web.guard import names_of

MOST_AT_ONCE = 512
IDLE_CONNECTION_S = 15
TLS, PLAIN = "https://", "http://"
MOST_HEADER_BYTES = 32 * 1024


@dataclass(frozen=True)
class Address:
    """Where to listen and how the outside sees it."""

    host: str = "127.0.0.1"
    port: int = 8700
    certificate: Path | None = None
    key: Path | None = None
    plain_http: bool = False
    """Others may read what is sent: someone has said that this is safe here."""
    names: tuple[str, ...] = ()
    """Further names (with port, where it is not the scheme's own) under which we are asked for, the one that links
    begin with first; ``https://NAME`` is that of a proxy which speaks TLS for us."""

    @property
    def secure(self) -> bool:
        """Whether the browser speaks TLS, with us or with a proxy before us."""
        return self.certificate is not None or any(name.startswith(TLS) for name in self.names)

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that are ours."""
        named = [name.removeprefix(TLS).removeprefix(PLAIN) for name in self.names]
        own = [f"{socket.gethostname()}:{self.port}"] if self.everywhere else []
        return names_of(self.host, self.port, [*named, *own], self.secure)

    @property
    def everywhere(self) -> bool:
        """Whether we listen on every address of this machine, so that none is ours by name."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104

    @property
    def url(self) -> str:
        """What a reader's link begins with."""
        if self.names and self.names[0].startswith((TLS, PLAIN)):
            return self.names[0]
        host = socket.gethostname() if self.everywhere else self.host
        shown = self.names[0] if self.names else f"{f'[{host}]' if ':' in host else host}:{self.port}"
        return f"{TLS if self.secure else PLAIN}{shown}"

    @property
    def cookie(self) -> str:
        """The name of our sessions' cookie."""
        return f"session-{self.port}"

    def check(self) -> None:
        """Refuse an address that would send answers in the clear, and a certificate that cannot be used.

        Raises:
            TlesynthError: STUDY-022, STUDY-023 or STUDY-024.
        """
        if wrong := [name for name in self.names if "/" in name.removeprefix(TLS).removeprefix(PLAIN)]:
            raise fail("STUDY-023", f"--name {wrong[0]}", "a name with its port, perhaps with https:// before it")
        if not (self.certificate or self.plain_http or _loopback(self.host)):
            raise fail("STUDY-022", self.host, "this is not the machine's own address, and there is no certificate")
        if (self.certificate is None) != (self.key is None):
            raise fail("STUDY-024", "", "--certificate and --key belong together")
        if self.certificate and self.key:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as error:
                raise fail("STUDY-024", self.certificate, str(error)) from error


def listening(address: Address) -> socket.socket:
    """A socket on ``address``; port 0 takes a free one.

    Raises:
        TlesynthError: STUDY-023 if the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address.host, address.port))
        found.listen()  # whoever opens a link before we answer waits instead of being refused
    except OSError as error:
        found.close()
        raise fail("STUDY-023", f"{address.host}:{address.port}", error.strerror or str(error)) from error
    return found


def serve(app: ASGIApp, address: Address, found: socket.socket) -> None:
    """Answer on ``found`` until a stop signal; requests that are being answered are answered first."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=IDLE_CONNECTION_S,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
    uvicorn.Server(config).run(sockets=[found])


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
