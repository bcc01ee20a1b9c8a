"""The flow diagram: every exclusion once, and numbers that add up."""

import re
import shutil
from pathlib import Path

import pytest

from tlesynth.report import flow
from tlesynth.report.quoting import Quoter
from tlesynth.report.sources import Files


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    for name in ("splits.tsv", "derivatives/outcomes.tsv", "derivatives/participants.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(finished_run / name, tmp_path / name)
    return tmp_path


def picture(run: Path) -> str:
    files = Files(run)
    return str(flow.drawn(flow.read(files), Quoter(files)))


def numbers(svg: str) -> dict[str, int]:
    """Every number of the picture by its source; none stands there twice."""
    found = re.findall(r'data-source="([^"]+)">([\d,]+)</tspan>', svg)
    assert len({source for source, _ in found}) == len(found)
    return {source: int(text.replace(",", "")) for source, text in found}


def test_the_flow_adds_up(finished_run: Path) -> None:
    files = Files(finished_run)
    way = flow.read(files)
    left_out = sum(files.resolve(e.source) for e in way.excluded)
    shared = sum(files.resolve(counts["total"]) for counts in way.splits.values())
    assert files.resolve(way.discovered) == files.resolve(way.kept) + left_out == 18
    assert shared == files.resolve(way.kept) == sum(files.resolve(s) for s in way.groups.values()) == 16
    assert [e.reason for e in way.excluded] == ["failed: the brain does not match the template (REG-001)"]
    assert list(way.splits) == ["gen_train", "val", "test"]


def test_the_picture_adds_up_too(run: Path) -> None:
    found = numbers(picture(run))
    left_out = sum(n for source, n in found.items() if "status=" in source)
    totals = [n for source, n in found.items() if source.startswith("splits.tsv") and "group" not in source]
    by_group = [n for source, n in found.items() if source.startswith("splits.tsv") and "group" in source]
    assert found["derivatives/outcomes.tsv#count()"] == 18
    assert 18 - left_out == found["derivatives/participants.tsv#count()"] == sum(totals) == sum(by_group) == 16


def test_every_way_to_be_left_out_is_counted_once(run: Path) -> None:
    rows = [("a", "skipped", "n/a"), ("b", "failed", "NII-001"), ("c", "ok", "n/a"), ("d", "skipped", "n/a")]
    rows += [("e", "excluded", "QC-001"), ("f", "not-run", "OPS-075"), ("g", "excluded", "QC-001")]
    text = "".join("\t".join(row) + "\n" for row in rows)
    (run / "derivatives" / "outcomes.tsv").write_text("participant_id\tstatus\tcode\n" + text)
    files = Files(run)
    counted = {e.reason: files.resolve(e.source) for e in flow.read(files).excluded}
    assert counted == {
        "skipped": 2,
        "failed: the file is empty (NII-001)": 1,
        "excluded: the scan failed the quality control (QC-001)": 2,
        "not run: stopped on request; everything done so far is saved (OPS-075)": 1,
    }
    svg = picture(run)
    for words in ("the file is empty (NII-001)", "the scan failed the quality control (QC-001)"):
        assert re.sub(r"<[^>]+>", " ", svg).count(words) == 1


def test_a_split_of_another_name_is_drawn_as_well(run: Path) -> None:
    table = (run / "splits.tsv").read_text().replace("\ttest\n", "\tsite_holdout\n")
    (run / "splits.tsv").write_text(table)
    assert list(flow.read(Files(run)).splits) == ["gen_train", "val", "site_holdout"]
    assert "site_holdout" in picture(run)


def test_no_box_overlaps_another_and_all_lie_inside(run: Path) -> None:
    reasons = "".join(f"x{k}\tfailed\t{code}\n" for k, code in enumerate(("NII-001", "NII-021", "NII-024", "REG-001")))
    (run / "derivatives" / "outcomes.tsv").write_text("participant_id\tstatus\tcode\nc\tok\tn/a\n" + reasons)
    svg = picture(run)
    width, height = (float(v) for v in re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0])
    boxes = [
        tuple(float(v) for v in m) for m in re.findall(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', svg)
    ]
    assert len(boxes) == 6
    for place, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        for x2, y2, w2, h2 in boxes[:place]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_parts_that_are_missing_are_left_out_of_the_picture(run: Path) -> None:
    (run / "splits.tsv").unlink()
    assert flow.read(Files(run)).splits == {} and "gen_train" not in picture(run)
    (run / "derivatives" / "outcomes.tsv").unlink()
    assert "scans found" not in picture(run)


def test_nothing_from_the_tables_becomes_markup(run: Path) -> None:
    (run / "derivatives" / "outcomes.tsv").write_text("participant_id\tstatus\tcode\na\t<script>\t<b>\n")
    (run / "splits.tsv").write_text("participant_id\tgroup\tsplit\na\thc\t<script>\n")
    assert "<script>" not in picture(run) and "<b>" not in picture(run)
