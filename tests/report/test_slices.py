from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.report import slices
from tlesynth.volume import GRIDS


@pytest.fixture(scope="module")
def real(finished_run: Path) -> Cohort:
    return read_cohort(finished_run / "derivatives")


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_the_seventieth_slice_is_where_the_paper_took_it(grid: slices.Grid) -> None:
    for plane, millimetres in slices.SEVENTIETH_MM.items():
        axis = slices.PLANES[plane]
        found = grid.origin[axis] + grid.spacing * grid.index(axis, millimetres)
        assert abs(found - millimetres) <= grid.spacing / 2
        if grid.spacing == 1.5:
            assert grid.index(axis, millimetres) == 70


def test_cuts_have_the_shapes_of_the_paper() -> None:
    grid = GRIDS["mni-1.5mm"]
    voxels = np.zeros(grid.shape, np.float32)
    shapes = {plane: slices.cut(voxels, grid, plane, 0.0).shape for plane in slices.PLANES}
    assert shapes == {"coronal": (112, 112), "sagittal": (136, 112), "axial": (112, 136)}


def test_examples_show_the_first_subject_in_three_planes(real: Cohort) -> None:
    row = slices.examples(real)
    assert row.title == "sub-Rhc00"
    assert [p.caption.split(",")[0] for p in row.pictures] == ["coronal", "sagittal", "axial"]


def test_subjects_are_the_first_by_name(real: Cohort) -> None:
    assert slices.first_of_each_group(real) == ["sub-Rhc00", "sub-Rtle00"]
    assert slices.first_of_each_group(real, {"sub-Rtle05", "sub-Rtle03"}) == ["sub-Rtle03"]


def test_a_perfect_reconstruction_has_a_black_error_map(real: Cohort) -> None:
    row = slices.reconstructions(real, real, ["sub-Rhc00"], "coronal")[0]
    original, copy, error = row.pictures
    assert original.light == copy.light
    assert error.light == slices.mapped_picture(np.zeros((56, 56)), 1.0, "").light


def test_the_gallery_puts_real_beside_synthetic(finished_run: Path, real: Cohort) -> None:
    rows = slices.gallery(real, read_cohort(finished_run / "synthetic"), count=3)
    assert [r.mark for r in rows] == ["real", "synthetic", "real", "synthetic"]
    assert all(len(r.pictures) == 3 for r in rows)
    assert rows[2].pictures[0].caption == "Rtle00 left"


def test_the_worst_come_first_and_strangers_are_left_out(real: Cohort) -> None:
    table = pd.DataFrame(
        {
            "participant_id": ["sub-Rhc00", "sub-Rhc01", "sub-Rhc02", "sub-gone"],
            "dice": ["0.95", "0.81", "n/a", "0.1"],
        }
    )
    assert slices.worst(table, real, "dice", low_is_worse=True) == ["sub-Rhc01", "sub-Rhc00"]
    assert slices.worst(table, real, "dice", low_is_worse=False, count=1) == ["sub-Rhc00"]


def test_the_film_runs_from_noise_to_a_head(finished_run: Path) -> None:
    frames = [
        {"timestep": t, "file": f"frame-{k}.nii.gz", "condition": "tle"} for k, t in enumerate((1000, 600, 300, 0))
    ]
    rows = slices.film(finished_run / "film", {"frames": frames})
    assert [r.title for r in rows] == ["temporal lobe epilepsy"]
    assert [p.caption for p in rows[0].pictures] == ["t = 1000", "t = 600", "t = 300", "t = 0"]


def test_the_film_does_not_leave_its_folder(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="NII-008"):
        slices.film(tmp_path, {"frames": [{"timestep": 0, "file": str(finished_run / "film" / "frame-0.nii.gz")}]})
