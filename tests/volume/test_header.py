"""The header: what it contradicts is noted or refused, never believed. Fault catalogue rows A17-A31."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume, read
from tlesynth.volume.header import LONGEST, parse

Nifti = Callable[..., bytes]
Refused = Callable[..., TlesynthError]
ReadBack = Callable[..., Volume]


def test_a17_a_wrong_header_length_is_noted(nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(nifti(sizeof_hdr=1000))
    assert volume.notes == ("sizeof_hdr is not 348",)
    assert np.array_equal(volume.voxels, read_back(nifti()).voxels)


def test_a17_no_sensible_byte_order_is_refused(nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(sizeof_hdr=1, dim0=1000)).code == "NII-012"


def test_a19_analyze_has_no_orientation_and_is_refused(nifti: Nifti, refused: Refused) -> None:
    data = nifti()
    error = refused(data[:344] + bytes(4) + data[348:])
    assert (error.code, error.why) == ("NII-006", "it has no NIfTI magic number")


def test_a22_spare_bytes_mean_another_volume(nifti: Nifti, refused: Refused, read_back: ReadBack) -> None:
    error = refused(nifti(dim3=20))
    assert error.code == "NII-013"
    assert "(20, 24, 20)" in error.why
    assert refused(nifti() + b"spare").code == "NII-013"
    assert read_back(nifti() + bytes(512)).notes == ()


def test_a24_a_series_of_one_is_noted(nifti: Nifti, read_back: ReadBack) -> None:
    voxels = np.random.default_rng(0).integers(0, 99, (20, 24, 28, 1)).astype(np.int16)
    assert read_back(nifti(voxels=voxels)).notes == ("it is stored as a series of one volume",)


@pytest.mark.parametrize(("datatype", "words"), [(1, "binary"), (128, "RGB"), (2304, "RGBA"), (1536, "float128")])
def test_a26_colours_bits_and_quadruples_are_refused(datatype: int, words: str, nifti: Nifti, refused: Refused) -> None:
    error = refused(nifti(datatype=datatype))
    assert error.code == "NII-017"
    assert words in error.why


def test_a26_a_code_without_a_type_is_refused(nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(datatype=77)).code == "NII-017"


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.float64, np.uint8, np.int32, np.float32])
def test_a26_wide_numbers_are_cast_where_they_fit(kind: type, nifti: Nifti, read_back: ReadBack) -> None:
    voxels = np.random.default_rng(1).integers(0, 200, (20, 24, 28)).astype(kind)
    made = nib.Nifti1Image(voxels, np.diag([2, 2, 2, 1]), dtype=kind)
    made.set_sform(made.affine, 1)
    assert np.array_equal(read_back(made.to_bytes()).voxels, voxels.astype(np.float32))


def test_a26_numbers_beyond_float32_are_refused(nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(voxels=np.full((20, 24, 28), 1e300))).code == "NII-021"


@pytest.mark.parametrize(("code", "words"), [(1002, "label map"), (1007, "vector field")])
def test_a27_label_maps_and_vector_fields_are_no_scans(code: int, words: str, nifti: Nifti, refused: Refused) -> None:
    error = refused(nifti(intent_code=code))
    assert error.code == "NII-018"
    assert words in error.why


def test_a27_a_label_map_is_read_where_one_is_wanted(nifti: Nifti, tmp_path: Path) -> None:
    path = tmp_path / "labels.nii"
    path.write_bytes(nifti(voxels=np.ones((20, 24, 28), np.uint8), intent_code=1002))
    assert read(path, least_values=1).voxels.max() == 1


def test_a27_an_unknown_intent_is_noted(nifti: Nifti, read_back: ReadBack) -> None:
    assert read_back(nifti(intent_code=9999)).notes == ("its intent code 9999 means nothing",)


def test_a28_the_data_type_wins_over_bitpix(nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(nifti(bitpix=8))
    assert volume.notes == ("bitpix is 8, the data type int16 counts",)
    assert np.array_equal(volume.voxels, read_back(nifti()).voxels)


def test_a29_no_offset_means_the_usual_one(nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(nifti(vox_offset=0))
    assert volume.notes == ("vox_offset is 0, read as 352",)
    assert np.array_equal(volume.voxels, read_back(nifti()).voxels)


@pytest.mark.parametrize("offset", [float("nan"), float("inf"), 1e9, -352.0, 100.0])
def test_a29_an_impossible_offset_is_refused(offset: float, nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(vox_offset=offset)).code == "NII-012"


@pytest.mark.parametrize("slope", [0.0, float("nan"), float("inf")])
def test_a30_a_slope_that_is_none_scales_nothing(slope: float, nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(nifti(scl_slope=slope))
    assert np.array_equal(volume.voxels, read_back(nifti()).voxels)
    assert bool(volume.notes) == np.isinf(slope)


@pytest.mark.parametrize(("slope", "intercept"), [(2.0, float("nan")), (1e38, 0.0), (1.0, -1e35)])
def test_a31_an_impossible_scaling_is_refused(slope: float, intercept: float, nifti: Nifti, refused: Refused) -> None:
    assert refused(nifti(scl_slope=slope, scl_inter=intercept)).code == "NII-020"


def test_a34_a_range_like_computed_tomography_is_refused(nifti: Nifti, refused: Refused, read_back: ReadBack) -> None:
    voxels = np.random.default_rng(0).integers(-50, 1200, (20, 24, 28)).astype(np.int16)
    assert read_back(nifti(voxels=voxels)).voxels.min() == -50
    voxels[:10] = -1000
    assert refused(nifti(voxels=voxels)).code == "NII-023"


def test_a_second_generation_header_reads_in_both_byte_orders(read_back: ReadBack) -> None:
    voxels = np.random.default_rng(0).integers(0, 99, (20, 24, 28)).astype(np.int16)
    for order in "<>":
        made = nib.Nifti2Image(voxels, np.diag([2, 2, 2, 1]), nib.Nifti2Header(endianness=order))
        made.set_sform(made.affine, 1)
        assert np.array_equal(read_back(made.to_bytes()).voxels, voxels)
        header = parse(made.to_bytes()[:LONGEST], Path("v.nii"))
        assert (header.shape, header.needed) == ((20, 24, 28), header.offset + 4 * voxels.size)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 347), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_the_header_says_there_is_a_volume_or_a_code(
    nifti: Nifti, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(nifti())
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.mktemp("h") / "v.nii"
    path.write_bytes(bytes(data))
    try:
        volume = read(path)
    except TlesynthError as error:
        assert error.code.startswith("NII-")
    else:
        assert volume.voxels.size == 20 * 24 * 28
        assert np.isfinite(volume.voxels).all()
