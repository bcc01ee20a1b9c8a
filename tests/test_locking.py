"""A folder is held by one process at a time, and a dead one holds nothing."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.locking import LOCK, holding

HOLD = """
import os, sys, time
from pathlib import Path
from tlesynth.locking import holding
with holding(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_the_folder_until_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(TlesynthError) as caught, holding(tmp_path):
            pass
        assert caught.value.code == "OPS-010" and caught.value.exit_status == 8
        assert f"process {other.pid} on " in str(caught.value) and "since 20" in str(caught.value)
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert str(other.pid) in (tmp_path / LOCK).read_text(), "the dead process could not clean up"
    with holding(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()} on ")


def test_it_is_let_go_at_the_end_of_the_block_whatever_happens_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError), holding(tmp_path / "new"):
        raise ValueError
    assert (tmp_path / "new" / LOCK).read_text() == ""
    with holding(tmp_path / "new"), pytest.raises(TlesynthError, match="OPS-010"), holding(tmp_path / "new"):
        pass


def test_a_folder_may_be_held_by_a_file_beside_it(tmp_path: Path) -> None:
    beside = tmp_path / ".latents.lock"
    with holding(tmp_path / "latents", beside):
        assert not (tmp_path / "latents").exists()
        with pytest.raises(TlesynthError, match="OPS-010.*latents"), holding(tmp_path / "latents", beside):
            pass


def test_a_file_system_without_locks_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(file: object, kind: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    with holding(tmp_path):
        assert "start no second run" in capsys.readouterr().err
