"""A cohort drawn around its training scans is seen as a whole, though none of it is a copy; new people are not."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from people import GRID, cohort_of, mixture, person

from tlesynth.metrics.statistics import Json
from tlesynth.privacy.closeness import Company, company_of

TRAINED, UNSEEN, NEW = range(12), range(12, 32), range(300, 312)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    cohort = cohort_of(tmp_path_factory.mktemp("people"), len(TRAINED), len(UNSEEN) // 2)
    return company_of(cohort, cohort.ids[:12], cohort.ids[12:], seed=1)


def go(company: Company, people: range, mirrored: bool = False) -> Json:
    volumes: Iterator[np.ndarray] = (mixture(people, n)[:: -1 if mirrored else 1] for n in range(24))
    return company.closeness(volumes, GRID, 24)


def test_mixtures_of_the_taught_are_nearer_to_them(company: Company) -> None:
    found = go(company, TRAINED)
    assert found["share"]["value"] > 0.95 and found["share"]["low"] > 0.5 and found["p"] < 0.001
    assert (found["training_scans"], found["held_out_scans"], found["compared_with"]) == (12, 20, 12)


def test_mirrored_ones_too(company: Company) -> None:
    found = go(company, TRAINED, mirrored=True)
    assert found["share"]["value"] > 0.95 and found["p"] < 0.001


def test_mixtures_of_new_people_are_as_near_to_either(company: Company) -> None:
    found = go(company, NEW)
    assert found["share"]["low"] < 0.5 < found["share"]["high"] and found["p"] > 0.05


def test_mixtures_of_the_held_out_lie_on_the_other_side(company: Company) -> None:
    assert go(company, UNSEEN)["share"]["value"] < 0.1


def test_it_is_the_same_again_and_names_nobody(company: Company) -> None:
    told = json.dumps(go(company, TRAINED))
    assert told == json.dumps(go(company, TRAINED))
    assert not [i for i in company.cohort.ids if i in told]


@pytest.mark.parametrize(("held_out", "drawn"), [(6, 24), (12, 7)])
def test_too_few_are_refused_unread(company: Company, held_out: int, drawn: int) -> None:
    few = Company(company.cohort, company.trained, company.held_out[:held_out], 1)

    def unread() -> Iterator[np.ndarray]:
        raise AssertionError
        yield person(0)

    why = f"{drawn} drawn, 12 training and {held_out} held-out scans; at least 8 of each are needed"
    why += ", of groups and sites that both sides have"
    assert few.closeness(unread(), GRID, drawn)["not_computed"] == why


def test_a_site_held_out_whole_is_left_out(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, 4, 2)
    cohort.participants["site"] = ["a"] * 6 + ["b"] * 2
    assert set(company_of(cohort, cohort.ids[:4], cohort.ids[4:], 1).held_out) == {"sub-004", "sub-005"}
