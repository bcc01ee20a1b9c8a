"""One process a subject, whoever started first; the claims of the dead are taken over."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.sharing import claims
from tlesynth.sharing.claims import Claims, Owner, holding, share

HOLDER = """
import sys, time
from pathlib import Path
from tlesynth.sharing.claims import Claims, holding
folder = Path(sys.argv[1])
with holding(folder, together=sys.argv[2] == "shard"), Claims(folder / "claims") as mine:
    assert mine.take("sub-1")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Callable[[str], subprocess.Popen]:
    started = []

    def start(kind: str) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), kind], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_i03_shards_are_disjoint_complete_and_stable() -> None:
    names = [f"sub-{n:03d}" for n in range(103)]
    parts = [share(names[::-1], (i, 8)) for i in range(1, 9)]
    assert sorted(sum(parts, [])) == names
    assert parts[2][:2] == ["sub-002", "sub-010"]
    assert max(map(len, parts)) - min(map(len, parts)) == 1


def test_i01_a_second_plain_run_is_told_who_holds_the_folder(
    tmp_path: Path, holder: Callable[[str], subprocess.Popen]
) -> None:
    process = holder("plain")
    for together in (False, True):
        with pytest.raises(TlesynthError) as caught, holding(tmp_path, together=together):
            pass
        assert caught.value.code == "OPS-010"
        assert f"process {process.pid} on " in str(caught.value)
        assert "since 20" in str(caught.value)


def test_i04_shards_share_a_folder_but_never_a_subject(
    tmp_path: Path, holder: Callable[[str], subprocess.Popen]
) -> None:
    holder("shard")
    with pytest.raises(TlesynthError, match="OPS-010"), holding(tmp_path, together=False):
        pass
    with holding(tmp_path, together=True), Claims(tmp_path / "claims") as mine:
        assert not mine.take("sub-1")
        assert mine.take("sub-2")
    assert os.listdir(tmp_path / "claims") == ["sub-1"]


def test_i02_the_claim_of_a_killed_process_is_taken_over(
    tmp_path: Path, holder: Callable[[str], subprocess.Popen], capsys: pytest.CaptureFixture[str]
) -> None:
    process = holder("plain")
    process.kill()
    process.wait()
    with holding(tmp_path, together=False), Claims(tmp_path / "claims") as mine:
        assert mine.take("sub-1")
    assert f"taken over from process {process.pid}" in capsys.readouterr().err
    assert os.listdir(tmp_path / "claims") == []


def test_i02_a_reused_pid_does_not_keep_a_claim_alive() -> None:
    me = Owner.me()
    assert not me.is_dead(silent_s=1e9)
    assert dataclasses.replace(me, started="1").is_dead(silent_s=0)
    for elsewhere in (dataclasses.replace(me, host="other"), dataclasses.replace(me, boot="before")):
        assert not elsewhere.is_dead(silent_s=claims.HEARTBEAT_S)
        assert elsewhere.is_dead(silent_s=claims.LEASE_S + 1)


def test_held_claims_beat_and_a_silent_one_from_another_host_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT_S", 0.02)
    folder = tmp_path / "claims"
    with Claims(folder) as mine:
        assert mine.take("sub-1")
        os.utime(folder / "sub-1", (0, 0))
        while (folder / "sub-1").stat().st_mtime == 0:
            pass
        elsewhere = dataclasses.asdict(dataclasses.replace(Owner.me(), host="other"))
        (folder / "sub-2").write_text(json.dumps(elsewhere))
        assert not mine.take("sub-2")
        os.utime(folder / "sub-2", (0, 0))
        assert mine.take("sub-2")
