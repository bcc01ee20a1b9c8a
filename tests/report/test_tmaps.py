from pathlib import Path

import numpy as np

from tlesynth.report import pictures, tmaps
from tlesynth.report.figures import Figures
from tlesynth.report.sources import Files
from tlesynth.volume import GRIDS, write


def test_a_contrast_that_both_cohorts_have_is_a_row_of_slices(drawn: Figures) -> None:
    (row,) = drawn.measured.maps
    assert row.title == "TLE minus controls"
    captions = [picture.caption for picture in row.pictures]
    assert captions == ["real, coronal", "real, axial", "synthetic, coronal", "synthetic, axial"]


def test_a_map_without_its_counterpart_is_not_shown(tmp_path: Path) -> None:
    grid = GRIDS["mni-3mm"]
    write(tmp_path / "evaluation/tmap_real_tle.nii.gz", np.zeros(grid.shape, np.float32), grid.affine, dtype="float32")
    assert tmaps.rows(Files(tmp_path)) == []


def test_the_colours_are_even_around_zero() -> None:
    below, zero, above = (pictures.signed_colours(np.array([[t]]), 5.0)[0, 0] for t in (-5.0, 0.0, 5.0))
    assert below[2] > below[0] and above[0] > above[2], "blue below, red above"
    assert zero.min() > 0.95
