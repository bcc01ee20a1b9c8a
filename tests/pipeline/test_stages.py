"""The stages fit together: each needs what an earlier one writes, and each part of the recipe decides some stage."""

from pathlib import Path

from tlesynth import recipe
from tlesynth.pipeline.stages import STAGES, Context, kind_of_data


def test_each_stage_needs_only_earlier_ones_and_writes_its_own() -> None:
    seen: set[str] = set()
    written: list[str] = []
    for stage in STAGES:
        assert set(stage.needs) <= seen
        seen.add(stage.name)
        written += stage.writes
    assert len(written) == len(set(written))


def test_every_section_of_the_recipe_decides_a_stage() -> None:
    loaded = recipe.load("tiny")
    used = {type(part).__name__ for stage in STAGES for part in stage.settings(loaded)}
    sections = {type(getattr(loaded, name)).__name__ for name in type(loaded).model_fields}
    assert {name for name in sections if issubclass(getattr(recipe, name, int), recipe.Section)} <= used


def test_what_the_data_were_is_known_from_where_they_came(tmp_path: Path) -> None:
    loaded = recipe.load("tiny")
    assert kind_of_data(Context(loaded, tmp_path)) == "simulated"
    assert kind_of_data(Context(loaded, tmp_path, tmp_path / "bids")) == "real"
    (tmp_path / "bids/derivatives/truth").mkdir(parents=True)
    (tmp_path / "bids/derivatives/truth/truth.tsv").write_text("x")
    assert kind_of_data(Context(loaded, tmp_path, tmp_path / "bids")) == "planted"
