"""A planted voxel lands at its known place whatever the box and storage order; other lattices are refused."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tlesynth.data.preprocess.imported import prepare_imported
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-1.5mm"]
BOXES = {"cat12": ((113, 137, 113), (-84, -120, -72)), "spm": ((121, 145, 121), (-90, -126, -72))}
PLACE = (30.0, -21.0, -12.0)
"""RAS mm, a voxel centre of CAT12's lattice."""


def written(path: Path, box: str, tissue: str, codes: str = "LAS", shift: float = 0.0) -> Path:
    """The template as CAT12 would write it, with a planted value of 1 (grey matter) or 0 (T1) at ``PLACE``."""
    shape, origin = BOXES[box]
    start = np.rint((np.array([-84.0, -120, -72]) - origin) / 1.5).astype(int)
    whole = np.zeros(shape, np.float32)
    inside = tuple(slice(a, a + n) for a, n in zip(start, GRID.shape, strict=True))
    whole[inside] = getattr(load_template(GRID), tissue) * 0.9
    whole[tuple(np.rint((np.array(PLACE) - origin) / 1.5).astype(int))] = 1.0 if tissue == "gm" else 0.0
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = np.array(origin) + shift
    if codes == "LAS":
        affine[0, 3] += 1.5 * (shape[0] - 1)
        affine[0, 0] = -1.5
        whole = whole[::-1]
    image = nib.Nifti1Image(whole, affine)
    image.set_sform(affine, 4)
    image.set_qform(affine, 4)
    nib.save(image, path)
    return path


@pytest.mark.parametrize(("box", "codes"), [("cat12", "LAS"), ("cat12", "RAS"), ("spm", "LAS")])
def test_a_planted_voxel_lands_at_its_place(box: str, codes: str, tmp_path: Path) -> None:
    path = written(tmp_path / "mwp1x.nii", box, "gm", codes)
    found = prepare_imported(path, Preprocess(source="cat12", import_kind="gm"))
    peak = np.argwhere(found.voxels == 1)
    affine = np.array(found.facts["ImportedAffine"])
    assert (affine[:3, :3] @ peak[0] + affine[:3, 3]).tolist() == list(PLACE)
    assert len(peak) == 1
    assert np.abs(GRID.affine[:3, :3] @ peak[0] + GRID.affine[:3, 3] - PLACE).max() == 0.75
    expected = load_template(GRID).gm * 0.9
    others = found.mask & (found.voxels < 1)
    assert np.array_equal(found.voxels[others], expected[others].astype(np.float32))
    assert found.voxels[~found.mask].max() == 0
    assert found.volumes["gm_native_mm3"] == pytest.approx(expected.sum() * 1.5**3, rel=1e-3)


def test_a_t1_follows_the_intensity_convention(tmp_path: Path) -> None:
    found = prepare_imported(written(tmp_path / "wmx.nii", "cat12", "t1"), Preprocess(source="cat12"))
    assert (found.voxels[found.mask].min(), found.voxels.max()) == (0, 1)
    assert found.quality.correlation > 0.95
    assert (found.mask_method, found.volumes) == ("imported", {})
    again = prepare_imported(tmp_path / "wmx.nii", Preprocess(source="cat12"))
    assert again.voxels.tobytes() == found.voxels.tobytes()


def test_another_lattice_is_refused_not_resampled(tmp_path: Path) -> None:
    path = written(tmp_path / "wmx.nii", "cat12", "t1", shift=0.5)
    with pytest.raises(TlesynthError, match="0.50 mm beside") as caught:
        prepare_imported(path, Preprocess(source="cat12"))
    assert caught.value.code == "NII-030"


def test_a_volume_of_something_else_is_refused_a43(tmp_path: Path) -> None:
    path = written(tmp_path / "wmx.nii", "cat12", "t1", codes="RAS")
    image = nib.Nifti1Image.from_filename(path)
    noise = np.random.default_rng(0).random(image.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(noise, image.affine), path)
    with pytest.raises(TlesynthError) as caught:
        prepare_imported(path, Preprocess(source="cat12"))
    assert caught.value.code == "REG-001"
