"""The page tells the study: its verdict, its intervals, the paper's beside ours, and what was not run."""

import re
from pathlib import Path

import pytest
from made_study import made_ledger

from tlesynth import durable
from tlesynth.report import ledger_figures, ledger_section, page
from tlesynth.report.quoting import Quoter
from tlesynth.report.sources import Files


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has nothing but a study."""
    root = tmp_path_factory.mktemp("studied")
    durable.write_json(root / ledger_section.LEDGER, made_ledger())
    return root


@pytest.fixture(scope="module")
def told(run: Path) -> str:
    """The section as HTML."""
    return section(run)


def section(run: Path) -> str:
    whole = page.render(run)
    start = whole.index('<section id="augmentation">')
    return whole[start : whole.index("</section>", start)]


def test_the_verdict_stands_first_with_its_numbers(told: str) -> None:
    assert "Yes: a gain" in told
    assert "This study could have seen a gain of" in told
    assert "real + synthetic, ratio chosen on validation" in told
    assert "2026-01-02 10:00:00 +0000" in told, "when test was opened"


def test_the_papers_intervals_stand_beside_ours(told: str) -> None:
    assert 'data-source="paper:table4_intervals/real/accuracy/low"' in told
    assert "76.5%" in told and "85.6%" in told


def test_parts_sites_and_what_was_not_run(told: str) -> None:
    assert "Hospital" in told and "sclerosis: yes" in told and "seizures on the left" in told
    assert "real + synthetic 1:2 (<data" in told and "too few" in told
    assert "these are fewer, so read the interval" in told


def test_all_five_differences_the_controls_and_the_intercept_are_told(told: str) -> None:
    at = "networks/cnn3d/against_rival/real+0.5/"
    for name in ("auc_roc", "aucpr", "accuracy", "sensitivity_at_90", "brier"):
        assert f"#/{at}{name}/low" in told
    assert "figures/calibration_intercept/low" in told and "figures/calibration_slope/low" in told
    assert "against_real/chosen/auc_roc/low" in told and "against_real/chosen/holm_p" in told
    assert "<b>Control, real + synthetic, labels shuffled:</b>" in told and ": so it is.</p>" in told


def test_the_papers_gain_is_told_as_paired_scans(told: str) -> None:
    assert "0.016 if no scan went the other way" in told and "overlaps" not in told


def test_a_control_that_fails_is_told_with_its_odds(run: Path, tmp_path: Path) -> None:
    found = durable.read_json(run / ledger_section.LEDGER)
    found["networks"]["cnn3d"]["controls"]["shuffled"]["reading"] = "not as it must"
    durable.write_json(tmp_path / ledger_section.LEDGER, found)
    assert "Chance does that to about one study in 20" in section(tmp_path)


def test_a_site_that_is_harmed_is_told_with_its_sign(run: Path, tmp_path: Path) -> None:
    found = durable.read_json(run / ledger_section.LEDGER)
    found["networks"]["cnn3d"]["sites"]["warning"] = True
    durable.write_json(tmp_path / ledger_section.LEDGER, found)
    text = re.sub("<[^>]*>", "", section(tmp_path))
    assert "at one site the AUC fell by more than 0.05" in text


def test_a_study_of_the_side_says_so_and_leaves_the_papers_table_out(tmp_path: Path) -> None:
    durable.write_json(tmp_path / ledger_section.LEDGER, made_ledger(task="side"))
    told = section(tmp_path)
    assert "This study asks for the side of the seizures" in told and "seizures on the right" in told
    assert "table4" not in told and "the paper:" not in told


def test_every_network_has_its_name_in_a_sentence_and_the_undeclared_are_corrected(tmp_path: Path) -> None:
    durable.write_json(tmp_path / ledger_section.LEDGER, made_ledger(("efficientnet", "volumes")))
    told = section(tmp_path)
    assert "(the paper's 2D network on coronal slices)" in told.replace("&#39;", "'")
    assert "networks/volumes/against_rival/chosen/holm_p" in told
    assert "networks/efficientnet/against_rival/chosen/holm_p" not in told
    assert ">rival<" not in told


def test_no_detectable_gain_has_its_own_words(run: Path, tmp_path: Path) -> None:
    found = durable.read_json(run / ledger_section.LEDGER)
    found["networks"]["cnn3d"]["verdict"] = found["primary"]["verdict"] = "none"
    durable.write_json(tmp_path / ledger_section.LEDGER, found)
    assert "No detectable gain" in section(tmp_path)


def test_without_a_study_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    durable.write_text(tmp_path / "recipe.yaml", "name: demo\n")
    assert "it has not been run" in section(tmp_path)


def test_the_figures_say_in_words_what_they_draw(run: Path) -> None:
    files = Files(run)
    study = ledger_section.study(files)
    assert study is not None
    forest, curve = study.primary.forest, study.primary.curve
    assert forest is not None and "labels shuffled: " in forest.alt and "real scans" not in forest.alt.split(".")[1]
    assert curve is not None and "20 scans: " in curve.alt
    assert Quoter(files).has(study.at("networks", "cnn3d", "against_rival", "chosen", "auc_roc"))


def test_arms_have_names_and_the_declared_one_comes_first() -> None:
    assert ledger_figures.words_of("real+0.25") == "real + synthetic 1:0.25"
    assert ledger_figures.ordered(["real", "real-n50", "real+1", "chosen"]) == ["chosen", "real+1", "real"]


def test_what_a_call_means_stands_at_both_thresholds_and_each_prevalence(run: Path, told: str) -> None:
    assert "Here patients are" not in told
    assert "What a call means" in told and "Is it worth acting on?" in told
    table = told[told.index("What a call means") :]
    assert table.count("that validation chose") == 3 and "if <data" in table and ">10%</data> are patients" in table
    found = durable.read_json(run / ledger_section.LEDGER)["networks"]["cnn3d"]["decisions"]
    assert f">{found['arms']['chosen']['at']['half']['ppv'][0]['value']:.2f}</data>" in table


def test_for_the_side_no_prevalence_is_made_up(run: Path, tmp_path: Path) -> None:
    found = durable.read_json(run / ledger_section.LEDGER)
    found["about"]["task"] = "side"
    durable.write_json(tmp_path / ledger_section.LEDGER, found)
    found = section(tmp_path)
    assert "PPV" not in found and "Here patients are those whose seizures start on the left" in found
