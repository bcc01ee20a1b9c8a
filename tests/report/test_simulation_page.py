"""The page on a simulated cohort: complete, self-contained, honest about small numbers, and made without torch."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.simulate import simulate_cohort
from tlesynth.data.simulate.verification import write_summary
from tlesynth.recipe import Simulate
from tlesynth.report import simulation_page

SETTINGS = Simulate(n_hc=2, n_tle=3, voxel_mm=4.0, sites=2, severity_scale=1.5, sclerosis_share=1.0, failed_scans=0.2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    simulate_cohort(SETTINGS, out, seed=3, jobs=1)
    return out


@pytest.fixture(scope="module")
def page(cohort: Path) -> str:
    return simulation_page.build(cohort, cohort / "page.html").read_text()


def test_the_page_is_one_file_with_every_part(page: str) -> None:
    for part in ("summary", "images", "volumes", "balance", "limits"):
        assert f'<section id="{part}"' in page or f'id="{part}"' in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "no person was scanned" in page and "severity scale 1.5" in page and "<script" not in page
    assert all(line[:40] in page for line in simulation_page.LIMITS)
    assert len(page) < 10_000_000 and 'id="verification"' not in page


def test_few_subjects_get_no_auc(page: str) -> None:
    assert "AUCs need at least 20 subjects" in page


def test_failed_scans_are_counted_and_left_out(page: str, cohort: Path) -> None:
    truth = simulation_page.read_truth(cohort)
    assert (truth.failed != "no").sum() == 1
    rows = simulation_page._counts(truth)
    assert sum(row["failed"] for row in rows) == 1 and sum(row["n"] for row in rows) == 5
    assert [row["words"] for row in rows] == ["controls", "TLE left", "TLE right"]


def made_up(n: int, *, site_leak: bool) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    group = np.where(np.arange(n) % 2, "tle", "hc")
    site = np.where(group == "hc", "a", "b") if site_leak else np.where(np.arange(n) // 2 % 2, "a", "b")
    columns = {"group": group, "site": site, "sex": rng.choice(["F", "M"], n), "age": rng.normal(35, 10, n)}
    return pd.DataFrame(columns | {"icv_ml": rng.normal(1450, 100, n)})


def test_a_site_that_gives_the_group_away_is_seen() -> None:
    for leak, expected in ((False, 0.5), (True, 1.0)):
        truth = made_up(100, site_leak=leak)
        rows = simulation_page.predictors(truth, pd.Series(1.0, truth.index), planted=True)
        found = {row["name"]: row["auc"] for row in rows}
        assert found["site"] == expected and found["mean intensity of the image"] == 0.5
        p = {row["name"]: row["p"] for row in simulation_page.balance(truth)}
        assert (p["site"] < 0.001) == leak


def test_a_planted_cohort_shows_its_verification_instead(cohort: Path, tmp_path: Path) -> None:
    copied = tmp_path / "planted"
    copied.mkdir()
    for name in ("participants.tsv", *(p.name for p in cohort.glob("sub-*"))):
        (copied / name).symlink_to(cohort / name)
    truth = durable.read_table(cohort / "derivatives" / "truth" / "truth.tsv").assign(scenario="planted")
    durable.write_table(copied / "derivatives" / "truth" / "truth.tsv", truth)
    measured = pd.DataFrame({"ratio_hippocampus_left": [0.7, 0.9, 1.0], "measured_ratio_left_label": [0.72, 0.91, 1.0]})
    write_summary(copied / "derivatives" / "truth", measured)
    page = simulation_page.build(copied, tmp_path / "page.html").read_text()
    assert 'id="verification"' in page and 'id="volumes"' not in page and "Real heads with a planted disease" in page
    assert re.search(r'own label map</th><td class="num">3</td>', page)
