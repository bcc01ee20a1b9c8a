"""The whole path on the tiny recipe, as a user runs it: once through, and once killed in every stage."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest

from tlesynth import durable, recipe
from tlesynth.pipeline.stages import Context, stages_of

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

STAGES = stages_of(Context(recipe.load("tiny"), Path()))


def words(out: Path) -> list[str]:
    return ["run", "tiny", "--out", str(out), "--json"]


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "tlesynth", *words(out)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    told = subprocess.run(command(out), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-3000:]
    result = json.loads(told.stdout)
    assert Path(result["report"]).is_file() and Path(result["synthetic cohort"]).is_dir()
    return out


@pytest.mark.parametrize("folder", ["cohort", "derivatives", "synthetic", "reconstructions"])
def test_every_cohort_is_valid_bids(finished: Path, folder: str) -> None:
    validator = Path(sys.executable).with_name("bids-validator-deno")
    told = subprocess.run(
        [str(validator), str(finished / folder), "--json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(told.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"], issues


def test_no_subject_is_lost(finished: Path) -> None:
    scans = len(durable.read_table(finished / "cohort/participants.tsv"))
    outcomes = durable.read_table(finished / "derivatives/outcomes.tsv")
    splits = durable.read_table(finished / "splits.tsv")
    assert len(outcomes) == scans == 20
    assert len(splits) == (outcomes["status"] == "ok").sum()
    assert not splits["participant_id"].duplicated().any()


def test_synthetic_subjects_cannot_be_taken_for_patients(finished: Path) -> None:
    names = [f.name for f in (finished / "synthetic").glob("sub-*/anat/*.nii.gz")]
    assert len(names) == 8 and all(name.startswith("sub-syn") and "desc-synthetic" in name for name in names)
    for sidecar in (finished / "synthetic").glob("sub-*/anat/*.json"):
        facts = json.loads(sidecar.read_text())
        assert facts["Synthetic"] is True and {"Seed", "ModelHash", "Sampler", "GuidanceScale"} <= set(facts)


def test_models_are_tensors_and_json_only(finished: Path) -> None:
    for folder in finished.glob("**/model"):
        assert {f.suffix for f in folder.iterdir()} <= {".json", ".safetensors", ".md"}
        durable.verify(folder)


def test_every_part_of_the_results_is_there(finished: Path) -> None:
    results = durable.read_json(finished / "evaluation/results.json")
    parts = {"about", "reconstruction", "frechet", "fid", "diversity", "disease", "classification", "verdict"}
    assert parts <= set(results)
    assert set(results["classification"]["arms"]) == {"real", "synthetic", "real+0.25", "real+0.5"}


def test_the_report_is_one_small_page_that_loads_nothing(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert len(page) < 10_000_000 and "simulated" in page.lower()
    assert 'src="http' not in page and "url(http" not in page


def test_the_same_command_again_does_nothing(finished: Path) -> None:
    begun = time.monotonic()
    told = subprocess.run(command(finished), capture_output=True, text=True, check=True)
    assert told.stderr.count("done before") == len(STAGES) and time.monotonic() - begun < 30


def test_another_recipe_is_refused_and_changes_nothing(finished: Path) -> None:
    before = durable.sha256(finished / "recipe.yaml")
    told = subprocess.run([*command(finished), "--set", "seed=2"], capture_output=True, text=True, check=False)
    assert told.returncode == 2 and "CFG-010" in told.stderr
    assert durable.sha256(finished / "recipe.yaml") == before


def test_a_run_killed_in_every_stage_ends_with_the_same_volumes(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    # The raw cohort is shared: simulation has its own test of resuming.
    for name in ("cohort", "stages/simulate.json", "recipe.yaml"):
        source, target = finished / name, out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    for stage in STAGES[1:]:
        kill_in(out, stage.name)
    ended = forked.run(words(out), tmp_path)
    assert ended.status == 0, ended.said[-3000:]
    assert volumes(out) == volumes(finished)
    assert (out / "splits.tsv").read_bytes() == (finished / "splits.tsv").read_bytes()


def kill_in(out: Path, stage: str) -> None:
    """Start the run and kill it, children and all, a moment after ``stage`` has begun."""
    record = out / "stages" / f"{stage.replace(' ', '-')}.json"
    process = forked.start(words(out), out.parent / "told", out.parent / "said")
    while process.is_running() and not record.exists():
        time.sleep(0.02)
    time.sleep(1.0)
    if process.is_running():
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def volumes(out: Path) -> dict[str, str]:
    return {f.name: durable.sha256(f) for f in (out / "synthetic").glob("sub-*/anat/*.nii.gz")}
