"""The film is kept while it fits, and made again for another way of sampling."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Sample
from tlesynth.synthesis.film import in_words, stands, write_film
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer, synthesizer_of


def test_a_film_of_other_settings_does_not_stand(models: tuple[Path, Path], tmp_path: Path) -> None:
    settings = Sample(n_hc=1, n_tle=1, sampler="ddim", steps=2, film_frames=2)
    made, subject = synthesizer_of(*models, settings, seed=3, device="cpu"), Subject("sub-syn0001", {"group": "tle"})
    assert not stands(tmp_path / "film", made, subject)
    write_film(tmp_path / "film", made, subject)
    assert stands(tmp_path / "film", made, subject)
    other = synthesizer_of(*models, settings.model_copy(update={"guidance": 2.0}), seed=3, device="cpu")
    assert not stands(tmp_path / "film", other, subject)
    assert not stands(tmp_path / "film", made, Subject("sub-syn0001", {"group": "hc"}))


def test_a_film_replaces_no_other_folder(models: tuple[Path, Path], tmp_path: Path) -> None:
    made = synthesizer_of(*models, Sample(n_hc=1, n_tle=1, film_frames=2), seed=3, device="cpu")
    shutil.copytree(models[0], tmp_path / "film")
    before = durable.manifest_of(tmp_path / "film")
    with pytest.raises(TlesynthError, match="CFG-005") as caught:
        write_film(tmp_path / "film", made, Subject("sub-syn0001"))
    assert caught.value.exit_status == 2 and durable.manifest_of(tmp_path / "film") == before


def test_a_moment_that_is_not_finite_is_left_out(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, calls = Synthesizer.decode, []

    def first_broken(self: Synthesizer, latent: torch.Tensor) -> np.ndarray:
        calls.append(1)
        return np.full(self.grid.shape, np.nan, np.float32) if len(calls) == 1 else original(self, latent)

    monkeypatch.setattr(Synthesizer, "decode", first_broken)
    settings = Sample(n_hc=1, n_tle=1, sampler="ddim", steps=4, film_frames=3)
    made = synthesizer_of(*models, settings, seed=3, device="cpu")
    write_film(tmp_path / "film", made, Subject("sub-syn0001"))
    film = json.loads((tmp_path / "film" / "film.json").read_text())
    assert [frame["timestep"] for frame in film["frames"]] == [500, 0]
    assert "leaves out timestep 1000" in capsys.readouterr().err


def test_the_film_says_what_was_asked_for_as_the_report_reads_it(models: tuple[Path, Path], tmp_path: Path) -> None:
    settings = Sample(n_hc=1, n_tle=1, sampler="ddim", steps=2, film_frames=2)
    made = synthesizer_of(*models, settings, seed=3, device="cpu")
    wished: list[tuple[dict[str, str], str]] = [
        ({"group": "tle", "side": "left", "age": "35"}, "tle-left, age 35"),
        ({"group": "hc"}, "hc"),
        ({"age": "35"}, "age 35"),
        ({}, ""),
    ]
    for asked, words in wished:
        folder = tmp_path / f"film-{words}"
        write_film(folder, made, Subject("sub-syn0001", asked))
        assert {f["condition"] for f in durable.read_json(folder / "film.json")["frames"]} == {words}


def test_a_volume_that_was_asked_for_is_told_in_words() -> None:
    asked = {"group": "tle", "temporal_horn_left_mni_mm3": "812.49", "age": "35"}
    assert in_words(asked) == "tle, left temporal horn 812 mm³, age 35"
