"""Two processes that train together give the model of one, say what one says, and stop together.

Most are told what torchrun would tell them, so that a test sees how each of them ends, and are forked from a process
that has computed nothing. The last tests start them as a user does, by the command line itself and by torchrun.
"""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
import torch
import yaml
from safetensors.torch import load_file

from .conftest import write_latents

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

# 6 training scans in batches of 5 and 1: neither divides by 2, and the last has less than a scan for each process.
RECIPE = {
    "device": "cpu",
    "seed": 3,
    "diffusion": {
        "network": {"patch": [2, 3, 2], "depth": 1, "width": 48, "heads": 2, "baseline": "voxelwise"},
        "conditions": {"group": {"values": ["hc", "tle"]}, "side": {"values": ["left", "right"]}},
        "noise": {"prediction": "v_prediction"},
        "steps": 12,
        "batch_size": 5,
        "validate_every": 4,
        "copy_watch": {"samples": 2, "steps": 2},
        "checkpoint_every": 5,
        "ema_decay": 0.9,
        "learning_rate": 3e-3,
    },
}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("material")
    write_latents(root, per_class=3)
    return root


def words(material: Path, out: Path, *more: str) -> list[str]:
    """``train diffusion`` as it is called, without the program."""
    recipe = material / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    places = ["--latents", str(material / "latents"), "--splits", str(material / "splits.tsv"), "--out", str(out)]
    return ["train", "diffusion", *places, "--recipe", str(recipe), *more]


def beside(line: list[str], folder: Path, size: int) -> list[forked.Started]:
    """As many processes as torchrun would start, each with what torchrun tells it; a single one is told nothing."""
    port, processes = free_port(), []
    for rank in range(size):
        told, said = (folder / f"{name}-{rank}-of-{size}" for name in ("told", "said"))
        here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "GROUP_RANK": 0}
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GROUP_WORLD_SIZE": 1, "TORCHELASTIC_RUN_ID": "x"}
        told_it = {name: str(value) for name, value in (here | where).items()} if size > 1 else {}
        processes.append(forked.start(line, told, said, **told_it))
    return processes


def both(material: Path, out: Path, *more: str) -> list[forked.Ended]:
    line = words(material, out, "--devices", "2", *more)
    return [process.wait() for process in beside(line, out.parent, 2)]


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "diffusion.safetensors")


def metrics(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def same_run(one: Path, other: Path) -> None:
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys()
    # The keys' bias has no gradient but rounding, which Adam makes a step of: hence the absolute tolerance.
    for name, value in mine.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}")
    rows, others = metrics(one), metrics(other)
    assert len(rows) == len(others) and rows
    for row, twin in zip(rows, others, strict=True):
        assert row.keys() == twin.keys() and row["step"] == twin["step"]
        for name in row.keys() - {"phase"}:
            assert (row[name] == "") == (twin[name] == "")
            if row[name]:
                assert float(twin[name]) == pytest.approx(float(row[name]), rel=1e-3, abs=1e-5), name


@pytest.fixture(scope="module")
def alone(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "run"
    (ended,) = (process.wait() for process in beside(words(material, out), out.parent, 1))
    assert ended.status == 0, ended.said
    return out


def test_two_give_the_model_of_one_and_one_speaks(material: Path, alone: Path, tmp_path: Path) -> None:
    first, second = both(material, tmp_path / "run")
    assert (first.status, second.status) == (0, 0), first.said + second.said
    same_run(alone, tmp_path / "run")
    assert first.told == f"model  {tmp_path / 'run' / 'model'}\n" and "12/12" in first.said
    assert second.told == second.said == ""
    # Both find the finished run, and leave it alone.
    before = (tmp_path / "run/model/diffusion.safetensors").stat().st_mtime_ns
    assert [ended.status for ended in both(material, tmp_path / "run")] == [0, 0]
    assert (tmp_path / "run/model/diffusion.safetensors").stat().st_mtime_ns == before


def test_a_folder_of_another_recipe_is_refused_and_holds_up_nobody(material: Path, alone: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(alone, tmp_path / "run")
    ends = both(material, copy, "--set", "diffusion.steps=13")
    assert ends[0].status == 2 and ends[0].said.count("CFG-010") == 1 and ends[0].told == ""
    assert ends[1].status == 2


def test_a_stop_signal_to_one_stops_both_and_the_same_command_goes_on(
    material: Path, alone: Path, tmp_path: Path
) -> None:
    """Stopped after the first validation, whichever step that is, and ended like a run that was left alone."""
    more = ("--set", "diffusion.steps=40", "--set", "diffusion.checkpoint_every=1000")
    out = tmp_path / "run"
    processes = beside(words(material, out, "--devices", "2", *more), tmp_path, 2)
    deadline = time.monotonic() + 400
    while not (out / "checkpoints" / "best").is_dir() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(processes[1].pid, signal.SIGTERM)  # not the first: it must be told
    first, second = (process.wait() for process in processes)
    assert (first.status, second.status) == (75, 75), first.said + second.said
    assert first.said.count("OPS-075") == 1 and "OPS-075" not in second.said
    (saved,) = (out / "checkpoints").glob("step-*")
    assert 4 <= int(saved.name.removeprefix("step-")) < 40
    assert [ended.status for ended in both(material, out, *more)] == [0, 0]
    assert [ended.status for ended in both(material, tmp_path / "whole", *more)] == [0, 0]
    whole, resumed = weights(tmp_path / "whole"), weights(out)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def started(line: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_line_starts_the_second_itself(material: Path, alone: Path, tmp_path: Path) -> None:
    process = started(["-m", "tlesynth", *words(material, tmp_path / "run", "--devices", "2")])
    told, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    same_run(alone, tmp_path / "run")
    assert told == f"model  {tmp_path / 'run' / 'model'}\n" and said.count("12/12") == 1


def test_the_command_line_stops_both(material: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    more = ("--devices", "2", "--set", "diffusion.steps=1000000", "--set", "diffusion.checkpoint_every=1000000")
    process = started(["-m", "tlesynth", *words(material, out, *more)])
    deadline = time.monotonic() + 400
    while not (out / "checkpoints" / "best").is_dir() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    (second,) = descendants(process.pid)
    os.kill(second, signal.SIGTERM)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 75 and said.count("OPS-075") == 1, said
    assert gone(second, within_s=60) and len(list((out / "checkpoints").glob("step-*"))) == 1


def test_torchrun_gives_the_same(material: Path, alone: Path, tmp_path: Path) -> None:
    run = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    line = [*run, "--master-port", str(free_port()), "-m", "tlesynth"]
    process = started([*line, *words(material, tmp_path / "run", "--devices", "2")])
    told, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    same_run(alone, tmp_path / "run")
    assert told == f"model  {tmp_path / 'run' / 'model'}\n"


def descendants(parent: int) -> list[int]:
    """Python processes below ``parent`` that train, in the order they were started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            status, words = (folder / "status").read_text(), (folder / "cmdline").read_text()
        except OSError:
            continue
        above = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        if above == parent and "diffusion" in words:
            found.append(int(folder.name))
    return sorted(found)


def gone(pid: int, within_s: float) -> bool:
    """Whether the process ends in time: it tears down torch on its own, and may be slower than the first."""
    deadline = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pid)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
