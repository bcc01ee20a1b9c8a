"""A study needs a run; somebody else's folder is left alone; the verdict reads as one line."""

from pathlib import Path

import pytest
from made_study import made_ledger

from tlesynth import durable, recipe
from tlesynth.errors import TlesynthError
from tlesynth.pipeline.studies import NEEDED, augment_study, in_words


def test_a_run_without_synthetic_scans_is_told_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=r"derivatives/participants\.tsv") as caught:
        augment_study(tmp_path, tmp_path / "augmentation", recipe.load("tiny"))
    assert caught.value.code == "DATA-011"


def test_the_latents_index_is_needed_since_it_says_who_was_learned_from(tmp_path: Path) -> None:
    for name in NEEDED[:-1]:
        durable.write_text(tmp_path / name, "x")
    with pytest.raises(TlesynthError, match=r"DATA-011.*latents/index\.tsv"):
        augment_study(tmp_path, tmp_path / "augmentation", recipe.load("tiny"))


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    for name in (*NEEDED, "mine/thesis.txt"):
        durable.write_text(tmp_path / name, "x")
    with pytest.raises(TlesynthError, match="CFG-005"):
        augment_study(tmp_path, tmp_path / "mine", recipe.load("tiny"))


def test_the_verdict_in_words() -> None:
    found = made_ledger()
    assert in_words(found).startswith("Yes: a gain: AUC +0.")
    assert "against classical; this study could have seen 0." in in_words(found)
    found["networks"]["cnn3d"]["against_rival"]["chosen"]["auc_roc"] = {"not_computed": "too few"}
    assert in_words(found).endswith("too few")
