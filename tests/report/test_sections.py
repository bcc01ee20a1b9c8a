import shutil
from pathlib import Path

import pytest

from tlesynth import durable, recipe
from tlesynth.report import sections
from tlesynth.report.sources import Files


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    for name in ("recipe.yaml", "splits.tsv", "evaluation/results.json", "derivatives/outcomes.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(finished_run / name, tmp_path / name)
    return tmp_path


def test_the_paper_recipe_deviates_nowhere_and_a_change_is_seen(run: Path) -> None:
    durable.write_text(run / "recipe.yaml", recipe.dump(recipe.load("paper")))
    assert sections.deviations(Files(run)) == []
    durable.write_text(run / "recipe.yaml", recipe.dump(recipe.load("paper", ["sample.guidance=1.5"])))
    (row,) = sections.deviations(Files(run))
    assert row.name == "sample.guidance"
    files = Files(run)
    assert (files.resolve(row.source), files.resolve(row.reference)) == (1.5, 1.0)


def test_gaps_are_stages_that_did_not_run_and_numbers_that_were_refused(run: Path) -> None:
    gaps = sections.gaps(Files(run))
    assert ("Autoencoder", "tlesynth train autoencoder") in [(g.what, g.command) for g in gaps]
    without_weights = "reconstruction › fid, fid › hc, fid › tle, generation › inception"
    assert (without_weights, "weights missing: inception-v3") in [(g.what, g.why) for g in gaps]
    assert not [g for g in gaps if g.what == "Splits"]


def test_every_setting_of_a_file_is_listed_in_order(run: Path) -> None:
    durable.write_json(run / "c.json", {"b": {"x": 1, "y": [1, 2]}, "a": [{"k": 2}], "e": {}})
    assert [s.name for s in sections.settings(Files(run), "c.json")] == ["b.x", "b.y", "a.0.k", "e"]
    assert sections.settings(Files(run), "gone.json") == []


@pytest.mark.parametrize("kind", list(sections.KINDS))
def test_limitations_say_what_the_data_were(run: Path, kind: str) -> None:
    results = durable.read_json(run / "evaluation" / "results.json")
    durable.write_json(run / "evaluation" / "results.json", results | {"about": {"data": kind}})
    lines = sections.limitations(Files(run))
    assert lines[0] == sections.KINDS[kind]
    assert "small" in lines[1] and "3 mm" in lines[2]
