"""A sound study passes; each leak, planted alone, is found and named, and ends in exit status 9."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tlesynth.errors import PRIVACY, TlesynthError
from tlesynth.reader_study.audit import AUDIT, audit, channels, require_none
from tlesynth.reader_study.channels import HEADER
from tlesynth.reader_study.create import Made
from tlesynth.reader_study.key import Key, read_key
from tlesynth.reader_study.study import Study, Trial, item_path, read_trials


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlesynth.metrics.two_sample.PERMUTATIONS", 19)


Trials = dict[str, tuple[Trial, ...]]


def test_a_sound_study_passes_and_its_cues_are_no_leaks(made: Made) -> None:
    found = audit(made.folder, read_key(made.key, made.study))
    assert found["verdict"] == "passed" and set(found["files"].values()) == {1}
    assert json.loads((made.folder / AUDIT).read_text()) == found
    # The synthetic phantoms are blurred: that is in the image, and told apart from what we made.
    grain = next(cue for cue in found["cues"] if cue["name"] == "grain")
    assert grain["tells"] and grain["real"] > grain["synthetic"]
    assert found["machine_reader"]["auc"]["value"] > 0.9


def _synthetic(key: Key) -> list[str]:
    return [item for item, truth in key.items.items() if truth.origin == "synthetic"]


def _each(folder: Path, key: Key, change: Callable[[Path], object]) -> None:
    for item in _synthetic(key):
        change(item_path(folder, item))


def _voxels(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:HEADER] + change(np.frombuffer(data[HEADER:], np.uint8)).astype(np.uint8).tobytes())
    os.utime(path, (946_684_800, 946_684_800))


def _described(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[148:157] = b"synthetic"
    path.write_bytes(data)
    os.utime(path, (946_684_800, 946_684_800))


def _corner(voxels: np.ndarray) -> np.ndarray:
    return np.concatenate([[1], voxels[1:]])


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "size": (lambda p: p.write_bytes(p.read_bytes() + b"\0"), "size"),
    "header": (_described, "header"),
    "time": (lambda p: os.utime(p, (1e9, 1e9)), "time of change"),
    "permissions": (lambda p: p.chmod(0o600), "permissions"),
    "levels": (lambda p: _voxels(p, lambda v: v // 2 * 2), "distinct levels"),
    "black": (lambda p: _voxels(p, lambda v: np.where((v > 0) & (v < 60), 1, v)), "black"),
    "white": (lambda p: _voxels(p, lambda v: np.where(v > 200, 255, v)), "white"),
    "background": (lambda p: _voxels(p, _corner), "faces"),
}


@pytest.mark.parametrize("leak", FILES)
def test_a_leak_in_the_files_is_found(copied: Path, made: Made, leak: str) -> None:
    change, word = FILES[leak]
    key = read_key(made.key, made.study)
    _each(copied, key, change)
    found = channels(copied, made.study, read_trials(copied), key)
    assert found["verdict"] == "leak" and any(word in told for told in found["leaks"]), found["leaks"]
    with pytest.raises(TlesynthError, match="STUDY-007") as refused:
        require_none(copied, found)
    assert refused.value.exit_status == PRIVACY


def test_names_that_sort_by_origin_are_found(copied: Path, made: Made) -> None:
    key = read_key(made.key, made.study)
    ordered = sorted(key.items, key=lambda item: key.items[item].origin)
    renamed = {item: f"{place:032x}" for place, item in enumerate(ordered)}
    for item, name in renamed.items():
        item_path(copied, item).rename(item_path(copied, name))
    study = replace(made.study, items={name: made.study.items[item] for item, name in renamed.items()})
    told = replace(key, items={name: key.items[item] for item, name in renamed.items()})
    trials = {
        reader: tuple(replace(t, items=tuple(renamed[i] for i in t.items)) for t in asked)
        for reader, asked in read_trials(copied).items()
    }
    assert "rank of the id" in " ".join(channels(copied, study, trials, told)["leaks"])


def _by_origin(asked: tuple[Trial, ...], key: Key) -> tuple[Trial, ...]:
    return tuple(sorted(asked, key=lambda t: (t.kind != "warm-up", key.items[t.items[0]].origin)))


def _telling(asked: tuple[Trial, ...], key: Key) -> tuple[Trial, ...]:
    return tuple(replace(t, feedback="a person") if t.kind == "repeat" else t for t in asked)


@pytest.mark.parametrize(
    ("change", "word"), [(_by_origin, "order of reader-1's list"), (_telling, "gives answers away")]
)
def test_a_leak_in_the_lists_is_found(made: Made, change: Callable, word: str) -> None:
    key = read_key(made.key, made.study)
    trials = {reader: change(asked, key) for reader, asked in read_trials(made.folder).items()}
    assert word in " ".join(_leaks(made.folder, made.study, trials, key))


@pytest.mark.parametrize("secret", [True, False], ids=["the key", "a participant"])
def test_a_name_or_the_key_in_the_study_is_found(copied: Path, made: Made, secret: bool) -> None:
    key = read_key(made.key, made.study)
    told = key.secret if secret else next(iter(key.items.values())).source
    (copied / "notes.md").write_text(f"see {told}")
    assert "notes.md" in " ".join(_leaks(copied, made.study, read_trials(copied), key))


def test_another_file_among_the_items_is_found(copied: Path, made: Made) -> None:
    (copied / "items" / "truth.txt").write_text("")
    key = read_key(made.key, made.study)
    assert "other files: 2 different" in _leaks(copied, made.study, read_trials(copied), key)


def test_items_that_were_changed_are_refused_before_they_are_audited(copied: Path, made: Made) -> None:
    _voxels(item_path(copied, next(iter(made.study.items))), lambda v: v // 2)
    with pytest.raises(TlesynthError, match="STUDY-006"):
        audit(copied, read_key(made.key, made.study))


def _leaks(folder: Path, study: Study, trials: Trials, key: Key) -> list[str]:
    return channels(folder, study, trials, key)["leaks"]
