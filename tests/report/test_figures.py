from pathlib import Path

from tlesynth.report.figures import Figures, collect
from tlesynth.report.sources import Files


def test_a_complete_run_has_every_figure(drawn: Figures) -> None:
    found = drawn
    assert found.examples and found.film and found.gallery and found.receiver
    assert set(found.reconstructions) == {"coronal", "sagittal", "axial"}
    assert set(found.training) == {"Autoencoder", "Latent diffusion", "Classifier"}
    assert found.quality_column == "dice"
    assert found.measured.effects and found.measured.spectrum and found.measured.maps


def test_reconstructions_are_of_test_subjects(drawn: Figures) -> None:
    rows = drawn.reconstructions["coronal"]
    assert [r.title.split(",")[0] for r in rows] == ["sub-Rhc03", "sub-Rtle03"]


def test_an_empty_run_has_none(tmp_path: Path) -> None:
    assert collect(Files(tmp_path)) == Figures()
