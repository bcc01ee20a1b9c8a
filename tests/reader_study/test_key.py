import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.create import Made
from tlesynth.reader_study.key import Key, Truth, commitment, encoded, key_beside, read_key, write_key
from tlesynth.reader_study.study import Trial


def test_the_key_lies_beside_the_study_and_only_its_owner_reads_it(made: Made) -> None:
    assert made.key == key_beside(made.folder) and made.folder not in made.key.parents
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_a_key_is_read_as_it_was_written(made: Made, tmp_path: Path) -> None:
    key = Key("s", "0f", {"a": Truth("real", "tle", "left", "sub-1")}, {"t2": "t1"})
    write_key(tmp_path / "key.json", encoded(key))
    assert read_key(tmp_path / "key.json", replace(made.study, key_sha256=commitment(encoded(key)))) == key


def test_a_truth_changed_after_the_study_began_is_refused(made: Made, tmp_path: Path) -> None:
    changed = made.key.read_text().replace('"real"', '"synthetic"', 1)
    (tmp_path / "key.json").write_text(changed)
    with pytest.raises(TlesynthError, match="STUDY-005"):
        read_key(tmp_path / "key.json", made.study)
    with pytest.raises(TlesynthError, match="STUDY-010"):
        read_key(tmp_path / "none.json", made.study)


def test_what_a_truth_says() -> None:
    left, healthy, unknown = (Truth("real", *v, "s") for v in (("tle", "left"), ("hc", None), ("tle", None)))
    assert (left.diagnosis, healthy.diagnosis, unknown.diagnosis) == ("left", "hc", None)
    assert (left.stratum, healthy.stratum, unknown.stratum) == ("tle-left", "hc", "tle")
    key = Key("s", "0f", {"a": left, "b": Truth("synthetic", "tle", "left", "s2")}, {})
    assert key.second_is_synthetic(Trial("t", "case", ("a", "b")))
    assert not key.second_is_synthetic(Trial("t", "case", ("b", "a")))
