"""Brain masks that others made: a file given beside the scan, or the work of a command.

The command runs without a shell, on a copy of the scan in a folder of its own that is removed afterwards.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage

from tlesynth import volume
from tlesynth.errors import TlesynthError, fail
from tlesynth.volume import Volume

VOLUME_ML = (300.0, 2400.0)
"""Volume of a brain mask; a whole head with its neck has 3 to 6 litres."""
LEAST_INSIDE = 0.9
"""Share of a given mask that must lie inside the scan's field of view."""
MOST_OF_THE_SCAN = 0.9
"""Share of the scan's box that no brain fills."""


def placed_mask(given: Volume, scan: Volume) -> np.ndarray:
    """A given mask of any grid on the voxels of ``scan``, nearest neighbour: (X, Y, Z) bool.

    Raises:
        TlesynthError: MASK-001 if it is empty, lies outside the scan, or is no brain by its volume.
    """
    inside = given.voxels >= 0.5
    whole_ml = float(inside.sum() * np.prod(given.spacing) / 1000)
    if not inside.any():
        raise fail("MASK-001", "", "it is empty")
    index = np.linalg.inv(given.affine) @ scan.affine
    placed = ndimage.affine_transform(
        inside.astype(np.uint8), index[:3, :3], index[:3, 3], output_shape=scan.voxels.shape, order=0
    ).astype(bool)
    found_ml = float(placed.sum() * np.prod(scan.spacing) / 1000)
    if found_ml < LEAST_INSIDE * whole_ml:
        raise fail("MASK-001", "", f"only {found_ml:.0f} of its {whole_ml:.0f} ml lie inside the scan")
    low, high = VOLUME_ML
    if not low <= found_ml <= high:
        raise fail("MASK-001", "", f"{found_ml:.0f} ml is no brain ({low:.0f} to {high:.0f} ml)")
    if placed.mean() > MOST_OF_THE_SCAN:
        raise fail("MASK-001", "", "it covers the whole scan")
    return placed


def require_program(command: str) -> None:
    """Refuse a command whose program is not here (MASK-002): better told once than for each scan."""
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        raise fail("MASK-002", program, "no such program is on the PATH")


def mask_by_command(scan: Volume, command: str, seconds: float = 0) -> np.ndarray:
    """The mask (X, Y, Z) bool that ``command`` finds; its words hold {input}, and {mask} or {output} (stripped scan).

    ``seconds`` is its time limit, 0 for none.

    Raises:
        TlesynthError: MASK-001 if what it found is no brain, MASK-002 if the program is missing, MASK-003 if it fails
            or takes too long, MASK-004 if it leaves no readable result.
    """
    with tempfile.TemporaryDirectory(prefix="tlesynth-") as folder:
        places = {name: Path(folder) / f"{name}.nii.gz" for name in ("input", "mask", "output")}
        volume.write(places["input"], scan.voxels, scan.affine, dtype="float32")
        words = [_filled(word, places) for word in shlex.split(command)]
        _run(words, Path(folder), seconds)
        result = places["mask" if "{mask}" in command else "output"]
        if not result.is_file():
            raise fail("MASK-004", words[0], f"it wrote no {{{result.name.split('.')[0]}}} file")
        try:
            found = volume.read(result, least_values=1)
        except TlesynthError as error:
            raise fail("MASK-004", words[0], error.why or str(error.code)) from error
    if "{mask}" not in command:
        found = Volume((found.voxels != 0).astype(np.float32), found.affine)
    return placed_mask(found, scan)


def _filled(word: str, places: dict[str, Path]) -> str:
    for name, path in places.items():
        word = word.replace(f"{{{name}}}", str(path))
    return word


def _run(words: list[str], folder: Path, seconds: float) -> None:
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds or None, check=False
        )
    except FileNotFoundError as error:
        raise fail("MASK-002", words[0]) from error
    except subprocess.TimeoutExpired as error:
        raise fail("MASK-003", words[0], f"it took longer than {seconds:g} s") from error
    except OSError as error:
        raise fail("MASK-002", words[0], error.strerror or str(error)) from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise fail("MASK-003", words[0], f"exit status {done.returncode}: {told[-1] if told else 'it said nothing'}")
