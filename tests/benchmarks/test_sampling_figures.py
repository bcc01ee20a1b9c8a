"""What the sampling benchmark concludes from known times, curves and peaks."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str], ModuleType]


def ratios(low: float) -> dict[str, Any]:
    names = ("plain fp32", "plain bf16", "maisi fp32", "maisi bf16 autocast")
    entries = {
        name: {"ratio": 3.0 + i, "range": [low, 9], "target": 2.0, "met": low >= 2} for i, name in enumerate(names)
    }
    return {"ratios": entries, "fp32": {"ratio": 1.7, "range": [1.6, 1.8], "target": 1.6, "met": True}}


def test_the_headline_is_the_smallest_batch_and_every_batch_must_meet_its_targets(part: Load) -> None:
    headlines = part("sampling/denoise").headlines
    made = headlines({"16": ratios(2.0), "1": ratios(2.5)})
    assert made["denoise_ratio"] == 3 and made["denoise_ratio_maisi_bf16"] == 6 and made["met"]
    assert not headlines({"1": ratios(2.5), "16": ratios(1.9)})["met"]


def test_a_target_is_met_by_the_worst_pass(part: Load) -> None:
    timing = part("harness/timing")
    jobs = [timing.Job("ours", print, seconds=[1.0, 2.0]), timing.Job("peer", print, seconds=[4.0, 6.0])]
    entry = timing.compared(jobs, {"peer": 3.0})["peer"]
    assert entry == {"ratio": 3.33, "range": [3.0, 4.0], "target": 3.0, "met": True}
    assert not timing.compared(jobs, {"peer": 3.1})["peer"]["met"]
    assert "met" not in timing.compared(jobs, {})["peer"]


def test_the_ways_to_a_brain_are_added_up_pass_by_pass(part: Load) -> None:
    seconds = {
        "ours, 20 steps": [2.0, 2.5],
        "ours, 20 steps, guidance 2": [3.5, 4.5],
        "ours, 10 steps": [1.0, 1.0],
        "ours, of which decoding": [0.5, 0.5],
        "paper denoising": [250.0, 300.0],
        "paper decoding": [5.0, 6.0],
        "maisi fp32 denoising": [33.0, 33.0],
        "maisi fp32 decoding": [17.0, 17.0],
        "maisi bf16 autocast denoising": [15.0, 15.0],
        "maisi bf16 autocast decoding": [10.0, 10.0],
    }
    made = part("sampling/sample").added_up(seconds)
    assert made["sample_ratio"] == pytest.approx(280.5 / 2.25, abs=0.01)
    assert made["ratios"]["paper"]["met"] and made["ratios"]["paper"]["range"] == [122.4, 127.5]
    assert made["ratios"]["maisi fp32"] == {"ratio": 22.22, "range": [20.0, 25.0], "target": 20.0, "met": True}
    assert made["absolute"]["ours, 20 steps"] == {"worst_s": 2.5, "most_s": 3.0, "met": True}
    assert not made["absolute"]["ours, 20 steps, guidance 2"]["met"]
    assert made["volumes_an_hour"] == {"ours": 1600, "target": 1500, "met": True}
    assert "paper denoising" not in made["seconds"] and made["seconds"]["paper"]["median_s"] == 280.5


def test_two_curves_lie_as_far_apart_as_their_worst_step(part: Load) -> None:
    apart = part("sampling/step").apart
    assert apart([1.0, 0.5], [1.0, 0.502])["met"] and apart([1.0], [1.0])["apart"] == 0
    assert apart([1.0, 0.5], [1.0, 0.51]) == {"steps": 2, "apart": 0.0196, "most": 0.01, "met": False}


def test_time_and_memory_of_larger_cohorts(part: Load) -> None:
    scale = part("sampling/scale")
    one = {"seconds": 8.0, "peak_gib": 1.0, "hashes": {"a": "1", "b": "2"}}
    made = {8: [one], 64: [one | {"seconds": 66.0, "peak_gib": 1.0 + 40 / 1024}]}
    found = scale.verdicts(made)
    assert found["scale_ratio"] == 1.031 and found["larger"]["64"]["more_mib"] == 40 and found["larger"]["64"]["met"]
    made[64][0]["seconds"] = 68.0
    assert not scale.verdicts(made)["larger"]["64"]["met"]
    assert scale.same_bits(made, {1: one})["met"]
    assert scale.same_bits(made, {1: one | {"hashes": {"b": "3"}}})["differ"] == ["b"]


def test_peaks_beside_their_limits(part: Load) -> None:
    step = {"work": 3.0, "state": 0.5, "process": 4.5}
    made = part("sampling/memory").verdicts(1.6, {"ours": step, "plain fp32": step | {"work": 4.0}})
    assert not made["sample"]["met"] and made["train_step"]["ours"]["met"]
    assert made["train_step"]["plain fp32"]["gib"] == 4.5 and "met" not in made["train_step"]["plain fp32"]


def test_the_patch_of_an_odd_shape_divides_it(part: Load) -> None:
    patch_of = part("sampling/shapes").patch_of
    assert patch_of((28, 34, 28), (4, 2, 4)) == (4, 2, 4)
    assert patch_of((9, 11, 7), (4, 2, 4)) == (3, 1, 1)


def test_the_tables(part: Load, tmp_path: Path) -> None:
    table = part("sampling/table").table
    assert len(table(tmp_path)) == 2
    memory = part("sampling/memory").verdicts(
        1.2, dict.fromkeys(("ours", "plain fp32"), {"work": 3, "state": 0, "process": 4})
    )
    (tmp_path / "memory.json").write_text(json.dumps(memory | {"batch": 16}))
    effect = {"d": 1.5, "half_width": 0.5, "n": [24, 24]}
    entry = {"errors": {"velocity_mse": 0.5, "clean_mse": 0.25}, "frechet": 3.25, "energy": 0.125, "effect": effect}
    variants = {"flow": entry | {"points": [{"step": 10}]}, "pca": entry | {"effect": {"d": None}}}
    real = {"scans": effect, "decoded": effect}
    result = {
        "variants": variants,
        "real_effect": real,
        "distances": {"training scans": {"frechet": 2.0, "energy": 0.0}},
    }
    (tmp_path / "variants.json").write_text(json.dumps(result))
    made = table(tmp_path)
    assert made[2:4] == [
        "| `sample`, the whole process | 1.20 GiB |  |  | 1.5 | yes |",
        "| train step of 16, over the model | 3.00 GiB | plain fp32 3.00 GiB |  | 4 | yes |",
    ]
    assert made[-4:-1] == [
        "| flow | 10 | 0.5000 | 0.2500 | 3.25 | 0.125 | 1.50 ± 0.50 |",
        "| pca |  | 0.5000 | 0.2500 | 3.25 | 0.125 | not measured |",
        "| training scans |  |  |  | 2 | 0 | 1.50 ± 0.50 (decoded) |",
    ]
