from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.report.reader_study_figures import drawings, pictures, save_figures
from tlesynth.report.sources import Files

from .studies import DESIGNS, score


@pytest.mark.parametrize("design", DESIGNS)
def test_each_design_has_its_figures_with_their_numbers_in_words(tmp_path: Path, design: str) -> None:
    durable.write_json(tmp_path / "study" / "score.json", score(design))
    found = pictures(Files(tmp_path))
    assert list(found) == ["roc" if design == "yes-no" else "readers", "confidence"]
    assert all(p.light.startswith("data:image/webp") and p.dark for p in found.values())
    first = next(iter(found.values())).alt
    assert {"yes-no": "0.61", "2afc": "0.53 [0.43, 0.63]", "diagnosis": "-0.03 [-0.13, 0.07]"}[design] in first
    assert "10, 8, 6, 4, 2, 18" in found["confidence"].alt


def test_figures_are_files_of_their_own_for_a_paper_the_same_each_time(tmp_path: Path) -> None:
    one, two = (save_figures(score("yes-no"), tmp_path / name) for name in "ab")
    assert [p.name for p in one] == ["roc.svg", "confidence.svg"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two] and b"<svg" in one[0].read_bytes()


def test_a_rehearsals_figures_say_so() -> None:
    assert all("no human read these" in d.alt for d in drawings(score("2afc", rehearsal=True)).values())
    assert not any("rehearsal" in d.alt for d in drawings(score("2afc")).values())


def test_a_run_without_a_study_has_none(tmp_path: Path) -> None:
    assert pictures(Files(tmp_path)) == {}
