"""Every write of ours: a temporary file in the same folder, fsync, rename, fsync of the folder.

A finished file is only ever replaced by a finished file, and a published folder carries the SHA-256 of each of its
files. Temporary files are siblings of their target because a rename across file systems is a copy, and a copy can be
cut in half.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlesynth.errors import fail

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
TEMPORARY = ".tmp-"
ASIDE = f"{TEMPORARY}old-"


@contextlib.contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a temporary sibling of ``path`` to write; publish it under ``path`` if the block ends well.

    The sibling keeps the suffixes of ``path``, since libraries choose their format by it.

    Raises:
        TlesynthError: RES-001 if the disk is full or cannot be written.
    """
    path = Path(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}"
    try:
        with disk_errors(path):
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` durably."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` durably, as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write ``table`` as TSV the BIDS way: tabs, UTF-8, ``n/a`` where a value is missing."""
    write_text(path, table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n"))


def read_table(path: Path) -> pd.DataFrame:
    """Read a TSV as text columns; ``n/a`` and empty cells become missing.

    Raises:
        TlesynthError: DATA-011 if the file is not there, DATA-001 if it cannot be read.
    """
    import pandas as pd

    if not path.is_file():
        raise fail("DATA-011", path)
    try:
        return pd.read_csv(path, sep="\t", dtype=str, na_values=["n/a"], keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise fail("DATA-001", path, str(error).splitlines()[0]) from error


def read_json(path: Path, code: str = "DATA-011") -> Any:
    """Read a JSON file, or raise ``code`` where it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise fail(code, path, "the file is missing") from error
    except (OSError, ValueError) as error:
        raise fail(code, path, str(error)) from error


@contextlib.contextmanager
def publishing(folder: Path) -> Generator[Path]:
    """Yield a temporary folder to fill; publish it as ``folder``, with a manifest, if the block ends well.

    A folder that stands is set aside for the moment of the change: a kill between the two renames leaves the old one
    there, and ``put_back`` makes it stand again.

    Raises:
        TlesynthError: CFG-005 if something stands there that was not published, RES-001 if the disk is full or cannot
            be written.
    """
    folder = Path(folder)
    require_replaceable(folder)
    temporary = folder.parent / f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{folder.name}"
    try:
        with disk_errors(folder):
            temporary.mkdir(parents=True)
            yield temporary
            write_json(temporary / MANIFEST, manifest_of(temporary))
            for file in temporary.rglob("*"):
                _sync(file)
            _sync(temporary)
            _take_place(temporary, folder)
            _sync(folder.parent)
            shutil.rmtree(_aside(folder), ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_own(folder: Path, *, own: bool, otherwise: str) -> None:
    """Refuse to write into somebody else's files; ``own`` says whether what stands there is ours.

    Raises:
        TlesynthError: CFG-005 if ``folder`` is a file, or holds anything and is not ours (``otherwise`` says so).
    """
    if folder.exists() and not folder.is_dir():
        raise fail("CFG-005", folder, "it is a file")
    if folder.is_dir() and any(folder.iterdir()) and not own:
        raise fail("CFG-005", folder, f"it is not empty{otherwise}")


def require_replaceable(folder: Path, mark: str = MANIFEST) -> None:
    """Refuse a folder that replacing would lose: a file, or one that holds what was never published with it.

    A published folder holds the files of its manifest, among them the ``mark`` of its kind. Hidden files, which file
    managers leave everywhere, are nobody's.

    Raises:
        TlesynthError: CFG-005 naming what would be lost.
    """
    if folder.exists() and not folder.is_dir():
        raise fail("CFG-005", folder, "it is a file")
    found = sorted(name for name in _files_below(folder) if not name.startswith("."))
    known = read_json(folder / MANIFEST, "CFG-005") if (folder / MANIFEST).is_file() else {}
    strange = [name for name in found if name not in known]
    if found and (strange or mark not in (MANIFEST, *known)):
        raise fail("CFG-005", folder, f"it would be replaced, but holds {(strange or found)[0]}")


def put_back(folder: Path) -> None:
    """Undo what a kill left half done in ``publishing``: ``folder`` is the one that was set aside, or the new one."""
    aside = _aside(folder)
    if not aside.is_dir():
        return
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # another process was faster, or nothing may be written here
            os.replace(aside, folder)


def _take_place(temporary: Path, folder: Path) -> None:
    """Make ``temporary`` the folder; once more where a reader has put the old one back meanwhile."""
    put_back(folder)
    if folder.exists():
        os.replace(folder, _aside(folder))
    try:
        os.replace(temporary, folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _take_place(temporary, folder)


def _aside(folder: Path) -> Path:
    """Where the old ``folder`` lies while the new one takes its place."""
    return folder.parent / f"{ASIDE}{folder.name}"


def manifest_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below ``folder``, by relative path; the manifest itself is left out."""
    return {name: sha256(folder / name) for name in _files_below(folder)}


def _files_below(folder: Path) -> list[str]:
    """What a manifest of ``folder`` lists: relative paths, in order."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != MANIFEST)
    return [f.relative_to(folder).as_posix() for f in files]


def verify(folder: Path, code: str = "CKP-001") -> None:
    """Check every file of ``folder`` against its manifest.

    Raises:
        TlesynthError: ``code`` if the manifest is missing or a file is missing, added or changed.
    """
    put_back(folder)
    listed = read_json(folder / MANIFEST, code)
    found = manifest_of(folder)
    for name in sorted(set(listed) | set(found)):
        if listed.get(name) != found.get(name):
            state = "missing" if name not in found else "not in the manifest" if name not in listed else "changed"
            raise fail(code, folder / name, f"the file is {state}")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(value: Any) -> str:
    """SHA-256 of a JSON-like value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def sweep(folder: Path) -> None:
    """Remove what a killed writer left behind in ``folder`` and below it; a folder it had set aside stands again."""
    for aside in list(folder.rglob(f"{ASIDE}*")):
        put_back(aside.with_name(aside.name.removeprefix(ASIDE)))
    for stray in list(folder.rglob(f"{TEMPORARY}*")):
        if stray.is_dir():
            shutil.rmtree(stray, ignore_errors=True)
        else:
            stray.unlink(missing_ok=True)


def require_free(folder: Path, needed: int) -> None:
    """Raise RES-002 unless ``needed`` bytes are free where ``folder`` is or will be."""
    existing = next(p for p in [folder.absolute(), *folder.absolute().parents] if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise fail("RES-002", folder, f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free")


@contextlib.contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Turn a full or unwritable disk, met while ``path`` is written in this block, into RES-001."""
    disk = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EFBIG, errno.ENOTDIR}
    try:
        yield
    except OSError as error:
        if error.errno not in disk:
            raise
        raise fail("RES-001", path, os.strerror(error.errno or 0)) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
