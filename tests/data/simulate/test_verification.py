"""Planted and measured volume ratios are compared on what the head itself says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.simulate import verification
from tlesynth.data.simulate.head import Planted
from tlesynth.volume import Volume


def label_volume(left: int, right: int) -> np.ndarray:
    """``left`` and ``right`` voxels of 8 mm3 of each hippocampus."""
    numbers = np.zeros((32, 32, 32), np.float32)
    numbers[:16].reshape(-1)[:left] = 48
    numbers[16:].reshape(-1)[:right] = 47
    return numbers


def judged(tmp_path: Path, left: int, right: int) -> dict[str, object]:
    affine = np.diag([2.0, 2, 2, 1])
    path = tmp_path / "dseg.nii.gz"
    volume.write(path, label_volume(left, right).astype(np.int16), affine, description="labels")
    jacobian = np.ones((32, 32, 32), np.float32)
    jacobian[:16] = 0.7
    tube = {"left": np.zeros_like(jacobian), "right": np.ones_like(jacobian)}
    planted = Planted(jacobian, jacobian, tube)
    return verification.checked(planted, Volume(np.ones((32, 32, 32), np.float32), affine), path)


def test_the_measured_ratio_is_the_integral_of_the_jacobian(tmp_path: Path) -> None:
    found = judged(tmp_path, 400, 420)
    assert found["label_map"] == "used"
    assert found["measured_ratio_left_label"] == pytest.approx(0.7) and found["measured_ratio_right_label"] == 1
    assert found["hippocampus_left_label_before_mm3"] == 3200
    assert np.isnan(found["measured_ratio_left_tube"])


def test_a_leaked_label_map_is_not_believed(tmp_path: Path) -> None:
    assert judged(tmp_path, 50, 420)["label_map"] == "implausible volume"
    assert judged(tmp_path, 250, 500)["label_map"] == "implausible asymmetry"
    assert "measured_ratio_left_label" not in judged(tmp_path, 50, 420)


def test_a_map_that_its_data_set_calls_bad_is_not_used(tmp_path: Path) -> None:
    for name in ("01", "02"):
        path = tmp_path / "derivatives" / "dlmuse" / f"sub-{name}" / "anat" / f"sub-{name}_dseg.nii.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    durable.write_text(tmp_path / "participants.tsv", "participant_id\tlabel_map\nsub-01\tok\n02\tbad\n")
    assert verification.label_map(tmp_path, "sub-01") is not None
    assert verification.label_map(tmp_path, "sub-02") is None and verification.label_map(tmp_path, "sub-03") is None


def test_agreement_knows_bias_and_limits() -> None:
    planted = np.linspace(0.6, 1, 50)
    error = np.where(np.arange(50) % 2, 0.01, -0.01)
    found = verification.agreement(planted, planted + 0.02 + error)
    assert found["bias"] == pytest.approx(0.02) and found["r"] > 0.99
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * 0.01, rel=0.02)
    assert verification.agreement(planted[:2], planted[:2])["bias"] is None


def test_the_summary_is_written_and_counts_the_maps(tmp_path: Path) -> None:
    truth = pd.DataFrame({"ratio_hippocampus_left": [0.7, 1.0, 0.9], "ratio_hippocampus_right": [1.0, 0.8, 1.0]})
    truth = truth.assign(measured_ratio_left_tube=[0.72, 1.0, 0.9], measured_ratio_right_tube=[1.0, 0.8, np.nan])
    truth["label_map"] = ["none", "none", "used"]
    verification.write_summary(tmp_path, truth)
    found = durable.read_json(tmp_path / "verification.json")
    assert found["tube"]["n"] == 5 and found["label"]["n"] == 0 and found["label_maps"] == {"none": 2, "used": 1}


def test_real_heads_receive_what_was_planted(tmp_path: Path) -> None:
    """Four IXI heads: planted and measured ratios of their own hippocampi (DLMUSE) follow what was planted."""
    root = os.environ.get("TLESYNTH_DATA")
    if not root or not (Path(root) / "ixi-2mm").is_dir():
        pytest.skip("TLESYNTH_DATA is not set: no real heads here")
    from tlesynth.data.simulate import plant_into
    from tlesynth.recipe import Simulate

    settings = Simulate(severity_scale=1.5, sclerosis_share=1.0)
    plant_into(Path(root) / "ixi-2mm", settings, tmp_path, seed=4, jobs=1, most=4)
    found = durable.read_json(tmp_path / "derivatives" / "truth" / "verification.json")
    truth = durable.read_table(tmp_path / "derivatives" / "truth" / "truth.tsv")
    assert len(truth) == 4 and found["label_maps"].get("used", 0) >= 3
    tube, label = found["tube"], found["label"]
    assert tube["r"] > 0.999 and max(-tube["low"], tube["high"]) < 0.02, found
    # The template's hippocampus is not quite this head's: its own receives the change less evenly.
    assert label["r"] > 0.85 and abs(label["bias"]) < 0.08 and label["high"] < 0.25, found
