"""A cohort comes with the page that shows it, and says itself what kind of data it holds."""

from pathlib import Path

import pytest

from tlesynth import durable, recipe
from tlesynth.data.cohort import write_dataset_description
from tlesynth.data.preprocess import run
from tlesynth.data.preprocess.ledger import Counts
from tlesynth.data.simulate import cohort as simulated
from tlesynth.data.simulate import planting
from tlesynth.pipeline import cohorts
from tlesynth.report import cohort_page


def test_what_the_data_are_is_known_from_the_cohort_itself(tmp_path: Path) -> None:
    assert cohorts.kind_of(tmp_path) == "real"
    path = tmp_path / "derivatives/truth/simulation.json"
    durable.write_json(path, {"settings": {}, "seed": 1})
    assert cohorts.kind_of(tmp_path) == "simulated"
    durable.write_json(path, {"settings": {}, "seed": 1, "heads": "x"})
    assert cohorts.kind_of(tmp_path) == "planted"
    assert cohorts.kind_of(tmp_path / "manifest.csv") == "real"


@pytest.mark.parametrize("kind", ["simulated", "planted"])
def test_a_copy_without_its_truth_is_not_called_real(kind: str, tmp_path: Path) -> None:
    """Under the names that ``simulate_cohort`` and ``plant_into`` give."""
    module = {"simulated": simulated, "planted": planting}[kind]
    assert f'"tlesynth {kind} cohort"' in Path(module.__file__).read_text()
    write_dataset_description(tmp_path, f"tlesynth {kind} cohort", "raw", "A copy.")
    assert cohorts.kind_of(tmp_path) == kind
    write_dataset_description(tmp_path, "Our scans", "raw", "Scans.")
    assert cohorts.kind_of(tmp_path) == "real"


def test_preprocessing_carries_the_conditions_that_it_has_no_column_for(tmp_path: Path) -> None:
    assert cohorts.carried(recipe.load("paper")) == ()
    named = tmp_path / "own.yaml"
    named.write_text(
        "diffusion: {conditions: {severity: {quantity: true}, group: {}, age: {quantity: true}, drug: {}}}"
    )
    assert cohorts.carried(recipe.load(str(named))) == ("drug", "severity")


@pytest.mark.parametrize("last", [True, False])
def test_the_quality_page_is_made_by_whoever_writes_the_tables(
    last: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Counts(8, 8, 0, 0, 0)

    def preprocess(bids: Path, out: Path, *_: object, **__: object) -> Counts:
        if last:
            durable.write_text(out / "qc.tsv", "participant_id\n")
        return counts

    made: list[tuple[Path, str]] = []
    monkeypatch.setattr(run, "preprocess", preprocess)
    monkeypatch.setattr(cohort_page, "build", lambda d, out, *, limits, data: made.append((out, data)))
    assert cohorts.preprocess(tmp_path / "bids", tmp_path / "out", recipe.load("tiny")) is counts
    assert made == ([(tmp_path / "out/qc.html", "real")] if last else [])
