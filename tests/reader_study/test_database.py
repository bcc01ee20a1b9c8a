"""The study's database: laws of the file itself."""

import sqlite3
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.database import NAME, in_memory, on_shared_disk, open_database, reading


def test_every_commit_goes_to_the_disk_and_rows_must_belong_together(tmp_path: Path) -> None:
    database = open_database(tmp_path, "s1")
    assert database.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert database.rows("PRAGMA synchronous")[0][0] == 2  # FULL
    assert database.rows("PRAGMA foreign_keys")[0][0] == 1
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("INSERT INTO trial VALUES ('nobody', 't', 0, 'case', NULL)")
    assert database.rows("SELECT count(*) FROM trial")[0][0] == 0
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path, "s1")
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute("INSERT INTO reader (reader) VALUES ('A')")
        1 / 0  # noqa: B018
    assert database.rows("SELECT count(*) FROM reader")[0][0] == 0


def test_another_study_or_a_link_is_refused(tmp_path: Path) -> None:
    open_database(tmp_path, "s1").close()
    with pytest.raises(TlesynthError, match="STUDY-021"):
        open_database(tmp_path, "s2")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / NAME).symlink_to(tmp_path / NAME)
    with pytest.raises(TlesynthError, match="STUDY-020"):
        open_database(elsewhere, "s1")


@pytest.mark.parametrize("damage", ["not a database", "page"])
def test_a_damaged_file_is_refused_and_the_last_copy_is_named(tmp_path: Path, damage: str) -> None:
    database = open_database(tmp_path, "s1")
    with database.transaction() as connection:
        connection.executemany("INSERT INTO reader (reader) VALUES (?)", [(f"reader {n}" * 4,) for n in range(500)])
    (tmp_path / "backups").mkdir()
    database.copy_to(tmp_path / "backups" / "20260101T000000Z.sqlite")
    database.close()
    content = bytearray((tmp_path / NAME).read_bytes())
    if damage == "page":
        content[4096 * 3 : 4096 * 9] = b"\xff" * (4096 * 6)
    else:
        content = bytearray(b"\0" * len(content))
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(TlesynthError, match="STUDY-020.*20260101T000000Z.sqlite") as caught:
        open_database(tmp_path, "s1")
    assert caught.value.exit_status == 5


def test_a_copy_is_a_whole_database(tmp_path: Path) -> None:
    database = open_database(tmp_path, "s1")
    database.tell("A", "login", "x")
    (tmp_path / "copy").mkdir()
    database.copy_to(tmp_path / "copy" / NAME)
    assert open_database(tmp_path / "copy", "s1").rows("SELECT who, what, detail FROM event")[0][:] == (
        "A",
        "login",
        "x",
    )


def test_reading_does_not_write_and_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="STUDY-011"), reading(tmp_path):
        pass
    open_database(tmp_path, "s1")
    with reading(tmp_path) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.tell("A", "login")


def test_events_are_only_added() -> None:
    database = in_memory()
    database.tell("A", "login")
    for sql in ("DELETE FROM event", "UPDATE event SET who = 'B'"):
        with pytest.raises(sqlite3.IntegrityError, match="only added"), database.transaction() as connection:
            connection.execute(sql)


def test_network_disks_are_recognised_by_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\ndisk /data/local ext4 rw 0 0\n")
    assert on_shared_disk(Path("/data/study/study.sqlite"), mounts)
    assert not on_shared_disk(Path("/data/local/study.sqlite"), mounts)
    assert not on_shared_disk(Path("/srv/study.sqlite"), mounts)
