"""Scans beside their reconstructions, close-ups that hold both hippocampi, and the spectrum in words."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.report import autoencoder_figures as figures
from tlesynth.report.slices import HIPPOCAMPAL_MM, cut
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Cohort]:
    root, rng = tmp_path_factory.mktemp("cohorts"), np.random.default_rng(0)
    for name in ("preproc", "reconstruction"):
        writer = CohortWriter(root / name, GRID, name, "test", "one random volume")
        writer.write("sub-01", rng.random(GRID.shape, dtype=np.float32), {})
        writer.finish(pd.DataFrame({"group": ["tle"]}, index=["sub-01"]))
    return read_cohort(root / "preproc"), read_cohort(root / "reconstruction")


def test_a_scan_has_input_reconstruction_and_error_in_every_view(cohorts: tuple[Cohort, Cohort]) -> None:
    shown = figures.shown_scan(*cohorts, "sub-01", "the worst")
    assert (shown.group, shown.rank) == ("temporal lobe epilepsy", "the worst")
    assert len(shown.planes) == 3 and len(shown.zooms) == 2
    for row in (*shown.planes, *shown.zooms):
        assert [picture.alt.split(":")[0] for picture in row] == ["Input", "Reconstruction", "Absolute error"]
        assert len({(picture.width, picture.height) for picture in row}) == 1


def test_the_hippocampal_view_is_symmetric_and_as_large_as_it_says(cohorts: tuple[Cohort, Cohort]) -> None:
    box = figures.HIPPOCAMPAL_BOX_MM["coronal"]
    (left, right), (low, high) = box
    whole = cut(cohorts[0].volume("sub-01"), GRID, "coronal", HIPPOCAMPAL_MM["coronal"])
    view = figures._cropped(whole, GRID, "coronal", box)
    assert left == -right
    assert view.shape == pytest.approx(((right - left) / 3 + 1, (high - low) / 3 + 1), abs=1)
    assert figures._cropped(whole, GRID, "coronal", None) is whole


def test_the_spectrum_tells_its_bands_and_is_left_out_where_none_was_measured() -> None:
    band = {"value": -1.5, "low": None, "high": None, "n": 2}
    picture = figures.spectrum_picture({"edges": [0, 0.25, 0.5], "ratio_db": [band, band | {"value": 2.0}]})
    assert picture is not None and "0.12: -1.5 dB, 0.38: +2.0 dB" in picture.alt and picture.dark
    assert figures.spectrum_picture({"edges": [0, 0.5], "ratio_db": [None]}) is None
