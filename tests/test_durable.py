"""Writes are all or nothing, folders carry checksums, what is not ours is not replaced."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError


def test_a_failed_write_leaves_the_old_file_and_no_stray(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    durable.write_text(target, "old")
    with pytest.raises(ValueError), durable.replacing(target) as temporary:
        temporary.write_text("half")
        raise ValueError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_res_001(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught, durable.replacing(tmp_path / "a") as temporary:
        temporary.write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == "RES-001" and caught.value.exit_status == 6


def test_tables_write_missing_values_the_bids_way(tmp_path: Path) -> None:
    durable.write_table(tmp_path / "t.tsv", pd.DataFrame({"a": ["x", None], "b": [1.5, float("nan")]}))
    assert (tmp_path / "t.tsv").read_text() == "a\tb\nx\t1.5\nn/a\tn/a\n"
    assert durable.read_table(tmp_path / "t.tsv")["a"].isna().tolist() == [False, True]


def test_tables_with_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes(b"\xef\xbb\xbfparticipant_id\tgroup\r\nsub-1\thc\r\n")
    assert durable.read_table(tmp_path / "t.tsv").to_dict("list") == {"participant_id": ["sub-1"], "group": ["hc"]}


@pytest.mark.parametrize("damage", ["change", "remove", "add"])
def test_a_published_folder_is_verified(tmp_path: Path, damage: str) -> None:
    with durable.publishing(tmp_path / "m") as folder:
        (folder / "w.bin").write_bytes(b"abc")
        (folder / "c.json").write_text("{}")
    durable.verify(tmp_path / "m")
    if damage == "change":
        (tmp_path / "m/w.bin").write_bytes(b"abd")
    elif damage == "remove":
        (tmp_path / "m/w.bin").unlink()
    else:
        (tmp_path / "m/x.pkl").write_bytes(b"")
    with pytest.raises(TlesynthError) as caught:
        durable.verify(tmp_path / "m")
    assert caught.value.code == "CKP-001" and caught.value.exit_status == 5


def test_publishing_replaces_a_folder_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with durable.publishing(tmp_path / "m") as folder:
            (folder / f"{text}.txt").write_text(text)
    assert sorted(os.listdir(tmp_path / "m")) == ["manifest.json", "two.txt"]
    assert os.listdir(tmp_path) == ["m"]


def holding(folder: Path, *names: str) -> Path:
    """``folder`` with small files of these names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def test_what_was_never_published_is_not_replaced(tmp_path: Path) -> None:
    with durable.publishing(tmp_path / "noted") as folder:
        (folder / "a.txt").write_text("ours")
    (tmp_path / "file").write_text("mine")
    others = {
        holding(tmp_path / "photos", "one.jpg"): "holds one.jpg",
        holding(tmp_path / "deep", "x/y.txt"): "holds x/y.txt",
        holding(tmp_path / "noted", "notes.txt"): "holds notes.txt",
        holding(tmp_path / "broken", durable.MANIFEST, "a.txt"): "CFG-005",
        tmp_path / "file": "it is a file",
    }
    for place, words in others.items():
        before = durable.manifest_of(place)
        with pytest.raises(TlesynthError, match=words) as caught, durable.publishing(place) as folder:
            (folder / "a.txt").write_text("new")
        assert caught.value.code == "CFG-005" and caught.value.exit_status == 2
        assert durable.manifest_of(place) == before
    assert not [name for name in os.listdir(tmp_path) if name.startswith(durable.TEMPORARY)]


def test_what_is_empty_or_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    holding(tmp_path / "browsed", ".DS_Store")
    for place in (tmp_path / "empty", tmp_path / "browsed"):
        durable.require_replaceable(place, "film.json")
        with durable.publishing(place) as folder:
            (folder / "model.json").write_text("{}")
        durable.require_replaceable(place)
        with pytest.raises(TlesynthError, match="CFG-005.*holds model.json"):
            durable.require_replaceable(place, "film.json")


KILL = """
import os, signal, sys
from pathlib import Path
from tlesynth import durable
count = 0
def counted(function):
    def call(*args, **kwargs):
        global count
        if count == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return function(*args, **kwargs)
    return call
durable.os.fsync = counted(os.fsync); durable.os.replace = counted(os.replace)
durable.shutil.rmtree = counted(durable.shutil.rmtree)
folder = Path(sys.argv[1])
with durable.publishing(folder / "m") as temporary:
    (temporary / "a.txt").write_text("new"); (temporary / "b.txt").write_text("new")
"""


@pytest.mark.parametrize("point", range(0, 9, 2))
def test_a_kill_at_any_point_leaves_a_whole_folder_or_none(tmp_path: Path, point: int) -> None:
    child = subprocess.run([sys.executable, "-c", KILL, str(tmp_path), str(point)], check=False)
    assert child.returncode in (0, -signal.SIGKILL)
    durable.sweep(tmp_path)
    if (tmp_path / "m").exists():
        durable.verify(tmp_path / "m")
        assert (tmp_path / "m/a.txt").read_text() == "new"
    assert not [f for f in os.listdir(tmp_path) if f.startswith(".tmp-")]


@pytest.mark.parametrize("opened_by", [durable.sweep, lambda place: durable.verify(place / "m")], ids=["run", "reader"])
def test_a_kill_while_a_folder_is_replaced_leaves_the_old_one_or_the_new_one(
    tmp_path: Path, opened_by: Callable[[Path], None]
) -> None:
    found = []
    for point in range(7, 11):  # before, between and after the two renames
        place = tmp_path / str(point)
        with durable.publishing(place / "m") as folder:
            (folder / "a.txt").write_text("old")
        child = subprocess.run([sys.executable, "-c", KILL, str(place), str(point)], check=False)
        assert child.returncode == -signal.SIGKILL
        opened_by(place)
        durable.verify(place / "m")
        found.append((place / "m" / "a.txt").read_text())
        durable.sweep(place)
        assert os.listdir(place) == ["m"]
    assert found == ["old", "old", "new", "new"]


def test_publishing_where_another_was_killed_leaves_one_folder(tmp_path: Path) -> None:
    with durable.publishing(tmp_path / "m") as folder:
        (folder / "a.txt").write_text("old")
    os.replace(tmp_path / "m", tmp_path / f"{durable.ASIDE}m")
    with durable.publishing(tmp_path / "m") as folder:
        (folder / "a.txt").write_text("new")
    durable.verify(tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"] and (tmp_path / "m" / "a.txt").read_text() == "new"


def test_too_little_disk_is_refused_before_the_start(tmp_path: Path) -> None:
    durable.require_free(tmp_path / "not" / "there", 1)
    with pytest.raises(TlesynthError) as caught:
        durable.require_free(tmp_path, 10**18)
    assert caught.value.code == "RES-002"


def test_hashes_do_not_depend_on_key_order() -> None:
    assert durable.hash_of({"a": 1, "b": 2}) == durable.hash_of({"b": 2, "a": 1})


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        durable.write_json(tmp_path / "x.json", {"a": float("nan")})
    (tmp_path / "y.json").write_text("{")
    with pytest.raises(TlesynthError):
        durable.read_json(tmp_path / "y.json")
    durable.write_json(tmp_path / "z.json", {"é": 1})
    assert json.loads((tmp_path / "z.json").read_text()) == {"é": 1}
