"""Labels: ready mappings by name, a file by its path, and changes to either."""

from pathlib import Path

import pytest

from tlesynth import recipe
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels
from tlesynth.recipe.labels import ready_mappings


@pytest.mark.parametrize("name", ["ds002748", "ds004469", "ideas", "ixi"])
def test_a_ready_mapping_is_chosen_by_its_name_and_written_out_whole(name: str, tmp_path: Path) -> None:
    loaded = recipe.load("tiny", [f"labels={name}"])
    assert name in ready_mappings() and loaded.labels == Labels.model_validate(name) != Labels()
    (tmp_path / "r.yaml").write_text(recipe.dump(loaded))
    assert recipe.load(tmp_path / "r.yaml") == loaded


def test_a_file_is_a_mapping_too_and_a_mapping_may_be_changed(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("group_column: dx\ntle: [1]\nhc: 0\ntable: [a.csv, b.tsv]\n")
    labels = Labels.model_validate(str(tmp_path / "mine.yaml"))
    assert (labels.group_column, labels.tle, labels.hc, labels.table) == ("dx", ("1",), ("0",), ("a.csv", "b.tsv"))
    changed = recipe.load("tiny", ["labels.like=ds002748", "labels.tle=[depr]", "labels.ignore={}"]).labels
    assert (changed.tle, changed.ignore, changed.sex_column) == (("depr",), {}, "gender")


def test_yaml_truth_values_are_the_words_a_table_holds() -> None:
    assert recipe.load("tiny", ["labels.hs_yes=[yes]", "labels.hs_no=[no, 0]"]).labels.hs_no == ("no", "0")


def test_sclerosis_is_one_in_ds004469_whatever_its_dictionary_says() -> None:
    labels = Labels.model_validate("ds004469")
    assert (labels.hs_yes, labels.hs_no) == (("1",), ("0",))


@pytest.mark.parametrize(
    ("override", "code", "words"),
    [
        ("labels=ds00446", "CFG-002", "there are ds002748, ds004469, ideas, ixi"),
        ("labels=missing.yaml", "CFG-002", "cannot be read"),
        ("labels.tabel=x.tsv", "CFG-001", "did you mean table"),
        ("labels.table=../outside.tsv", "CFG-002", "inside the BIDS folder"),
        ("labels.table=[]", "CFG-002", "at least one table"),
        ("labels.tle=[HC]", "CFG-002", "'HC' stands in hc and in tle"),
        ("labels.like=nobody", "CFG-002", "no ready mapping"),
    ],
)
def test_a_faulty_mapping_is_named(override: str, code: str, words: str) -> None:
    with pytest.raises(TlesynthError, match=words) as caught:
        recipe.load("tiny", [override])
    assert caught.value.code == code


def test_a_mapping_file_is_plain_and_small(tmp_path: Path) -> None:
    for text in ("- a", "a: &x 1\nb: *x", "like: ixi", "x" * 200_000):
        (tmp_path / "m.yaml").write_text(text)
        with pytest.raises(TlesynthError, match="labels"):
            recipe.load("tiny", [f"labels={tmp_path / 'm.yaml'}"])
