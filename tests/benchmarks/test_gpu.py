"""The benchmark of a card runs on the processor at a tiny size, and one fault hides no other figure."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from .conftest import BENCHMARKS

Load = Callable[[str], ModuleType]
CPU = ("--device", "cpu", "--size", "tiny")


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The denoisers of the sampling benchmark are compared here too."""
    monkeypatch.syspath_prepend(BENCHMARKS / "sampling")


def run(module: ModuleType, out: Path, *words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    module.run(parser.parse_args([*words, *CPU]), out)
    return json.loads(out.read_text())


def test_kernels(part: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = part("gpu/kernels")
    monkeypatch.setattr(kernels, "SHORT", 0.001)
    made = run(kernels, tmp_path / "kernels.json")
    errors = {name: one["relative_error"] for name, one in made["convolution"].items()}
    assert errors["8 wide, 8x8x8, float32, any"] < 1e-6 < 1e-3 < errors["8 wide, 8x8x8, bfloat16, any"] < 1e-2
    assert made["machine"]["gpu"] is None or torch.cuda.is_available()
    # Kernels that a processor has not are faults, and the others stand.
    assert "attention: 20 tokens, 2, cudnn, any" in made["faults"] or torch.cuda.is_available()
    assert made["attention"]["20 tokens, 2, math, any"]["relative_error"] < 1e-2
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.usefixtures("beside")
def test_the_product_agrees_with_itself(part: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agree = part("gpu/agree")
    monkeypatch.setattr(agree, "STEPS", 1)
    made = run(agree, tmp_path / "agree.json")
    assert made["faults"] == [] and made["differ"] == []
    assert made["coders"]["recommended, 32-true"]["relative"] == 0
    assert made["training"]["denoiser recommended: same bits"]["met"]


def test_a_fault_is_told_and_hides_no_other_figure(part: Load, tmp_path: Path) -> None:
    clock = part("gpu/clock")
    figures = clock.Figures("tried", tmp_path / "tried.json")

    def broken() -> dict[str, Any]:
        raise RuntimeError("out of memory")

    figures.add("section", "broken", broken)
    figures.add("section", "sound", lambda: {"value": 1.0, "unknown": float("nan")})
    assert figures.faults == ["section: broken"]
    written = json.loads((tmp_path / "tried.json").read_text())["section"]
    assert written == {"broken": {"error": "RuntimeError: out of memory"}, "sound": {"value": 1.0, "unknown": "nan"}}


def test_a_work_is_timed_after_warm_up(part: Load) -> None:
    clock, calls = part("gpu/clock"), list[int]()
    found = clock.timed(lambda: calls.append(1), torch.device("cpu"), 0.0)
    assert len(calls) == clock.WARM_UPS + clock.LEAST and found["runs"] == clock.LEAST
    assert found["least_s"] <= found["median_s"] <= found["most_s"] and "peak_gib" not in found


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_no_card_no_figures(part: Load) -> None:
    with pytest.raises(SystemExit, match="torch sees no CUDA device"):
        part("gpu/clock").placed(argparse.Namespace(device="cuda"))


@pytest.mark.usefixtures("beside")
def test_ratios_compare_what_is_as_many_at_once(part: Load) -> None:
    rows = {"ours, batch 1": 1.0, "ours, batch 4": 2.0, "maisi, batch 1": 3.0, "maisi, batch 4": 8.0}
    found = {"pass": {name: {"median_s": value} for name, value in rows.items()}}
    found |= {"decode": {"ours": {"median_s": 2.0}, "paper": {"median_s": 5.0}, "maisi": {"error": "RuntimeError"}}}
    made = part("gpu/speed").ratios(found)
    assert made == {"pass": {"maisi, batch 1": 3.0, "maisi, batch 4": 4.0}, "decode": {"paper": 2.5}}


def test_the_table_begins_with_what_failed(part: Load, tmp_path: Path) -> None:
    stages = {"split": {"wall_s": 2.0, "status": 0}, "sample": {"wall_s": 9.0, "status": 1, "error": "no"}}
    (tmp_path / "whole.json").write_text(json.dumps({"stages": stages, "faults": ["stages: sample"]}))
    lines = part("gpu/table").table(tmp_path)
    assert lines[:2] == ["whole: 1 failed", "  failed: stages: sample"]
    assert lines[-2:] == ["| split | 2.0 | 0 |  |  |", "| sample | 9.0 | 1 |  |  |"]
