"""A mask of any grid lands where it lies in the world; commands and masks that are no good are refused with words."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlesynth.data.preprocess.brain_mask import find_brain
from tlesynth.data.preprocess.external_mask import mask_by_command, placed_mask
from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume

SHIFT = np.array([[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


@pytest.fixture
def scan(brain: Callable[..., Volume]) -> Volume:
    return brain(np.eye(4), spacing=5.0, shape=(42, 46, 42))


def command(tmp_path: Path, body: str) -> str:
    """A command that runs ``body`` in Python with the words after it as sys.argv."""
    script = tmp_path / "tool with space.py"
    script.write_text(f"import sys, time\nimport nibabel as nib, numpy as np\n{body}\n")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"


MASKS = (
    "image = nib.load(sys.argv[1])\n"
    "found = (np.asarray(image.dataobj) > 0).astype('uint8')\n"
    "nib.save(nib.Nifti1Image(found, image.affine), sys.argv[2])"
)


def test_a_mask_on_another_grid_lands_where_it_lies(scan: Volume) -> None:
    truth = scan.voxels > 0
    mirrored = Volume(truth[::-1].astype(np.float32), scan.affine @ SHIFT @ np.diag([1.0, 1, 1, 1]))
    mirrored.affine[:3, 3] += scan.affine[:3, 0] * (truth.shape[0] - 1)
    assert np.array_equal(placed_mask(mirrored, scan), truth)
    finer = Volume(np.repeat(np.repeat(np.repeat(truth, 2, 0), 2, 1), 2, 2).astype(np.float32), scan.affine.copy())
    finer.affine[:3, :3] /= 2
    finer.affine[:3, 3] -= 1.25
    assert np.array_equal(placed_mask(finer, scan), truth)
    assert find_brain(scan, "given", given=mirrored).method == "given"
    assert find_brain(scan, given=mirrored).method == "given"
    assert find_brain(scan).method == "extracted"


@pytest.mark.parametrize(("change", "told"), [("empty", "empty"), ("head", "ml is no brain"), ("away", "inside the")])
def test_a_mask_that_is_no_brain_of_this_scan_is_refused(scan: Volume, change: str, told: str) -> None:
    truth = (scan.voxels > 0).astype(np.float32)
    affine = scan.affine.copy()
    affine[0, 3] += 70 if change == "away" else 0
    voxels = {"empty": truth * 0, "head": truth * 0 + 1, "away": truth}[change]
    with pytest.raises(TlesynthError, match=told) as caught:
        placed_mask(Volume(voxels, affine), scan)
    assert caught.value.code == "MASK-001"


def test_given_without_a_mask_is_told(scan: Volume) -> None:
    with pytest.raises(TlesynthError, match="none beside") as caught:
        find_brain(scan, "given")
    assert caught.value.code == "MASK-001"


def test_a_command_gives_a_mask_or_a_stripped_scan(scan: Volume, tmp_path: Path) -> None:
    run = command(tmp_path, MASKS)
    assert np.array_equal(mask_by_command(scan, f"{run} {{input}} {{mask}}"), scan.voxels > 0)
    found = find_brain(scan, "command", command=f"{run} {{input}} {{output}}", seconds=60)
    assert (found.method, found.voxels.sum()) == ("command", (scan.voxels > 0).sum())


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("sys.exit('licence\\nno licence file')", "MASK-003", "exit status 1: no licence file"),
        ("time.sleep(30)", "MASK-003", "longer than 2 s"),
        ("pass", "MASK-004", "wrote no {mask} file"),
        ("open(sys.argv[2], 'w').write('text')", "MASK-004", ""),
        ("nib.save(nib.Nifti1Image(np.zeros((20, 20, 20), 'uint8'), np.eye(4)), sys.argv[2])", "MASK-00", ""),
    ],
)
def test_a_command_that_fails_says_how_a45(scan: Volume, tmp_path: Path, body: str, code: str, told: str) -> None:
    with pytest.raises(TlesynthError) as caught:
        mask_by_command(scan, f"{command(tmp_path, body)} {{input}} {{mask}}", 2 if "sleep" in body else 60)
    assert caught.value.code.startswith(code)
    assert told in caught.value.why


def test_a_missing_program_is_named(scan: Volume) -> None:
    with pytest.raises(TlesynthError, match="no-such-program") as caught:
        mask_by_command(scan, "no-such-program {input} {mask}")
    assert caught.value.code == "MASK-002"
