"""A whole head is stripped, an extracted brain is recognised, and the real heads keep their temporal lobes."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlesynth.data.preprocess.brain_mask import find_brain, is_extracted, otsu
from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume, read

TEMPORAL = (31, 32, 47, 48, 117, 118, 122, 123, 132, 133, 154, 155, 170, 171, 180, 181, 184, 185, 200, 201, 202, 203)
"""DLMUSE labels of amygdala, hippocampus and the temporal gyri and poles."""


def test_a_whole_head_is_stripped(brain: Callable[..., Volume]) -> None:
    scan = brain(np.eye(4), spacing=3.0, shape=(76, 90, 92))
    x, y, z = (scan.affine[:3, :3] @ np.indices(scan.voxels.shape).reshape(3, -1) + scan.affine[:3, 3:]).reshape(
        3, *scan.voxels.shape
    )
    distance = np.sqrt((x / 82) ** 2 + ((y + 18) / 102) ** 2 + ((z - 6) / 92) ** 2)
    neck = (np.hypot(x / 60, (y + 25) / 65) < 1) & (z < -20)
    head = np.where((distance < 1) | neck, 500.0, 0)
    head[(distance < 0.95) & (z > -75)] = 40  # skull and fluid
    brain_mask = scan.voxels > 0
    head = np.where(brain_mask, scan.voxels, head) + np.abs(np.random.default_rng(1).normal(0, 8, head.shape))
    whole = Volume(head.astype(np.float32), scan.affine)
    assert is_extracted(scan)
    assert not is_extracted(whole)
    found = find_brain(whole)
    assert found.method == "template"
    dice = 2 * (found.voxels & brain_mask).sum() / (found.voxels.sum() + brain_mask.sum())
    assert dice > 0.9


def test_otsu_parts_two_heaps() -> None:
    draws = np.random.default_rng(0)
    values = np.r_[draws.normal(10, 1, 5000), draws.normal(30, 2, 3000)]
    assert 13 < otsu(values) < 25


def test_an_empty_room_is_refused() -> None:
    noise = np.abs(np.random.default_rng(0).normal(0, 5, (40, 40, 40))).astype(np.float32)
    with pytest.raises(TlesynthError) as caught:
        find_brain(Volume(noise, np.diag([4.0, 4, 4, 1])))
    assert caught.value.code == "REG-001"


@pytest.mark.skipif("TLESYNTH_DATA" not in os.environ, reason="TLESYNTH_DATA names no folder of real heads")
def test_a_real_head_keeps_its_temporal_lobes() -> None:
    root, name = Path(os.environ["TLESYNTH_DATA"]) / "ixi-2mm", "sub-IXI105"
    labels = read(root / f"derivatives/dlmuse/{name}/anat/{name}_desc-dlmuse_dseg.nii.gz", least_values=1).voxels
    found = find_brain(read(root / name / "anat" / f"{name}_T1w.nii.gz")).voxels
    truth = labels > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9
    assert found[np.isin(labels, TEMPORAL)].mean() > 0.95
