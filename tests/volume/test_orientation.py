"""Which affine is believed, and when none is. Fault catalogue rows A35-A40."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume, look

Nifti = Callable[..., bytes]
Refused = Callable[..., TlesynthError]
ReadBack = Callable[..., Volume]
SIX = np.diag([6.0, 6.0, 6.0, 1.0])


def turned(degrees: float, affine: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0, 0], [sin, cos, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ affine


@pytest.mark.parametrize("size", [0.0, -2.0, float("nan"), 1e30])
def test_a35_an_impossible_pixdim_gives_way_to_a_sound_sform(size: float, nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(nifti(pixdim1=size))
    assert np.allclose(volume.spacing, 2)
    assert volume.notes == ("only the sform is usable",)


@pytest.mark.parametrize("size", [0.1, 7.0, 1e30])
def test_a35_an_impossible_voxel_size_without_an_sform_is_refused(size: float, nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(pixdim1=size, sform_code=0)).code in ("NII-024", "NII-025")


@pytest.mark.parametrize(("units", "factor"), [(1, 0.001), (3, 1000.0)])
def test_a36_metres_and_microns_are_understood(units: int, factor: float, nifti: Nifti, read_back: ReadBack) -> None:
    scaled = SIX * np.array([factor, factor, factor, 1])[:, None]
    volume = read_back(nifti(sform=scaled, qform=scaled, xyzt_units=units))
    assert np.allclose(volume.affine, SIX, atol=1e-3)


@pytest.mark.parametrize(("units", "words"), [(1, "metres: 1.2e"), (3, "microns: 0.12")])
def test_a36_units_that_make_no_head_are_refused_with_the_field_of_view(
    units: int, words: str, nifti: Nifti, refused: Refused
) -> None:
    error = refused(nifti(sform=SIX, qform=SIX, xyzt_units=units))
    assert error.code == "NII-025"
    assert words in error.why


def test_a37_unknown_orientation_is_refused_by_a_look_at_the_header_alone(nifti: Nifti, tmp_path: Path) -> None:
    data = bytearray(nifti(sform_code=0))
    data[252:254] = bytes(2)
    (tmp_path / "v.nii").write_bytes(bytes(data))
    with pytest.raises(TlesynthError) as caught:
        look(tmp_path / "v.nii")
    assert caught.value.code == "NII-026"


def test_a38_a_turn_is_noted_in_degrees_even_where_no_corner_moves_far(nifti: Nifti, read_back: ReadBack) -> None:
    centred = np.diag([2.0, 2, 2, 1])
    centred[:3, 3] = -np.array([20, 24, 28])
    notes = read_back(nifti(sform=centred, qform=turned(4, centred))).notes
    assert notes == ("sform and qform differ by up to 2 mm and 4 degrees; the sform is used",)
    assert read_back(nifti(sform=centred, qform=turned(0.5, centred))).notes == ()


def test_a40_an_impossible_quaternion_is_refused_unless_there_is_an_sform(
    nifti: Nifti, refused: Refused, read_back: ReadBack
) -> None:
    assert refused(nifti(quatern_b=5, sform_code=0)).code == "NII-028"
    assert read_back(nifti(quatern_b=5)).notes == ("only the sform is usable",)


def test_a_look_tells_what_the_header_says(nifti: Nifti, tmp_path: Path) -> None:
    oblique = turned(10, np.diag([-1.0, 2, 3, 1]))
    (tmp_path / "v.nii").write_bytes(nifti(sform=oblique, qform=oblique))
    seen = look(tmp_path / "v.nii")
    assert (seen.shape, seen.orientation) == ((20, 24, 28), "LAS")
    assert np.allclose(seen.spacing, (1, 2, 3), atol=1e-3)
    assert seen.tilt == pytest.approx(10, abs=0.01)
    (tmp_path / "cut.nii").write_bytes(nifti()[:9000])
    with pytest.raises(TlesynthError) as caught:
        look(tmp_path / "cut.nii")
    assert caught.value.code == "NII-002"
