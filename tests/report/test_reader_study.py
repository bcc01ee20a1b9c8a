import html
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.report.page import render
from tlesynth.report.pictures import Picture
from tlesynth.report.reader_study import FEW_READERS, NONE_MADE, REHEARSED, VERDICTS, limitation, section
from tlesynth.report.sources import Files

from .studies import DESIGNS, READERS, interval, score


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The charts have a test of their own."""
    picture = Picture("data:,", "a chart", 1, 1)
    monkeypatch.setattr("tlesynth.report.reader_study_figures.chart", lambda draw, alt, size: picture)


def _run(folder: Path, design: str, *, rehearsal: bool = False) -> Path:
    durable.write_json(folder / "study" / "score.json", score(design, rehearsal=rehearsal))
    return folder


@pytest.mark.parametrize("design", DESIGNS)
def test_each_design_has_its_section_and_every_number_is_there(tmp_path: Path, design: str) -> None:
    page = render(_run(tmp_path, design))
    part = page[page.index('<section id="reader-study">') : page.index('<section id="settings">')]
    assert all(reader in part for reader in READERS) and "controls" in part and "TLE left" in part
    assert VERDICTS[score(design)["all"]["verdict"]] in part
    assert "not computed" not in part and 'data-source="study/score.json#/all/' in part
    assert ("1.53" in part) == (design != "diagnosis")


def test_without_a_study_the_page_says_so(tmp_path: Path) -> None:
    page = render(tmp_path)
    assert 'id="reader-study"' not in page and NONE_MADE in page
    assert section(Files(tmp_path), {}) is None and limitation(Files(tmp_path)) == NONE_MADE


def test_a_rehearsal_is_never_told_as_a_study(tmp_path: Path) -> None:
    page = render(_run(tmp_path, "yes-no", rehearsal=True))
    assert "rehearsal: no human read these" in page and REHEARSED in page and NONE_MADE not in page


def test_a_study_replaces_the_limitation_by_its_own(tmp_path: Path) -> None:
    assert limitation(Files(_run(tmp_path, "2afc"))) == FEW_READERS
    assert FEW_READERS in html.unescape(render(tmp_path))


def test_what_weakens_a_study_is_printed(tmp_path: Path) -> None:
    found = score("yes-no")
    found["about"]["made"]["held_out"] = False
    found["about"] |= {"missing": {"reader-2": 7}, "recognised": 3}
    found["machine_reader"] = {"not_computed": "the audit was not run"}
    durable.write_json(tmp_path / "study" / "score.json", found)
    page = render(tmp_path)
    assert (
        "not known to be held out" in page
        and "reader-2: 7" in page
        and "a reader knew the scan" in page
        and "the audit was not run" in page
    )


def test_one_reader_has_no_agreement_and_anatomy_is_shown_where_it_was_asked(tmp_path: Path) -> None:
    found = score("yes-no")
    found["about"] |= {"readers": 1, "anatomy": ["impossible", "faults", "a fault", "a doubt", "as in a real brain"]}
    found["readers"] = {"reader-1": found["readers"]["reader-1"]}
    found["anatomy"] = {k: interval(4.2) for k in ("real", "synthetic", "difference")}
    durable.write_json(tmp_path / "study" / "score.json", found)
    page = render(tmp_path)
    part = page[page.index('<section id="reader-study">') : page.index('<section id="settings">')]
    assert "</data> reader, " in part and "AUC of the reader" in part and "Agreement" not in part
    assert 'data-source="study/score.json#/anatomy/difference/value"' in part and "as in a real brain" in part


def test_what_people_said_stands_before_the_runs_own_rehearsal(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "rehearsal" / "score.json", score("yes-no", rehearsal=True))
    assert limitation(Files(tmp_path)) == REHEARSED and "rehearsal/score.json" in render(tmp_path)
    page = render(_run(tmp_path, "2afc"))
    assert FEW_READERS in html.unescape(page) and REHEARSED not in page and "rehearsal/score.json" not in page
