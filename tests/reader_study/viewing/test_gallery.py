"""What a gallery holds, and where a difference comes from."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.viewing.gallery import Shelf, nifti, of_run, open_gallery
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


def test_cards_tell_group_side_and_pairs(run: Path) -> None:
    cards = open_gallery(run / "derivatives", run / "changed").cards()
    assert [(c["id"], c["group"], c["side"], c["words"], c["paired"]) for c in cards] == [
        ("sub-A1", "hc", "", "healthy control", True),
        ("sub-A2", "tle", "left", "left TLE", False),
        ("sub-A3", "tle", "right", "right TLE", False),
    ]


def test_the_film_is_found_beside_the_cohort_and_goes_from_noise_to_scan(run: Path, tmp_path: Path) -> None:
    assert [frame.timestep for frame in open_gallery(run / "derivatives").frames] == [1000, 500, 0]
    assert open_gallery(run / "derivatives", film=run / "film").frames[0].condition == "tle-left"
    with pytest.raises(TlesynthError, match="DATA-011"):
        open_gallery(run / "derivatives", film=tmp_path)
    durable.write_json(tmp_path / "film.json", {"frames": [{"timestep": "soon"}]})
    with pytest.raises(TlesynthError, match="DATA-001"):
        open_gallery(run / "derivatives", film=tmp_path)


def test_a_frame_cannot_name_a_file_elsewhere(run: Path, tmp_path: Path) -> None:
    durable.write_json(
        tmp_path / "film.json", {"frames": [{"timestep": 0, "file": "../../etc/passwd", "condition": ""}]}
    )
    assert open_gallery(run / "derivatives", film=tmp_path).frames[0].file == tmp_path / "passwd"


def test_a_difference_is_the_written_one_for_a_counterfactual_and_else_right_minus_left(run: Path) -> None:
    shelf = Shelf(open_gallery(run / "derivatives", run / "changed"))
    inside = shelf.volume("cohort", "sub-A1") > 0
    written = shelf.difference(("cohort", "sub-A1"), ("beside", "sub-A1"))
    assert np.allclose(written[inside], 0.125, atol=1e-3)
    assert np.allclose(written[~inside], -0.125, atol=1e-3)
    other = shelf.difference(("cohort", "sub-A2"), ("beside", "sub-A1"))
    assert np.allclose(other[inside], 0.2, atol=1e-3)
    assert not shelf.difference(("cohort", "sub-A2"), ("cohort", "sub-A3")).any()


def test_bytes_are_the_intensities_in_8_bits_on_the_grid(run: Path) -> None:
    shelf = Shelf(open_gallery(run / "derivatives"))
    image = nib.Nifti1Image.from_bytes(nifti(shelf.bytes_of("cohort", "sub-A1"), GRID))
    assert image.get_data_dtype() == np.uint8
    assert np.allclose(image.affine, GRID.affine)
    assert set(np.unique(np.asanyarray(image.dataobj))) == {0, 128}
    assert bytes(image.header["descrip"].tobytes()).strip(b"\0") == b""


def test_cohorts_on_two_grids_are_not_compared(run: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "other"
    for file in (run / "derivatives").rglob("*"):
        if file.is_file():
            durable.write_bytes(
                renamed / str(file.relative_to(run / "derivatives")).replace("res-3", "res-1p5"), file.read_bytes()
            )
    with pytest.raises(TlesynthError, match="NII-030"):
        open_gallery(run / "derivatives", renamed)


def test_a_run_is_its_scans_beside_what_the_autoencoder_makes_of_them(run: Path, tmp_path: Path) -> None:
    assert of_run(run / "derivatives", None) == (run / "derivatives", None)
    durable.write_text(tmp_path / "recipe.yaml", "name: tiny")
    assert of_run(tmp_path, None) == (tmp_path / "derivatives", None)
    assert of_run(tmp_path, run / "changed") == (tmp_path / "derivatives", run / "changed")
    durable.write_text(tmp_path / "reconstructions" / "participants.tsv", "participant_id")
    assert of_run(tmp_path, None) == (tmp_path / "derivatives", tmp_path / "reconstructions")
