"""The one writer: geometry, zeros, determinism, nothing personal."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tlesynth.volume import GRIDS, read, read_on, write

GRID = GRIDS["mni-3mm"]


@pytest.fixture
def voxels() -> np.ndarray:
    image = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    image[:10] = 0
    return image


def test_a_volume_comes_back_as_it_was(tmp_path: Path, voxels: np.ndarray) -> None:
    write(tmp_path / "v.nii.gz", voxels, GRID.affine, mni=True)
    back = read_on(tmp_path / "v.nii.gz", GRID)
    assert np.abs(back - voxels).max() < 2e-5
    assert (back[:10] == 0).all()


def test_other_tools_read_the_same_geometry(tmp_path: Path, voxels: np.ndarray) -> None:
    write(tmp_path / "v.nii.gz", voxels, GRID.affine, mni=True)
    image = nib.load(tmp_path / "v.nii.gz")
    assert np.allclose(image.get_sform(), GRID.affine) and np.allclose(image.get_qform(), GRID.affine)
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 4
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert np.abs(image.get_fdata() - voxels).max() < 2e-5


def test_the_same_voxels_give_the_same_bytes_and_no_file_name_or_time(tmp_path: Path, voxels: np.ndarray) -> None:
    write(tmp_path / "patient-name.nii.gz", voxels, GRID.affine)
    write(tmp_path / "b.nii.gz", voxels, GRID.affine)
    data = (tmp_path / "patient-name.nii.gz").read_bytes()
    assert data == (tmp_path / "b.nii.gz").read_bytes()
    assert b"patient-name" not in data and data[4:8] == b"\0\0\0\0"


def test_masks_are_stored_as_they_are(tmp_path: Path) -> None:
    mask = np.zeros(GRID.shape, bool)
    mask[5:40, 5:40, 5:40] = True
    write(tmp_path / "m.nii.gz", mask, GRID.affine, dtype="uint8")
    assert np.array_equal(read(tmp_path / "m.nii.gz", least_values=1).voxels, mask.astype(np.float32))


def test_what_is_not_finite_is_refused(tmp_path: Path, voxels: np.ndarray) -> None:
    voxels[0, 0, 0] = np.nan
    with pytest.raises(ValueError):
        write(tmp_path / "v.nii.gz", voxels, GRID.affine)
