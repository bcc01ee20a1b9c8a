"""The quality page: every scan once, the worst first, numbers that add up, nothing that must stay in the lab."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter, volume_path
from tlesynth.data.template import load_template
from tlesynth.errors import REGISTRY, TlesynthError
from tlesynth.recipe.quality import Limit, QualityLimits
from tlesynth.report import cohort_page
from tlesynth.report.cohort_page import build, without_paths
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
IDS = [f"sub-{k:02d}" for k in range(6)]
FLAGS = {"sub-03": "cjv-high;noise_snr-unusual", "sub-04": "homogeneity-unusual", "sub-05": "mask_ml-high"}
WHY = {
    "sub-03": "joint variation (CJV) 0.71 above 0.60; signal to noise 5.0 is unusually low for the site",
    "sub-04": "likeness to the other scans 0.500 is unusually low for the site",
    "sub-05": "brain mask 2900 ml above 2600 ml, a clear failure",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six prepared scans, of which one is left out and two are flagged; one failed and one was skipped."""
    root = tmp_path_factory.mktemp("run") / "derivatives"
    draw = np.random.default_rng(2)
    writer = CohortWriter(root, GRID, "preproc", "fabricated", "Fabricated for tests.")
    head = load_template(GRID).t1
    for name in IDS:
        voxels = head * draw.uniform(0.8, 1, GRID.shape)
        writer.write(name, voxels, {})
        writer.write_mask(name, voxels > 0)
    people = pd.DataFrame({"participant_id": IDS, "group": ["hc", "tle"] * 3, "site": ["A", "A", "A", "B", "B", "B"]})
    writer.finish(people[people["participant_id"] != "sub-05"].assign(age=41.5, sex="F").set_index("participant_id"))
    outcomes = [(i, "ok", None, None) for i in IDS[:-1]] + [("sub-05", "excluded", "QC-001", WHY["sub-05"])]
    outcomes += [
        ("sub-90", "failed", "NII-002", "/data/lab/Jane_Doe/sub-90_T1w.nii.gz ends at byte 9"),
        ("sub-91", "skipped", "DATA-006", "it has no T1-weighted scan"),
    ]
    columns = ["participant_id", "status", "code", "message"]
    durable.write_table(root / "outcomes.tsv", pd.DataFrame(outcomes, columns=columns))
    quality = people[["participant_id"]].assign(
        cjv=[0.4, 0.42, 0.41, 0.71, 0.43, 0.44],
        noise_snr=[20, 21, 22, 5, 20, 21],
        dice=0.95,
        mask_ml=[1400, 1500, 1450, 1480, 1490, 2900],
        homogeneity=[0.9, 0.91, 0.92, 0.9, 0.5, 0.8],
        flags=[FLAGS.get(i) for i in IDS],
        use=["no" if i == "sub-05" else "yes" for i in IDS],
        why=[WHY.get(i) for i in IDS],
    )
    durable.write_table(root / "qc.tsv", quality)
    return root


@pytest.fixture(scope="module")
def page(prepared: Path) -> str:
    return build(prepared, prepared.parent / "qc.html").read_text()


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "derivatives")
    return tmp_path / "derivatives"


def cards(page: str) -> dict[str, str]:
    """The card of each scan by its name, in the order of the page."""
    found = re.findall(r"<article.*?</article>", page, re.S)
    return {re.findall(r"<h3>(\S+)", card)[0]: card for card in found}


def test_every_scan_stands_there_once_the_worst_first(page: str) -> None:
    assert list(cards(page)) == ["sub-05", "sub-03", "sub-04", "sub-00", "sub-01", "sub-02"]
    assert page.count("<article") == 6
    for name, card in cards(page).items():
        assert card.count("<img") == 1 and 'loading="lazy"' in card, name


def test_reasons_stand_in_words_and_only_where_there_are_some(page: str) -> None:
    for name, card in cards(page).items():
        for reason in WHY.get(name, "").split("; "):
            assert reason in card
        assert ("flagged" in card.split(">")[0]) == (name in ("sub-03", "sub-04"))
        assert ("left-out" in card.split(">")[0]) == (name == "sub-05")


def test_those_without_a_scan_are_listed_with_code_and_remedy(page: str) -> None:
    table = re.findall(r'<section id="missing">.*?</section>', page, re.S)[0]
    for name, code in (("sub-90", "NII-002"), ("sub-91", "DATA-006")):
        row = next(r for r in re.findall(r"<tr>.*?</tr>", table, re.S) if name in r)
        assert code in row and REGISTRY[code].remedy in row
    assert "sub-05" not in table


def test_the_numbers_add_up(page: str) -> None:
    numbers = {s: int(n) for s, n in re.findall(r'data-source="([^"]+)">([\d,]+)</tspan>', page)}
    left_out = sum(n for source, n in numbers.items() if "status=" in source)
    assert numbers["outcomes.tsv#count()"] == 8 == numbers["participants.tsv#count()"] + left_out
    everyone = re.findall(r'<th scope="row">all sites</th>(.*?)</tr>', page)[0]
    used, controls, patients, flagged, out = (int(n) for n in re.findall(r">(\d+)<", everyone))
    assert used == controls + patients == numbers["participants.tsv#count()"] == 5
    assert (flagged, out) == (2, 1)


def test_nothing_is_loaded_nothing_runs_and_no_path_age_or_sex_leaves(page: str) -> None:
    bare = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert "http" not in bare and "<script" not in bare and "url(" not in bare
    assert all(src.startswith("data:image/webp;") for src in re.findall(r'src="([^"]*)"', page))
    assert "/data/" not in bare and "Jane_Doe" not in bare and "sub-90_T1w.nii.gz" in bare
    assert "41.5" not in bare


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/srv/x y/z.nii is bad", "x y/z.nii is bad"),
        ("read /a/b/c.nii.gz and C:\\lab\\d.nii", "read c.nii.gz and d.nii"),
        ("sub-1/anat/x.nii 3/4", "sub-1/anat/x.nii 3/4"),
    ],
)
def test_folders_of_absolute_paths_are_taken_out(text: str, left: str) -> None:
    assert without_paths(text) == left


def test_the_banner_knows_a_simulated_cohort(copy: Path) -> None:
    assert "No real patient" not in build(copy, copy.parent / "a.html").read_text()
    durable.write_json(copy.parent / "cohort" / "dataset_description.json", {"Name": "tlesynth simulated cohort"})
    assert "No real patient" in build(copy, copy.parent / "b.html").read_text()
    assert "disease is not" in build(copy, copy.parent / "c.html", data="planted").read_text()


def test_beyond_the_most_the_rest_is_counted(prepared: Path, tmp_path: Path) -> None:
    page = build(prepared, tmp_path / "few.html", most=2).read_text()
    assert list(cards(page)) == ["sub-05", "sub-03"]
    assert "The 2 worst are shown; 4 more" in page


def test_a_cohort_that_was_not_judged_says_so(copy: Path) -> None:
    table = durable.read_table(copy / "qc.tsv").drop(columns=["flags", "use", "why", "homogeneity"])
    durable.write_table(copy / "qc.tsv", table)
    page = build(copy, copy.parent / "x.html").read_text()
    assert "has not been judged" in page and len(cards(page)) == 6


def test_flags_without_reasons_are_put_into_words(copy: Path) -> None:
    durable.write_table(copy / "qc.tsv", durable.read_table(copy / "qc.tsv").drop(columns="why"))
    found = cards(build(copy, copy.parent / "x.html").read_text())
    assert "joint variation (CJV) 0.71: above its limit" in found["sub-03"]
    assert WHY["sub-05"] in found["sub-05"], "the ledger's message"


def test_a_damaged_or_missing_volume_costs_its_own_picture_only(copy: Path) -> None:
    volume_path(copy, "sub-00", GRID, "preproc").write_bytes(b"no scan")
    volume_path(copy, "sub-01", GRID, "preproc").unlink()
    found = cards(build(copy, copy.parent / "x.html").read_text())
    assert "No picture" in found["sub-00"] and "No picture" in found["sub-01"] and "<img" in found["sub-02"]


def test_group_and_site_of_those_left_out_are_taken_from_the_ledger_where_it_has_them(copy: Path) -> None:
    assert "not known" in cards(build(copy, copy.parent / "x.html").read_text())["sub-05"]
    durable.write_table(copy / "outcomes.tsv", durable.read_table(copy / "outcomes.tsv").assign(group="tle", site="B"))
    assert "TLE, B" in cards(build(copy, copy.parent / "x.html").read_text())["sub-05"]


def test_nothing_from_the_tables_becomes_markup(copy: Path) -> None:
    evil = "<script>alert(1)</script>"
    table = durable.read_table(copy / "qc.tsv")
    table["why"], table["flags"] = evil, evil
    durable.write_table(copy / "qc.tsv", table)
    people = durable.read_table(copy / "participants.tsv").assign(site=evil)
    durable.write_table(copy / "participants.tsv", people)
    outcomes = durable.read_table(copy / "outcomes.tsv")
    outcomes.loc[6, ["code", "message"]] = evil
    durable.write_table(copy / "outcomes.tsv", outcomes)
    assert "<script" not in build(copy, copy.parent / "x.html").read_text()


def test_the_recipes_limits_are_drawn(prepared: Path, tmp_path: Path) -> None:
    tight = QualityLimits(cjv=Limit(high=0.405))
    page = build(prepared, tmp_path / "x.html", limits=tight).read_text()
    assert "5 outside the limit" in page and "recipe's limits" in page.replace("&#39;", "'")


def test_no_scan_at_all_still_makes_a_page_and_no_ledger_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-011"):
        build(tmp_path, tmp_path / "x.html")
    rows = [{"participant_id": "sub-1", "status": "failed", "code": "NII-001", "message": None}]
    durable.write_table(tmp_path / "outcomes.tsv", pd.DataFrame(rows))
    page = build(tmp_path, tmp_path / "x.html").read_text()
    assert "No scan was prepared" in page and "NII-001" in page


def test_pictures_shrink_as_the_cohort_grows() -> None:
    heights = list(cohort_page.HEIGHTS.items())
    assert heights == sorted(heights) and [h for _, h in heights] == sorted((h for _, h in heights), reverse=True)
