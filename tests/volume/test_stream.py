"""The bytes of a file: gzip to its last byte, other kinds by their name, odd paths, and files that move."""

import errno
import gzip
import os
import socket
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume, look, read
from tlesynth.volume.stream import looks_like, settled

Nifti = Callable[..., bytes]
Refused = Callable[..., TlesynthError]
ReadBack = Callable[..., Volume]


def test_a06_a_little_garbage_after_the_gzip_data_is_noted(nifti: Nifti, read_back: ReadBack) -> None:
    volume = read_back(gzip.compress(nifti()) + b"garbage", "v.nii.gz")
    assert volume.notes == ("7 bytes that are not gzip follow the data",)
    assert read_back(gzip.compress(nifti()) + bytes(512), "v.nii.gz").notes == ()


def test_a06_much_garbage_is_refused(nifti: Nifti, refused: Refused) -> None:
    assert refused(gzip.compress(nifti()) + b"x" * 1_100_000, "v.nii.gz").code == "NII-013"


@pytest.mark.parametrize("cut", [1, 351, 400, 5000])
def test_a07_several_gzip_members_are_one_file(cut: int, nifti: Nifti, read_back: ReadBack) -> None:
    data = nifti()
    packed = gzip.compress(data[:cut]) + gzip.compress(b"") + gzip.compress(data[cut:])
    assert np.array_equal(read_back(packed, "v.nii.gz").voxels, read_back(data).voxels)


def test_a07_a_second_member_cut_off_is_truncated(nifti: Nifti, refused: Refused) -> None:
    data = nifti()
    assert refused(gzip.compress(data[:5000]) + gzip.compress(data[5000:])[:-9], "v.nii.gz").code == "NII-002"


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"/annex/objects/MD5E-s123--abc.nii.gz\n", "datalad get"),
        (b"\n <!DocType html><html>", "HTML"),
        (b'<?xml version="1.0"?>', "XML"),
        (bytes(128) + b"DICM", "dcm2niix"),
        (b"\x00\x00\x00\x01\x00\x00\x01\x00", "mri_convert"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (bytes(257) + b"ustar", "tar"),
        (b"\x89HDF\r\n", "MINC"),
        (b"NRRD0004", "NRRD"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a10_another_kind_of_file_is_called_by_its_name(start: bytes, words: str, refused: Refused) -> None:
    data = start + bytes(1000)
    for name, content in (("v.nii", data), ("v.nii.gz", data), ("v.nii.gz", gzip.compress(data))):
        error = refused(content, name)
        if content is data or b"\x00" in start[:1]:
            assert error.code == "NII-006"
            assert words in error.why
    assert words in looks_like(data)


def test_a10_mgz_and_a_link_without_content_say_what_to_run(tmp_path: Path, nifti: Nifti) -> None:
    (tmp_path / "brain.mgz").write_bytes(gzip.compress(nifti()))
    (tmp_path / "annexed.nii.gz").symlink_to(".git/annex/objects/x/y")
    (tmp_path / "dangling.nii.gz").symlink_to("nowhere")
    (tmp_path / "circle.nii.gz").symlink_to("circle.nii.gz")
    for name, code, words in (
        ("brain.mgz", "NII-006", "mri_convert"),
        ("annexed.nii.gz", "NII-006", "datalad get"),
        ("dangling.nii.gz", "NII-008", "link to nothing"),
        ("circle.nii.gz", "NII-008", "levels"),
    ):
        with pytest.raises(TlesynthError, match=words) as caught:
            read(tmp_path / name)
        assert caught.value.code == code


def test_a11_folders_sockets_and_devices_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "device.nii").symlink_to("/dev/zero")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{short}/s.nii")
        for path in (tmp_path / "folder.nii", tmp_path / "device.nii", Path(short) / "s.nii"):
            with pytest.raises(TlesynthError) as caught:
                read(path)
            assert caught.value.code == "NII-007"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a12_what_the_system_refuses_is_told_in_its_words(
    number: int, tmp_path: Path, nifti: Nifti, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v.nii").write_bytes(nifti())

    def broken(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tlesynth.volume.stream.open", broken, raising=False)
    with pytest.raises(TlesynthError, match=os.strerror(number)) as caught:
        read(tmp_path / "v.nii")
    assert caught.value.code == "NII-008"


def test_a12_a_disk_that_fails_half_way_is_told(tmp_path: Path, nifti: Nifti, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.nii.gz").write_bytes(gzip.compress(nifti()))

    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("tlesynth.volume.stream.Packed.read", broken)
    with pytest.raises(TlesynthError, match=os.strerror(errno.EIO)) as caught:
        read(tmp_path / "v.nii.gz")
    assert caught.value.code == "NII-008"


@pytest.mark.parametrize("packed", [True, False])
def test_a15_a_promise_of_gigabytes_sets_no_memory_aside(packed: bool, tmp_path: Path, nifti: Nifti) -> None:
    data = bytearray(nifti(dim1=720, dim3=720, datatype=64, bitpix=64))
    data[44:46] = (720).to_bytes(2, "little")
    path = tmp_path / ("v.nii.gz" if packed else "v.nii")
    path.write_bytes(gzip.compress(bytes(data)) if packed else bytes(data))
    tracemalloc.start()
    with pytest.raises(TlesynthError) as caught:
        read(path)
    assert caught.value.code == "NII-002"
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


ODD = ["two words", "quote'\"s", ";$(touch x)", "a\nb", "\x1b[31mred", "-rf", "\N{BRAIN}", "x" * 240, "caf\udce9"]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_a47_odd_paths_are_read_and_shown_escaped(name: str, tmp_path: Path, nifti: Nifti) -> None:
    path = tmp_path / f"{name}.nii"
    path.write_bytes(nifti())
    assert read(path).voxels.shape == (20, 24, 28)
    path.write_bytes(b"")
    with pytest.raises(TlesynthError) as caught:
        look(path)
    assert str(caught.value).isprintable()
    assert str(caught.value).encode()


def test_a48_a_file_that_changes_once_is_read_again(tmp_path: Path, nifti: Nifti) -> None:
    path = tmp_path / "v.nii"
    path.write_bytes(nifti())
    calls = []

    def torn(changing: Path) -> Volume:
        calls.append(1)
        volume = read(changing)
        if len(calls) == 1:
            changing.write_bytes(nifti(voxels=np.arange(13440, dtype=np.int16).reshape(20, 24, 28)))
            os.utime(changing, ns=(time.time_ns(), time.time_ns() + 10**9))
        return volume

    assert settled(path, torn).voxels.max() == 13439
    assert len(calls) == 2


def test_a48_a_file_that_keeps_changing_is_left_out(tmp_path: Path, nifti: Nifti) -> None:
    path = tmp_path / "v.nii"

    def truncated(changing: Path) -> Volume:
        changing.write_bytes(nifti()[: 3000 + len(calls)])
        calls.append(1)
        return read(changing)

    calls: list[int] = []
    with pytest.raises(TlesynthError) as caught:
        settled(path, truncated)
    assert caught.value.code == "NII-029"
    assert len(calls) == 2
