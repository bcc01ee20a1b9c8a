"""A generator that repeats training scans is stopped, one that draws new people passes, and a killed run goes on."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from people import GRID, mixture, person, write_people

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.privacy.gate import CERTIFICATE
from tlesynth.recipe import Privacy
from tlesynth.synthesis.cohort import sample_cohort
from tlesynth.synthesis.guard import LEDGER, Guard, guard_of
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import Grid

TRAINING, NEW = 12, 300
SETTINGS = Privacy(planted=3)


@dataclass
class People:
    """A generator that gives the phantom people of its list, slightly noised; told at which of them it dies."""

    numbers: list[int]
    dies_at: int = -1
    drawn: list[str] = field(default_factory=list)
    grid: Grid = GRID
    batch_size: int = 2

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        for subject in subjects:
            place = int(subject.participant_id[-2:])
            if place == self.dies_at:
                raise KeyboardInterrupt
            self.drawn.append(subject.participant_id)
            brain = self.brain(place)
            noise = np.random.default_rng(place).normal(0, 0.02, brain.shape)
            yield np.where(brain > 0, np.clip(brain + noise, 0, 1), 0).astype(np.float32)

    def brain(self, place: int) -> np.ndarray:
        return person(self.numbers[place])

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        return {"Synthetic": True, "Attempt": attempt + 1, "Numbers": self.numbers}


class Mixtures(People):
    """The same, whose brains are means of four of its people: copies of nobody."""

    def brain(self, place: int) -> np.ndarray:
        return mixture(sorted(set(self.numbers)), place)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_people(tmp_path_factory.mktemp("people"), TRAINING, 3)


@pytest.fixture(scope="module")
def guard(people: tuple[Path, Path]) -> Guard:
    return guard_of(*people, SETTINGS, seed=1)


def go(source: People, out: Path, guard: Guard, settings: Privacy = SETTINGS) -> dict[str, Any]:
    subjects = [Subject(f"sub-synHC00{i:02d}", {"group": "hc"}) for i in range(len(source.numbers))]
    fresh = Guard(settings, guard.detector, guard.why_none, guard.company)
    sample_cohort(source, subjects, out, guard=fresh)
    return json.loads((out / CERTIFICATE).read_text())


def test_an_overfitted_generator_is_refused(guard: Guard, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        go(People(list(range(6))), tmp_path, guard)
    assert caught.value.code == "PRIV-010" and caught.value.exit_status == 9
    told = json.loads((tmp_path / CERTIFICATE).read_text())
    assert told["verdict"] == "refused" and told["copies"] == told["drawn"] == 6
    with pytest.raises(TlesynthError):  # what was refused is no cohort to later stages
        read_cohort(tmp_path)


def test_a_generator_of_new_people_passes(guard: Guard, tmp_path: Path) -> None:
    told = go(People([NEW + i for i in range(6)]), tmp_path, guard)
    # Fifteen scans calibrate it: one of 16 new people is taken for a copy, which refuses nothing.
    assert told["verdict"] == "passed" and told["copies"] <= 1 and told["training_scans"] == TRAINING
    assert told["planted_recall"]["exact"]["value"] == 1.0
    assert len(read_cohort(tmp_path).ids) == 6 - told["copies"]


def test_the_recipe_may_accept_it_and_the_certificate_says_so(guard: Guard, tmp_path: Path) -> None:
    mixed = [0, 1, 2, 3, NEW, NEW + 1]
    told = go(People(mixed), tmp_path, guard, SETTINGS.model_copy(update={"gate": "report"}))
    assert told["verdict"] == "refused, accepted by the recipe" and told["overridden"] is True
    assert told["dropped"] == [f"sub-synHC000{i}" for i in range(4)] and told["copies"] == 4
    assert read_cohort(tmp_path).ids == ["sub-synHC0004", "sub-synHC0005"]
    outcomes = durable.read_table(tmp_path / "outcomes.tsv").set_index("participant_id")
    assert list(outcomes["status"]) == ["copy"] * 4 + ["ok"] * 2
    assert not (tmp_path / "sub-synHC0000").exists()


def test_a_killed_run_goes_on_and_draws_no_copy_again(guard: Guard, tmp_path: Path) -> None:
    report = SETTINGS.model_copy(update={"gate": "report"})
    numbers = [0, NEW, 1, NEW + 1]
    go(People(numbers), tmp_path / "whole", guard, report)
    with pytest.raises(KeyboardInterrupt):
        go(People(numbers, dies_at=3), tmp_path / "killed", guard, report)
    resumed = People(numbers)
    go(resumed, tmp_path / "killed", guard, report)
    assert resumed.drawn == ["sub-synHC0003"]
    assert durable.manifest_of(tmp_path / "killed") == durable.manifest_of(tmp_path / "whole")


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    """A guard with ten scans of val beside its twelve training scans."""
    return guard_of(*write_people(tmp_path_factory.mktemp("more"), TRAINING, 10), SETTINGS, seed=1)


TAUGHT = Mixtures([*range(TRAINING), *range(TRAINING)])


def test_a_generator_that_copies_nobody_but_knows_only_those_it_was_taught_is_refused(
    seeing: Guard, tmp_path: Path
) -> None:
    with pytest.raises(TlesynthError, match=r"0 of 24 drawn .* 100% .* lie nearer to training") as caught:
        go(TAUGHT, tmp_path, seeing)
    assert caught.value.code == "PRIV-010"
    told = json.loads((tmp_path / CERTIFICATE).read_text())
    assert told["verdict"] == "refused" and told["copies"] == 0
    assert told["nearer_to_training"]["share"]["value"] > 0.95 and told["nearer_to_training"]["p"] < 0.01
    with pytest.raises(TlesynthError):
        read_cohort(tmp_path)


def test_one_that_knows_none_of_them_passes(seeing: Guard, tmp_path: Path) -> None:
    told = go(Mixtures([NEW + i for i in range(16)]), tmp_path, seeing)
    assert told["verdict"] == "passed" and told["nearer_to_training"]["p"] > 0.01
    assert (told["nearer_to_training"]["held_out_scans"], told["most_nearer"]) == (10, 0.75)


def test_the_whole_is_judged_alike_after_a_kill_and_names_nobody(seeing: Guard, tmp_path: Path) -> None:
    report = SETTINGS.model_copy(update={"gate": "report"})
    whole = go(TAUGHT, tmp_path / "whole", seeing, report)
    with pytest.raises(KeyboardInterrupt):
        go(Mixtures(TAUGHT.numbers, dies_at=9), tmp_path / "killed", seeing, report)
    assert go(Mixtures(TAUGHT.numbers), tmp_path / "killed", seeing, report) == whole
    assert whole["verdict"] == "refused, accepted by the recipe" and len(read_cohort(tmp_path / "whole").ids) == 24
    shared = "".join((tmp_path / "whole" / name).read_text() for name in (CERTIFICATE, LEDGER))
    assert seeing.company and not [i for i in seeing.company.cohort.ids if f'"{i}"' in shared]


def test_too_few_held_out_scans_are_said(guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = go(People([NEW]), tmp_path, guard)
    why = "1 drawn, 9 training and 3 held-out scans; at least 8 of each are needed"
    why += ", of groups and sites that both sides have"
    assert told["nearer_to_training"]["not_computed"] == why and told["verdict"] == "passed"
    assert f"as a whole: not held against held-out scans: {why}" in capsys.readouterr().err


def test_the_guard_changes_no_volume_and_comes_later_too(guard: Guard, tmp_path: Path) -> None:
    numbers = [NEW, 0]
    told = go(People(numbers), tmp_path / "free", Guard(SETTINGS))
    assert told["verdict"] == "not checked: no training scans given" and not (tmp_path / "free" / LEDGER).exists()
    report = SETTINGS.model_copy(update={"gate": "report"})
    go(People(numbers), tmp_path / "guarded", guard, report)
    volumes = [next((tmp_path / name).glob("sub-synHC0000/anat/*.nii.gz")) for name in ("free", "guarded")]
    assert volumes[0].read_bytes() == volumes[1].read_bytes()
    assert go(People(numbers), tmp_path / "free", guard, report)["dropped"] == ["sub-synHC0001"]
    assert not (tmp_path / "free" / "sub-synHC0001").exists()


def test_a_damaged_ledger_is_named(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_text("{", encoding="utf-8")
    with pytest.raises(TlesynthError) as caught:
        go(People([NEW]), tmp_path, guard)
    assert caught.value.code == "DATA-001" and LEDGER in str(caught.value)


@pytest.mark.parametrize("judged", [True, False])
def test_a_drawn_volume_that_was_damaged_is_drawn_anew_when_it_is_removed(
    seeing: Guard, tmp_path: Path, judged: bool
) -> None:
    source = People([NEW + i for i in range(9)])
    go(source, tmp_path, seeing if judged else Guard(SETTINGS))
    whole = durable.manifest_of(tmp_path)
    volume = next(tmp_path.glob("sub-synHC0004/anat/*.nii.gz"))
    volume.write_bytes(volume.read_bytes()[:2000])
    with pytest.raises(TlesynthError, match="remove the folder sub-synHC0004"):
        go(source, tmp_path, seeing)
    shutil.rmtree(tmp_path / "sub-synHC0004")
    go(source, tmp_path, seeing)
    assert not judged or durable.manifest_of(tmp_path) == whole


def test_why_nothing_was_checked_is_said(people: tuple[Path, Path], tmp_path: Path) -> None:
    assert guard_of(*people, Privacy(gate="off"), 1).why_none == "privacy.gate is off in the recipe"
    assert guard_of(None, None, SETTINGS, 1).why_none == "no training scans given"
    few = write_people(tmp_path, 3, 1)
    told = go(People([NEW]), tmp_path / "out", guard_of(*few, SETTINGS, 1))
    assert told["verdict"] == "not checked: 3 training scans; at least 6 are needed"
