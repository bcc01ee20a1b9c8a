"""One study, one server, one database that belongs to it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.locking import holding
from tlesynth.reader_study.serving.app import house_of
from tlesynth.reader_study.serving.house import House
from tlesynth.reader_study.study import read_study, read_trials, write_study
from tlesynth.reader_study.web.server import Address


def test_what_a_page_knows_is_the_study_and_its_grid(house: House) -> None:
    about = house.about()
    assert (about["shape"], about["spacing"], about["origin"]) == ([56, 68, 56], 3.0, [-82.5, -118.5, -70.5])
    assert (about["volumes"], about["window"], len(about["scale"])) == (1, [0, 255], 6)


def test_a_study_that_changed_after_it_was_begun_is_refused(folder: Path) -> None:
    house_of(folder, Address()).database.close()
    study, lists = read_study(folder), read_trials(folder)
    write_study(folder, replace(study, id="another"), lists)
    with pytest.raises(TlesynthError, match="STUDY-021"):
        house_of(folder, Address())
    write_study(folder, study, lists | {"reader-1": lists["reader-1"][::-1]})
    with pytest.raises(TlesynthError, match="STUDY-021"):
        house_of(folder, Address())


def test_a_second_server_waits_outside(folder: Path) -> None:
    with holding(folder), pytest.raises(TlesynthError, match="OPS-010") as caught, holding(folder):
        pass
    assert caught.value.exit_status == 8
