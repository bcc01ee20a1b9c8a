"""Two processes that train together give the model of one, say what one says, and stop together.

They are started as a user starts them: by the command line itself, and by torchrun.
"""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

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


def command(material: Path, out: Path, *more: str) -> list[str]:
    """``train diffusion`` as it is called, without the interpreter."""
    recipe = material / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    places = ["--latents", str(material / "latents"), "--splits", str(material / "splits.tsv"), "--out", str(out)]
    return ["-m", "tlesynth", "train", "diffusion", *places, "--recipe", str(recipe), *more]


def started(words: list[str], **environment: str) -> subprocess.Popen[str]:
    known = {name: value for name, value in os.environ.items() if name not in ("MASTER_PORT", "LOCAL_RANK")}
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=known | environment
    )


def trained(words: list[str]) -> tuple[str, str]:
    process = started(words)
    told, said = process.communicate(timeout=400)
    assert process.returncode == 0, said[-3000:]
    return told, said


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def by_torchrun(words: list[str]) -> list[str]:
    run = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    return [*run, "--master-port", str(free_port()), *words, "--devices", "2"]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "diffusion.safetensors")


def metrics(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def same_run(one: Path, other: Path) -> None:
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=1e-6, msg=lambda m, name=name: f"{name}: {m}")
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
    trained(command(material, out))
    return out


def test_two_processes_started_here_give_the_model_of_one(material: Path, alone: Path, tmp_path: Path) -> None:
    told, said = trained(command(material, tmp_path / "run", "--devices", "2"))
    same_run(alone, tmp_path / "run")
    assert told.count("model") == 2 and len(told.splitlines()) == 1  # the row's name, and the folder's
    assert said.count("12/12") == 1


def test_torchrun_gives_the_same(material: Path, alone: Path, tmp_path: Path) -> None:
    told, _ = trained(by_torchrun(command(material, tmp_path / "run")))
    same_run(alone, tmp_path / "run")
    assert len(told.splitlines()) == 1


def test_a_refused_folder_is_told_once_and_holds_up_nobody(material: Path, alone: Path) -> None:
    begun = time.monotonic()
    process = started(command(material, alone, "--set", "diffusion.steps=13", "--devices", "2"))
    told, said = process.communicate(timeout=200)
    assert process.returncode == 2 and said.count("CFG-010") == 1 and told == ""
    assert time.monotonic() - begun < 150


@pytest.mark.parametrize("launcher", ["here", "torchrun"])
def test_a_stop_signal_to_one_stops_both_and_the_same_command_goes_on(
    material: Path, tmp_path: Path, launcher: str
) -> None:
    out = tmp_path / "run"
    long = command(material, out, "--set", "diffusion.steps=1000000", "--set", "diffusion.checkpoint_every=1000000")
    process = started([*long, "--devices", "2"] if launcher == "here" else by_torchrun(long))
    deadline = time.monotonic() + 200
    while not (out / "checkpoints" / "best").is_dir() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1][-3000:]
        time.sleep(0.1)
    workers = descendants(process.pid) if launcher == "torchrun" else [process.pid, *descendants(process.pid)]
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGTERM)  # not the first: it must be told
    _, said = process.communicate(timeout=200)
    assert process.returncode == (75 if launcher == "here" else 1), said[-3000:]
    assert said.count("OPS-075") == 1, said
    assert not [pid for pid in workers if alive(pid)]
    assert len(list((out / "checkpoints").glob("step-*"))) == 1
    if launcher == "torchrun":
        assert "exitcode  : 75" in said


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


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
