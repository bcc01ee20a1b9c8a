"""Rows are appended once each; a file for other input is begun anew; a stop request loses nothing."""

import errno
from pathlib import Path

import numpy as np
import pytest

from tlesynth import interruption
from tlesynth.autoencoder.latent_file import Unfinished
from tlesynth.errors import TlesynthError

SHAPE = (3, 2, 3, 2)


def row_of(row: int) -> np.ndarray:
    return np.full((2, 2, *SHAPE), row / 8, np.float32)


def growing(tmp_path: Path, key: str = "a") -> Unfinished:
    return Unfinished(tmp_path / "latents", 5, SHAPE, key)


def test_the_file_is_one_array_that_maps(tmp_path: Path) -> None:
    path = growing(tmp_path).write(iter(range(5)), row_of)
    array = np.load(path, mmap_mode="r")
    assert array.shape == (5, 2, 2, *SHAPE) and array.dtype == np.float16
    assert array[:, 0, 0, 0, 0, 0, 0].tolist() == [0, 0.125, 0.25, 0.375, 0.5]
    assert path.stat().st_size < 5 * 2 * 2 * np.prod(SHAPE) * 2 + 200


def test_a_stop_request_keeps_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def stopped(row: int) -> np.ndarray:
        made.append(row)
        if row == 2:
            monkeypatch.setattr(interruption, "requested", lambda: True)
        return row_of(row)

    with pytest.raises(TlesynthError, match="OPS-075"):
        growing(tmp_path).write(iter(range(5)), stopped)
    monkeypatch.undo()
    path = growing(tmp_path).write(iter(range(5)), lambda row: made.append(row) or row_of(row))
    assert made == [0, 1, 2, 3, 4]
    assert np.load(path)[:, 0, 0, 0, 0, 0, 0].tolist() == [0, 0.125, 0.25, 0.375, 0.5]


def test_a_disk_that_is_full_from_the_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(TlesynthError, match="RES-001") as caught:
        growing(tmp_path).write(iter(range(5)), row_of)
    assert caught.value.exit_status == 6


def test_other_input_begins_anew(tmp_path: Path) -> None:
    growing(tmp_path).write(iter(range(5)), row_of)
    path = growing(tmp_path, "b").write(iter(range(5)), lambda row: row_of(7 - row))
    assert np.load(path)[0, 0, 0, 0, 0, 0, 0] == 0.875
    growing(tmp_path, "b").clear()
    assert not path.exists()


def test_a_file_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    path = growing(tmp_path).write(iter(range(5)), row_of)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 1)
    made: list[int] = []
    growing(tmp_path).write(iter(range(5)), lambda row: made.append(row) or row_of(row))
    assert made == [0, 1, 2, 3, 4]
