import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlesynth import durable, recipe
from tlesynth.errors import TlesynthError
from tlesynth.report.page import LARGEST, build, render

from .reading import Reader, bare_numbers, numbers_are_those_of_their_sources, words_are_those_of_their_sources


@pytest.fixture(scope="session")
def seen(report: str) -> Reader:
    return Reader(report)


def test_every_number_is_what_its_source_says(finished_run: Path, seen: Reader) -> None:
    assert len(seen.values) > 150
    numbers_are_those_of_their_sources(finished_run, seen)


def test_words_are_those_of_their_source(finished_run: Path, seen: Reader) -> None:
    assert words_are_those_of_their_sources(finished_run, seen) > 20


def test_every_number_in_a_table_of_results_carries_a_source(report: str) -> None:
    assert bare_numbers(report) == []


def test_use_and_loading_are_told_of_the_runs_classifiers(report: str) -> None:
    section = report[report.index('<section id="classification">') :]
    section = section[: section.index("</section>")]
    assert "Is it worth acting on?" in section and "Net benefit by the probability" in section
    told = section[section.index("spent loading volumes") :]
    assert "real only <data" in told and ">2.1%</data>" in told and "synthetic only" not in told[: told.index("</p>")]


def test_the_page_loads_nothing(report: str, seen: Reader) -> None:
    assert all(load.startswith("data:image/webp;base64,") for load in seen.loads)
    assert "script" not in seen.tags and "iframe" not in seen.tags
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", report)
    assert not re.search(r"@import|url\(", report)


def test_the_page_is_small(report: str) -> None:
    assert len(report.encode()) < min(3_000_000, LARGEST)


def test_images_have_words_and_sizes(seen: Reader) -> None:
    assert len(seen.images) > 40
    assert all(len(i["alt"] or "") > 10 and i["width"] and i["height"] for i in seen.images)


def test_links_lead_somewhere_and_ids_are_unique(seen: Reader) -> None:
    assert len(seen.ids) == len(set(seen.ids))
    assert all(link.startswith("#") and link[1:] in seen.ids for link in seen.links)


def test_headings_and_captions(report: str) -> None:
    assert report.count("<h1>") == 1
    assert "Research use only, not clinical evidence" in report
    assert "Simulated scans: no person was scanned" in report
    for caption in ("Table 1.", "Table 2.", "Table 3, second row.", "Table 4.", *(f"Figure {k}." for k in range(3, 8))):
        assert f"<b>{caption}</b>" in report
    bare = re.sub(r"<[^>]+>", "", report)
    assert "19 of 24 scans of both groups" in bare
    # Only what the fabricated results refuse is missing.
    refused = {f"weights missing: {name}" for name in ("lpips-alex", "lpips-squeeze", "inception-v3")}
    refused |= {"the floor cannot be told from 0", "no augmentation study was made"}
    assert "for age, sex and head size, learnt from 20 real controls" in " ".join(bare.split())
    assert set(re.findall(r"not computed: ([^<]*)", report)) == refused
    assert "87.36" in report and "81.3%" in report, "the paper's own numbers"
    assert "tlesynth weights fetch inception-v3" in report


PARTS = [
    "recipe.yaml",
    "derivatives",
    "splits.tsv",
    "autoencoder",
    "reconstructions",
    "synthetic",
    "film",
    "classifier",
    "evaluation",
]


def linked(run: Path, into: Path, without: set[str]) -> Path:
    """The run with some parts left out."""
    into.mkdir()
    for part in run.iterdir():
        if part.name not in without:
            (into / part.name).symlink_to(part) if part.is_file() else shutil.copytree(part, into / part.name)
    return into


# The pictures cost time; where they are not what is tested, their parts are left out.
PICTURES = {"derivatives", "reconstructions", "synthetic", "film", "classifier", "autoencoder", "diffusion"}


@pytest.fixture(scope="module")
def without(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[frozenset[str]], str]:
    """The page of the run without some parts; each such page is made once."""

    @functools.cache
    def rendered(missing: frozenset[str]) -> str:
        return render(linked(finished_run, tmp_path_factory.mktemp("linked") / "run", set(missing)))

    return rendered


def test_the_same_run_gives_the_same_page(finished_run: Path, tmp_path: Path) -> None:
    run = linked(finished_run, tmp_path / "run", PICTURES - {"film"})
    assert render(run) == render(run)


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named_with_its_command(without: Callable[[frozenset[str]], str], part: str) -> None:
    seen = without(frozenset(PICTURES | {part}))
    Reader(seen)
    command = {
        "recipe.yaml": "run",
        "derivatives": "preprocess",
        "splits.tsv": "split",
        "autoencoder": "train autoencoder",
        "reconstructions": "encode",
        "synthetic": "sample",
        "film": "sample",
        "classifier": "train classifier",
        "evaluation": "evaluate",
    }[part]
    assert f"<code>tlesynth {command}</code>" in seen


def test_an_empty_run_still_makes_a_page(tmp_path: Path) -> None:
    page = build(tmp_path, tmp_path / "out" / "report.html").read_text()
    assert page.count('class="gap"') >= 10
    Reader(page)


def test_no_run_and_damaged_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-011"):
        build(tmp_path / "nowhere", tmp_path / "r.html")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "results.json").write_text("{")
    with pytest.raises(TlesynthError, match="DATA-001"):
        build(tmp_path, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_nothing_from_the_files_becomes_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    durable.write_text(tmp_path / "recipe.yaml", recipe.dump(recipe.load("demo").model_copy(update={"name": evil})))
    arms = {evil: {"f1": {"not_computed": evil, "command": evil}}}
    about = {"banner": evil, "data": evil, "provenance": {evil: evil}}
    effects = {"tle": {evil: {"real": {"value": 1, "low": 0, "high": 2, "n": 3}, "verdict": evil}}}
    figure = {"what": evil, "light": "grey", "not_computed": evil, "source": evil}
    light = {"title": evil, "light": "grey", "sentence": evil, "shown": 0, "figures": [figure]}
    asked = {"question": evil, "answer": evil, "light": "grey", "lights": [evil]}
    judged = {"questions": {evil: asked}, "lights": {evil: light}, "sentence": evil}
    results = {"about": about, "classification": {"arms": arms}, "disease": {"effects": effects, "measure": evil}}
    results |= {"verdict": judged}
    durable.write_json(tmp_path / "evaluation" / "results.json", results)
    (tmp_path / "splits.tsv").write_text(f"participant_id\tgroup\tsplit\n{evil}\thc\ttest\n")
    (tmp_path / "derivatives").mkdir()
    (tmp_path / "derivatives" / "outcomes.tsv").write_text(
        f"participant_id\tstatus\tcode\nsub-1\tfailed\t<b>{evil[:20]}\n"
    )
    metrics = tmp_path / "classifier" / "<b>arm"
    metrics.mkdir(parents=True)
    (metrics / "metrics.csv").write_text("step,phase,<i>loss\n1,a,2\n2,a,1\n")
    (metrics / "environment.json").write_text(json.dumps({evil: evil}))
    seen = Reader(render(tmp_path))
    assert not {"script", "i"} & seen.tags
    assert all("onerror" not in image and image["src"] != "x" for image in seen.images)


def test_the_report_and_every_other_page_are_made_without_torch(finished_run: Path, tmp_path: Path) -> None:
    run = linked(finished_run, tmp_path / "run", PICTURES - {"derivatives"})
    code = (
        "import importlib, pkgutil, sys\nfrom pathlib import Path\nfrom tlesynth import report\n"
        "report.build(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "heavy = {'torch', 'monai', 'ants', 'diffusers'}\n"
        "assert not (heavy | {'sklearn'}) & set(sys.modules), sys.modules\n"
        "for part in pkgutil.iter_modules(report.__path__, 'tlesynth.report.'):\n"
        "    importlib.import_module(part.name)\n"
        "assert not heavy & set(sys.modules), sys.modules"
    )
    out = tmp_path / "report.html"
    subprocess.run([sys.executable, "-c", code, str(run), str(out)], check=True, timeout=120)
    assert out.stat().st_size > 50_000


def test_the_certificate_tells_of_the_cohort_as_a_whole(finished_run: Path, tmp_path: Path) -> None:
    told = durable.read_json(finished_run / "synthetic/certificate.json")
    durable.write_text(tmp_path / "recipe.yaml", (finished_run / "recipe.yaml").read_text())

    def page(certificate: dict[str, Any]) -> str:
        durable.write_json(tmp_path / "synthetic/certificate.json", certificate)
        return " ".join(re.sub(r"<[^>]+>", " ", render(tmp_path)).split())

    assert "of the volumes that were written lie nearer to one of 20 training scans" in page(told)
    few = page(told | {"nearer_to_training": {"not_computed": "7 drawn", "command": ""}})
    assert "As a whole the cohort was not held against held-out scans: not computed: 7 drawn" in few
    before = page({name: told[name] for name in told if name != "nearer_to_training"})
    assert "its certificate is of an earlier version" in before and "lie nearer to one of" not in before
    unchecked = page({"verdict": "not checked: no training scans given", "gate": "refuse", "overridden": False})
    assert "As a whole" not in unchecked
