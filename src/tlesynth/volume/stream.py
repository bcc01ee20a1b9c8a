"""The bytes of a volume's file: what it looks like, gzip checked to its last byte, and whether it stood still.

Python's gzip module takes bytes after the last member for damage, and libraries that stop where the header says never
reach the checksum; here a member ends with its checksum and length, and what follows is counted.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from tlesynth.errors import TlesynthError, fail

T = TypeVar("T")
LARGEST_TAIL = 1 << 20
"""Bytes of something else that may follow the gzip data."""
CHUNK = 1 << 18
GZIP = b"\x1f\x8b"
LOOKS_LIKE = (
    (0, b"PK\x03\x04", "a zip archive: unpack it"),
    (0, b"7z\xbc\xaf", "a 7z archive: unpack it"),
    (257, b"ustar", "a tar archive: unpack it"),
    (128, b"DICM", "a DICOM file: convert its series with dcm2niix"),
    (0, b"\x00\x00\x00\x01\x00\x00", "a FreeSurfer MGH volume: convert it with mri_convert"),
    (0, b"\x89HDF", "an HDF5 or MINC file"),
    (0, b"CDF", "a NetCDF or MINC file"),
    (0, b"NRRD", "an NRRD file"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
)


class Plain:
    """An uncompressed file as a stream; ``extra`` counts what follows the data, which is nothing here."""

    extra = 0

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, most: int) -> bytearray:
        """Up to ``most`` bytes; fewer only at the end."""
        return bytearray(self.file.read(most))


class Packed:
    """A gzip file of one or more members as a stream; ``extra`` counts the bytes after the last of them."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path, self.pending = file, path, b""
        self.extra, self.ended = 0, False
        self.unpacker = zlib.decompressobj(wbits=31)

    def read(self, most: int) -> bytearray:
        """Up to ``most`` bytes; fewer only at the end.

        Raises:
            TlesynthError: NII-002 if a member is cut off, NII-003 if it is damaged, NII-013 if much else follows it.
        """
        data = bytearray()
        while len(data) < most and not self.ended:
            self.pending = self.pending or self.file.read(CHUNK)
            last = not self.pending
            try:
                part = self.unpacker.decompress(self.pending, most - len(data))
            except zlib.error as error:
                raise fail("NII-003", self.path, str(error).rpartition(": ")[2]) from error
            data += part
            self.pending = self.unpacker.unconsumed_tail
            if self.unpacker.eof:
                self._after(self.unpacker.unused_data)
            elif last and not part:
                raise fail("NII-002", self.path, "the gzip stream ends too early")
        return data

    def _after(self, rest: bytes) -> None:
        """Go on with the next member, or count what follows the last."""
        rest += self.file.read(CHUNK) if len(rest) < len(GZIP) else b""
        if rest.startswith(GZIP):
            self.pending, self.unpacker = rest, zlib.decompressobj(wbits=31)
            return
        self.ended = True
        rest += self.file.read(LARGEST_TAIL + 1)
        if len(rest) > LARGEST_TAIL:
            raise fail("NII-013", self.path, "more than a megabyte of something else follows the gzip data")
        self.extra = len(rest) if rest.strip(b"\0") else 0


@contextmanager
def opened(path: Path) -> Generator[Plain | Packed]:
    """The content of a volume's file as a stream, once it looks like one.

    Raises:
        TlesynthError: NII-001 empty, NII-005 name and content disagree, NII-006 another kind of file, NII-007 not a
            regular file, NII-008 unreadable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise fail("NII-007", path)
        if status.st_size == 0:
            raise fail("NII-001", path)
        with open(path, "rb") as file:
            start = file.read(512)
            _refuse_others(start, path)
            file.seek(0)
            yield Packed(file, path) if start.startswith(GZIP) else Plain(file)
    except OSError as error:
        raise _unreadable(path, error) from error


def _refuse_others(start: bytes, path: Path) -> None:
    compressed = start.startswith(GZIP)
    if path.suffix.lower() == ".mgz":
        raise fail("NII-006", path, "it looks like a FreeSurfer MGZ volume: convert it with mri_convert")
    name = "" if compressed else looks_like(start)
    if name:
        raise fail("NII-006", path, f"it looks like {name}")
    if compressed != path.name.endswith(".gz"):
        raise fail("NII-005", path, "the content is gzip" if compressed else "the content is not gzip")


def looks_like(start: bytes | bytearray) -> str:
    """What the first 512 bytes of a file look like that is no NIfTI, or nothing."""
    if start.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer: run git lfs pull"
    if b"/annex/objects" in start[:128]:
        return "a git-annex pointer: run datalad get"
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML or XML page"
    return next((name for place, mark, name in LOOKS_LIKE if start[place:].startswith(mark)), "")


def _unreadable(path: Path, error: OSError) -> TlesynthError:
    if path.is_symlink() and not path.exists():
        if "annex" in os.readlink(path):
            return fail("NII-006", path, "it looks like a git-annex link without its content: run datalad get")
        return fail("NII-008", path, f"it is a link to nothing ({error.strerror})")
    return fail("NII-008", path, error.strerror or str(error))


def settled(path: Path, action: Callable[[Path], T]) -> T:
    """``action(path)`` on a file that stood still meanwhile; one that changed is read once more.

    Raises:
        TlesynthError: NII-029 if the file changed both times, or what ``action`` raises.
    """
    for _ in range(2):
        before, refused = _stamp(path), None
        try:
            result = action(path)
        except TlesynthError as error:
            refused = error
        if _stamp(path) == before:
            if refused is not None:
                raise refused
            return result
    raise fail("NII-029", path)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
