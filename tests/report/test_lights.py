import json
import re
from pathlib import Path

from tlesynth.report.lights import questions
from tlesynth.report.page import render
from tlesynth.report.sources import Files


def test_the_lights_are_the_evaluations_in_its_order(finished_run: Path) -> None:
    files = Files(finished_run)
    told = json.loads((finished_run / "evaluation/results.json").read_text())["verdict"]
    found = questions(files)
    names = [light.name for question in found for light in question.lights]
    assert names == [name for asked in told["questions"].values() for name in asked["lights"]]
    for light in (light for question in found for light in question.lights):
        assert light.colour == told["lights"][light.name]["light"]
        for figure in light.figures:
            source = files.resolve(figure.read_from)
            assert (
                source.startswith(("/", "augmentation/ledger.json#/")) and files.resolve(figure.at)["source"] == source
            )


def test_the_lights_stand_first_with_sentence_number_and_limits(report: str) -> None:
    summary = re.sub(r"<[^>]+>", "", report[report.index('id="summary"') : report.index('id="subjects"')])
    words = " ".join(summary.replace("&nbsp;", " ").split())
    assert "Image statistics tell synthetic from real scans easily" in words
    assert "in times that of real ones from each other (Frechet, internal encoder): 39.1 [31.9, 46.3] n = 8" in words
    assert words.index("Are the synthetic scans realistic?") < words.index("Do they help a classifier?")


def test_a_run_that_was_not_judged_says_how(finished_run: Path, tmp_path: Path) -> None:
    found = json.loads((finished_run / "evaluation/results.json").read_text())
    del found["verdict"]
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation/results.json").write_text(json.dumps(found))
    assert questions(Files(tmp_path)) == []
    assert "<code>tlesynth evaluate RUN --judge-only</code>" in render(tmp_path)
