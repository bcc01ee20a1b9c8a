"""Left stays left whatever the storage order; intensities follow the convention; a bias field is taken out."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff

from tlesynth.data.preprocess.preparation import normalised, prepare, smoothed
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume, read

GRID = GRIDS["mni-3mm"]
SETTINGS = Preprocess(grid="mni-3mm", registration_mm=5.0, n4=False)


def stored(scan: Volume, codes: str, path: Path) -> Volume:
    """``scan`` written with its axes in another order and direction, and read back."""
    orientation = axcodes2ornt(tuple(codes))
    voxels = apply_orientation(scan.voxels, orientation)
    image = nib.Nifti1Image(voxels, scan.affine @ inv_ornt_aff(orientation, scan.voxels.shape))
    image.set_sform(image.affine, 1)
    image.set_qform(image.affine, 1)
    nib.save(image, path)
    return read(path)


def dark_side(voxels: np.ndarray) -> float:
    """How much darker the marker's place is on the right than on the left."""
    i, j, k = (GRID.index(axis, mm) for axis, mm in enumerate((36, -20, 20)))
    near = np.s_[:, j - 2 : j + 3, k - 2 : k + 3]
    right, left = voxels[i - 2 : i + 3][near], voxels[::-1][i - 2 : i + 3][near]
    return float(left.mean() - right.mean())


def test_a_marker_on_the_right_stays_there_in_every_storage_order(
    brain: Callable[..., Volume], to_native: np.ndarray, rotation: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    scan = brain(to_native, marker=True)
    reference = prepare(stored(scan, "RAS", tmp_path / "ras.nii"), SETTINGS)
    assert dark_side(reference.voxels) > 0.3
    for codes in ("LAS", "PSR"):
        other = prepare(stored(scan, codes, tmp_path / f"{codes}.nii.gz"), SETTINGS)
        assert np.allclose(other.voxels, reference.voxels, atol=1e-4)
    oblique = prepare(Volume(scan.voxels, rotation(20, 0) @ rotation(-10, 2) @ scan.affine), SETTINGS)
    assert dark_side(oblique.voxels) > 0.3
    assert np.corrcoef(oblique.voxels.ravel(), reference.voxels.ravel())[0, 1] > 0.97
    inside = reference.voxels[reference.mask]
    assert reference.voxels[~reference.mask].max() == 0
    assert (inside.min(), inside.max()) == (0, 1)
    assert reference.mask_method == "extracted"
    assert reference.quality.dice > 0.95
    assert reference.quality.determinant == pytest.approx(np.linalg.det(to_native[:3, :3]), rel=0.03)


def test_percentiles_are_of_the_brain_alone() -> None:
    voxels = np.full((20, 20, 20), 1e6, np.float32)
    mask = np.zeros(voxels.shape, bool)
    mask[:10] = True
    voxels[mask] = np.arange(mask.sum())
    result = normalised(voxels, mask)
    assert (result[~mask] == 0).all()
    assert result[mask].mean() == pytest.approx(0.5, abs=1e-3)
    assert (result == 1).mean() == pytest.approx(0.0025, abs=1e-3)
    with pytest.raises(TlesynthError, match="single intensity"):
        normalised(np.ones_like(voxels), mask)


def test_smoothing_has_the_asked_width() -> None:
    point = np.zeros((41, 41, 41), np.float32)
    point[20, 20, 20] = 1
    profile = smoothed(point, np.ones(point.shape, bool), 10.0, 1.5)[:, 20, 20]
    above = np.interp([0.5], (profile / profile.max())[20:][::-1], np.arange(20, -1, -1.0))
    assert 2 * above[0] * 1.5 == pytest.approx(10, rel=0.03)
