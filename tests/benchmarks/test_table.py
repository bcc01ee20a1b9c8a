"""The Markdown table of results."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HEAD = ["| figure | ours | peer | times or limit | target | met |", "|---|---|---|---|---|---|"]
SPEED = {
    "work": {
        "decode": {
            "ratios": {
                "maisi fp32": {"ratio": 30.0, "range": [24.0, 31.0], "target": 25.0, "met": False},
                "paper bf16": {"ratio": 8.0, "range": [8.0, 8.0]},
            },
            "seconds": {"ours": {"median_s": 0.6}, "maisi fp32": {"median_s": 18.0}, "paper bf16": {"median_s": 4.8}},
        }
    }
}
QUALITY = {
    "equal_steps": {"recommended": {"step": 200, "l1_brain": 0.0301, "psnr_brain_db": 28.04}},
    "equal_core_seconds": {},
    "share_of_compute": {"maisi": {"to_the_end": 0.125}, "small": {"to_the_end": None}},
}


EXECUTOR = {
    "seconds": {
        "monai 64-128-256 r2 fp32": {"median_s": 35.0},
        "ours fp32": {"median_s": 25.0},
        "ours bf16": {"median_s": 11.0},
    },
    "ours": {
        "fp32": {"ratio": 1.4, "range": [1.2, 1.5], "target": 1.3, "met": False},
        "bf16": {"ratio": 3.1, "range": [2.8, 3.2], "target": 2.7, "met": True},
    },
}
for entry in EXECUTOR["ours"].values():
    entry |= {"max_abs_difference": 0.00004, "relative_difference": 0.018}


@pytest.fixture(scope="session")
def table(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("autoencoder/table")


def test_every_script_prints_its_table(
    table: ModuleType, part: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part("harness/commands").run(["table", str(tmp_path)], tmp_path, "A benchmark.", {}, table.table)
    assert capsys.readouterr().out.splitlines() == HEAD


def test_rows_come_from_the_results_that_are_there(table: ModuleType, tmp_path: Path) -> None:
    assert table.table(tmp_path) == HEAD
    (tmp_path / "speed.json").write_text(json.dumps(SPEED))
    (tmp_path / "quality.json").write_text(json.dumps(QUALITY))
    assert table.table(tmp_path)[2:] == [
        "| decode, against maisi fp32 | 0.60 s | 18.0 s | 30 (24 to 31) | 25 | **no** |",
        "| decode, against paper bf16 | 0.60 s | 4.8 s | 8 (8 to 8) |  |  |",
        "| recommended at equal steps: step 200 | L1 0.0301, PSNR 28.0 dB in the brain |  |  |  |  |",
        "| maisi's last L1 reached in | 0.12 of its core-seconds |  |  | 0.25 |  |",
        "| small's last L1 reached in | not reached |  |  |  |  |",
    ]


def test_the_executors_rows_name_the_difference_that_each_is_held_to(table: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "executor.json").write_text(json.dumps(EXECUTOR))
    weights = "MONAI's weights decoded in"
    assert table.table(tmp_path)[2:] == [
        f"| {weights} fp32 | 25.0 s | 35.0 s | 1.4 (1.2 to 1.5), greatest difference 4e-05 | 1.3 | **no** |",
        f"| {weights} bf16 | 11.0 s | 35.0 s | 3.1 (2.8 to 3.2), relative difference 1.8 % in the 2-norm | 2.7 | yes |",
    ]
