"""Every part of the sampling benchmark runs at a tiny size and writes what it promises."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

Load = Callable[[str], ModuleType]


def run(module: ModuleType, out: Path, *words: str) -> dict[str, Any]:
    """The JSON that a part writes when its script is called with ``words``."""
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    module.run(parser.parse_args(words), out)
    return json.loads(out.read_text())


def test_denoise(part: Load, tmp_path: Path) -> None:
    made = run(part("sampling/denoise"), tmp_path / "denoise.json", "--volume", "tiny", "--passes", "1")
    assert {"denoise_ratio", "denoise_ratio_plain_bf16", "denoise_ratio_maisi_fp32", "denoise_ratio_maisi_bf16"} <= set(
        made
    )
    assert list(made["work"]) == ["1", "2"] and made["benchmark"] == "denoise" and made["machine"]["threads"]
    assert made["work"]["1"]["ratios"]["plain fp32"]["target"] == 2.8
    errors = {name: entry["relative"] for name, entry in made["errors"].items()}
    assert errors["onednn fp32"] < 1e-5 and errors["plain fp32"] < 1e-5 and 1e-5 < errors["ours"] < 5e-2


def test_step(part: Load, tmp_path: Path) -> None:
    words = ("--volume", "tiny", "--passes", "1", "--steps", "3")
    made = run(part("sampling/step"), tmp_path / "step.json", *words)
    assert made["train_step_ratio"] == made["ratios"]["plain fp32"]["ratio"]
    assert made["curve"]["met"] and len(made["curve"]["losses"]["ours"]) == 3


def test_sample(part: Load, tmp_path: Path) -> None:
    made = run(part("sampling/sample"), tmp_path / "sample.json", "--volume", "tiny", "--passes", "1")
    assert {"sample_ratio", "sample_ratio_maisi", "absolute", "volumes_an_hour"} <= set(made)
    assert made["stages"]["paper denoising"]["scaled_by"] == 50 and "20 of 1000" in made["about"]["paper"]
    assert made["stages"]["maisi fp32 denoising"]["scaled_by"] == 10


def test_scale(part: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scale = part("sampling/scale")
    monkeypatch.setattr(scale, "_child", lambda folder, *how: scale.drawn(Path(folder), *how))
    made = run(scale, tmp_path / "scale.json", "--volume", "tiny", "--passes", "1", "--n", "2", "3")
    assert made["same_bits"] == {"batches": [4, 1, 3, 8], "subjects": 3, "differ": [], "met": True}
    assert set(made["larger"]) == {"3"} and made["larger"]["3"]["most"] == 1.05


def test_memory(part: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = part("sampling/memory")
    monkeypatch.setattr(memory, "_child", lambda side, volume: memory.step_peak(memory.SIZES[volume], side))
    made = run(memory, tmp_path / "memory.json", "--volume", "tiny")
    assert 0.2 < made["sample"]["gib"] < 4 and made["sample"]["target_gib"] == 1.5
    assert made["train_step"]["ours"]["target_gib"] == 4.0 and "plain fp32" in made["train_step"]


def test_shapes(part: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = part("sampling/shapes")
    monkeypatch.setattr(shapes, "ODD", shapes.ODD[1:3])
    made = run(shapes, tmp_path / "shapes.json", "--volume", "tiny")
    assert made["shapes_pass"] and made["outcomes"]["ours"] == {"pass": 6}
    assert made["outcomes"]["maisi unet as released"] == {"ValueError": 6} or torch.cuda.is_available()
    assert "RuntimeError" in made["outcomes"]["brain ldm unet"]


def test_the_sizes_are_those_of_the_paper_and_its_peers(part: Load) -> None:
    denoisers = part("sampling/denoisers")
    full = denoisers.SIZES["full"]
    assert full.latent == (4, 28, 34, 28) and full.padded == (32, 40, 32)
    assert 48 < denoisers.gflop(full) < 50
    with torch.device("meta"):
        sizes = [
            sum(p.numel() for p in network.parameters()) / 1e6
            for network in (denoisers.maisi_unet(full.maisi_channels), denoisers.brain_ldm_unet())
        ]
    assert sizes == [pytest.approx(180.5, abs=0.1), pytest.approx(553.2, abs=0.1)]


def test_a_latent_is_padded_behind(part: Load) -> None:
    z = torch.randn(1, 4, 3, 5, 2)
    padded = part("sampling/denoisers").padded(z, (8, 8, 4))
    assert padded.shape == (1, 4, 8, 8, 4)
    assert torch.equal(padded[:, :, :3, :5, :2], z) and float(padded.abs().sum()) == pytest.approx(float(z.abs().sum()))
