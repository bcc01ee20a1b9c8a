"""Items are the regular files they were made as, or the server does not start."""

from pathlib import Path

import numpy as np
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.serving.items import Items
from tlesynth.reader_study.study import item_path, read_study


def test_voxels_are_those_of_the_file(house: House) -> None:
    import nibabel as nib

    item = sorted(house.study.items)[0]
    image = nib.loadsave.load(item_path(house.items.folder, item))
    assert (house.items.voxels(item) == np.asanyarray(image.dataobj)).all()  # ty: ignore[unresolved-attribute]


@pytest.mark.parametrize("harm", ["link", "shorter", "longer", "changed", "missing", "folder", "added"])
def test_a_harmed_item_is_refused(folder: Path, harm: str) -> None:
    items = Items(folder, read_study(folder))
    path = item_path(folder, sorted(items.study.items)[0])
    content = path.read_bytes()
    if harm != "added":
        path.unlink()
    if harm == "link":
        (folder / "elsewhere").write_bytes(content)
        path.symlink_to(folder / "elsewhere")
    elif harm == "folder":
        path.mkdir()
    elif harm == "added":
        path.with_name("sub-01.nii").write_bytes(content)
    elif harm != "missing":
        path.write_bytes({"shorter": content[:-1], "longer": content + b"0", "changed": content[:-1] + b"\7"}[harm])
    with pytest.raises((TlesynthError, IsADirectoryError), match="STUDY-006|directory"):
        items.warm()
    if harm not in ("changed", "added"):
        with pytest.raises((TlesynthError, IsADirectoryError), match="STUDY-006|directory"):
            items.content(path.stem)
