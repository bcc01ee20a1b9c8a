"""Speed counts beside quality: what `quality` found is quoted, in a result that stands without measuring again."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

QUALITY = {
    "equal_steps": {"recommended": {"l1_brain": 0.03}, "maisi": {"l1_brain": 0.2}},
    "equal_core_seconds": {},
    "gate": {"no worse than MAISI at equal steps": {"l1_brain": True}},
    "curves": {"recommended": "not quoted"},
}


@pytest.fixture(scope="module")
def speed(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("autoencoder/speed")


def call(speed: ModuleType, out: Path, *words: str) -> None:
    parser = argparse.ArgumentParser()
    speed.arguments(parser)
    speed.run(parser.parse_args(words), out)


def test_quality_is_quoted_and_nothing_measured_again(
    speed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "measured", lambda *_: pytest.fail("measured again"))
    out, quality = tmp_path / "speed.json", tmp_path / "quality.json"
    before = {"command": "speed decode", "date": "2026-01-01", "decode_ratio": 30.0, "quality": "not given"}
    out.write_text(json.dumps(before))
    quality.write_text(json.dumps(QUALITY))
    call(speed, out, "--only-quality", "--quality", str(quality))
    made = json.loads(out.read_text())
    assert made.pop("quality") == {name: value for name, value in QUALITY.items() if name != "curves"}
    assert made == {name: value for name, value in before.items() if name != "quality"}


def test_there_must_be_something_to_quote_and_to_quote_it_in(speed: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--quality FILE"):
        call(speed, tmp_path / "speed.json", "--only-quality", "--quality", str(tmp_path / "quality.json"))
    (tmp_path / "speed.json").write_text("{}")
    with pytest.raises(SystemExit, match="--quality FILE"):
        call(speed, tmp_path / "speed.json", "--only-quality")


def test_what_stands_of_the_same_sides_is_kept_with_its_quality(speed: ModuleType, tmp_path: Path) -> None:
    about, out = {"sides": {"ours": 1}}, tmp_path / "speed.json"
    out.write_text(json.dumps(about | {"work": {"decode": 1}, "quality": QUALITY}))
    assert speed.kept(out, about) == {"work": {"decode": 1}, "quality": QUALITY}
    others = {"work": {}, "quality": speed.NO_QUALITY}
    assert speed.kept(out, {"sides": {"ours": 2}}) == others == speed.kept(tmp_path / "none.json", about)
