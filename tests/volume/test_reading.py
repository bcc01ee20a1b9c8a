"""Reading: each bad volume has its code, each awkward but sound one reads right. Fault catalogue rows A01-A41.

What only the stream, the header or the affine decides is in the tests of those modules.
"""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS, read, read_on

SHAPE = (20, 24, 28)
AFFINE = np.array([[2.0, 0, 0, -20], [0, 2, 0, -24], [0, 0, 2, -28], [0, 0, 0, 1]])


def image(
    voxels: np.ndarray | None = None, affine: np.ndarray = AFFINE, *, sform: int = 1, qform: int = 1
) -> nib.Nifti1Image:
    voxels = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16) if voxels is None else voxels
    made = nib.Nifti1Image(voxels, affine)
    made.set_sform(affine, sform)
    made.set_qform(affine, qform)
    return made


def plain() -> bytearray:
    return bytearray(image().to_bytes())


def header(offset: int, form: str, value: float) -> bytes:
    data = plain()
    struct.pack_into("<" + form, data, offset, value)
    return bytes(data)


def voxels_with(change: Callable[[np.ndarray], None], dtype: str = "float32") -> bytes:
    voxels = np.random.default_rng(0).random(SHAPE).astype(dtype)
    change(voxels)
    return image(voxels).to_bytes()


def everywhere(value: float) -> Callable[[np.ndarray], None]:
    return lambda voxels: voxels.fill(value)


def forms(sform: np.ndarray, qform: np.ndarray) -> bytes:
    made = image()
    made.set_sform(sform, 1)
    made.set_qform(qform, 1)
    return made.to_bytes()


def with_sform(affine: np.ndarray) -> bytes:
    made = image(qform=0)
    made.set_sform(affine, 1)
    return made.to_bytes()


MIRRORED = np.diag([-1.0, 1, 1, 1]) @ AFFINE
SINGULAR = AFFINE * np.array([1, 1, 0, 1])
SHEARED = AFFINE.copy()
SHEARED[0, 1] = 1.0

BAD: dict[str, tuple[str, str, bytes]] = {
    "A01 empty": ("e.nii", "NII-001", b""),
    "A02 truncated gzip": ("t.nii.gz", "NII-002", gzip.compress(bytes(plain()))[:-2000]),
    "A02 truncated in the header": ("t.nii.gz", "NII-002", gzip.compress(bytes(plain()))[:60]),
    "A03 gzip without trailer": ("t.nii.gz", "NII-002", gzip.compress(bytes(plain()))[:-8]),
    "A04 wrong checksum": ("t.nii.gz", "NII-003", gzip.compress(bytes(plain()))[:-8] + b"\1" * 8),
    "A08 truncated plain": ("t.nii", "NII-002", bytes(plain())[:-100]),
    "A09 plain named gz": ("t.nii.gz", "NII-005", bytes(plain())),
    "A09 gz named plain": ("t.nii", "NII-005", gzip.compress(bytes(plain()))),
    "A10 html": ("t.nii", "NII-006", b"<!DOCTYPE html><html>" + b" " * 600),
    "A10 git-lfs pointer": ("t.nii", "NII-006", b"version https://git-lfs.github.com/spec/v1\n" + b" " * 600),
    "A10 zip": ("t.nii", "NII-006", b"PK\x03\x04" + bytes(600)),
    "A14 281 terabytes": (
        "t.nii",
        "NII-009",
        header(42, "h", 32767)[:44] + struct.pack("<hh", 32767, 32767) + bytes(plain())[48:],
    ),
    "A19 pair header": ("t.nii", "NII-006", bytes(plain())[:344] + b"ni1\0" + bytes(plain())[348:]),
    "A20 no dimensions": ("t.nii", "NII-012", header(40, "h", 0)),
    "A20 nine dimensions": ("t.nii", "NII-012", header(40, "h", 9)),
    "A20 minus three dimensions": ("t.nii", "NII-012", header(40, "h", -3)),
    "A21 negative dimension": ("t.nii", "NII-012", header(42, "h", -5)),
    "A23 a slice": ("t.nii", "NII-015", image(np.ones((20, 24, 1), np.int16)).to_bytes()),
    "A25 a time series": ("t.nii", "NII-016", image(np.ones((*SHAPE, 5), np.int16)).to_bytes()),
    "A26 complex": ("t.nii", "NII-017", image(np.ones(SHAPE, np.complex64)).to_bytes()),
    "A29 vox_offset": ("t.nii", "NII-012", header(108, "f", float("nan"))),
    "A32 all NaN": ("t.nii", "NII-021", voxels_with(everywhere(np.nan))),
    "A32 infinite": ("t.nii", "NII-021", voxels_with(everywhere(np.inf))),
    "A33 all zero": ("t.nii", "NII-022", voxels_with(everywhere(0))),
    "A33 constant": ("t.nii", "NII-022", voxels_with(everywhere(7))),
    "A35 tiny voxels": ("t.nii", "NII-024", with_sform(AFFINE * np.array([0.01, 1, 1, 1]))),
    "A37 no codes": ("t.nii", "NII-026", image(sform=0, qform=0).to_bytes()),
    "A38 handedness": ("t.nii", "NII-027", forms(AFFINE, MIRRORED)),
    "A39 singular": ("t.nii", "NII-024", with_sform(SINGULAR)),
    "A39 sheared": ("t.nii", "NII-028", with_sform(SHEARED)),
}


@pytest.mark.parametrize("row", BAD)
def test_a_bad_volume_has_its_code(row: str, tmp_path: Path) -> None:
    name, code, data = BAD[row]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TlesynthError) as caught:
        read(tmp_path / name)
    assert caught.value.code == code, str(caught.value)
    assert name in str(caught.value) and caught.value.exit_status == 3


@pytest.mark.parametrize("name", ["missing.nii.gz", "folder.nii"])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(TlesynthError) as caught:
        read(tmp_path / name)
    assert caught.value.code in ("NII-007", "NII-008")


def test_a_pipe_is_refused_without_waiting_on_it(tmp_path: Path) -> None:  # A11
    os.mkfifo(tmp_path / "p.nii")
    with pytest.raises(TlesynthError) as caught:
        read(tmp_path / "p.nii")
    assert caught.value.code == "NII-007"


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:  # A13
    data = plain()
    struct.pack_into("<8h", data, 40, 3, 1024, 1024, 1024, 1, 1, 1, 1)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(TlesynthError) as caught:
        read(tmp_path / "b.nii.gz")
    assert caught.value.code == "NII-009"


def test_one_volume_of_a_fourth_dimension_is_a_volume(tmp_path: Path) -> None:  # A24
    voxels = np.random.default_rng(0).integers(0, 99, (*SHAPE, 1)).astype(np.int16)
    (tmp_path / "v.nii").write_bytes(image(voxels).to_bytes())
    assert read(tmp_path / "v.nii").voxels.shape == SHAPE


def test_big_endian_reads_the_same(tmp_path: Path) -> None:  # A18
    little = image()
    big = nib.Nifti1Image(np.asarray(little.dataobj), AFFINE, nib.Nifti1Header(endianness=">"))
    big.set_sform(AFFINE, 1)
    (tmp_path / "l.nii").write_bytes(little.to_bytes())
    (tmp_path / "b.nii").write_bytes(big.to_bytes())
    assert np.array_equal(read(tmp_path / "l.nii").voxels, read(tmp_path / "b.nii").voxels)


def test_a_hostile_extension_is_never_read(tmp_path: Path) -> None:  # A16
    data = plain()
    data[348] = 1
    blob = bytes(data[:352]) + struct.pack("<ii", 7, 0) + bytes(8) + bytes(data[352:])
    patched = bytearray(blob)
    struct.pack_into("<f", patched, 108, 368)
    (tmp_path / "x.nii").write_bytes(bytes(patched))
    (tmp_path / "y.nii").write_bytes(bytes(plain()))
    assert np.array_equal(read(tmp_path / "x.nii").voxels, read(tmp_path / "y.nii").voxels)


def test_few_nan_voxels_become_zero_and_are_counted(tmp_path: Path) -> None:  # A32
    (tmp_path / "v.nii").write_bytes(voxels_with(lambda v: v.__setitem__((0, 0, slice(0, 5)), np.nan)))
    volume = read(tmp_path / "v.nii")
    assert volume.notes == ("5 voxels were not finite and were set to 0",)


def test_scaled_integers_read_in_their_units(tmp_path: Path) -> None:
    made = image()
    made.header.set_slope_inter(0.5, 10)
    (tmp_path / "v.nii").write_bytes(made.to_bytes())
    assert np.allclose(read(tmp_path / "v.nii").voxels, np.asarray(made.dataobj) * 0.5 + 10)


@settings(max_examples=24, deadline=None)
@given(st.permutations([0, 1, 2]), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_every_storage_order_reads_to_the_same_right_and_left(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], flips: tuple[bool, bool, bool]
) -> None:  # A41
    original = np.asarray(image().dataobj)
    ornt = np.array([[axis, -1 if flip else 1] for axis, flip in zip(order, flips, strict=True)])
    stored = nib.orientations.apply_orientation(original, ornt)
    affine = AFFINE @ nib.orientations.inv_ornt_aff(ornt, original.shape)
    path = tmp_path_factory.mktemp("v") / "v.nii"
    path.write_bytes(image(stored, affine).to_bytes())
    volume = read(path)
    assert np.array_equal(volume.voxels, original) and np.allclose(volume.affine, AFFINE, atol=1e-4)


def test_an_unsound_sform_gives_way_to_a_sound_qform(tmp_path: Path) -> None:  # A39
    (tmp_path / "v.nii").write_bytes(forms(SHEARED, AFFINE))
    volume = read(tmp_path / "v.nii")
    assert np.allclose(volume.affine, AFFINE) and volume.notes == ("only the qform is usable",)


def test_a_disagreement_is_noted(tmp_path: Path) -> None:  # A38
    moved = AFFINE.copy()
    moved[0, 3] += 7
    (tmp_path / "v.nii").write_bytes(forms(AFFINE, moved))
    assert read(tmp_path / "v.nii").notes == ("sform and qform differ by up to 7 mm; the sform is used",)


def test_another_grid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.nii").write_bytes(bytes(plain()))
    with pytest.raises(TlesynthError) as caught:
        read_on(tmp_path / "v.nii", GRIDS["mni-3mm"])
    assert caught.value.code == "NII-030"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_in_gzip_data_is_never_read_as_other_voxels(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:  # A05
    good = gzip.compress(bytes(plain()), mtime=0)
    expected = np.asarray(image().dataobj)
    data = bytearray(good)
    data[place % len(data)] ^= 1 << bit
    path = tmp_path_factory.mktemp("f") / "f.nii.gz"
    path.write_bytes(bytes(data))
    try:
        volume = read(path)
    except TlesynthError as error:
        assert error.code.startswith("NII-")
    else:
        assert np.array_equal(volume.voxels, expected)


def test_real_heads_with_awkward_headers_read(tmp_path: Path) -> None:
    root = os.environ.get("TLESYNTH_DATA")
    if not root:
        pytest.skip("TLESYNTH_DATA is not set: no real brains here")
    for subject in ("sub-29", "sub-40", "sub-41", "sub-56"):
        volume = read(Path(root) / f"ds002748/{subject}/anat/{subject}_T1w.nii.gz")
        assert nib.orientations.aff2axcodes(volume.affine) == ("R", "A", "S")
