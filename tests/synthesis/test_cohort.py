"""The synthetic cohort: who is drawn, provenance, resume to the same bytes, failures, the film, and valid BIDS."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.locking import beside, holding
from tlesynth.recipe import Sample
from tlesynth.synthesis import cohort as cohorts
from tlesynth.synthesis import film as films
from tlesynth.synthesis.background import FAINTEST
from tlesynth.synthesis.requests import Wish, subjects_of
from tlesynth.synthesis.synthesizer import Synthesizer, synthesizer_of
from tlesynth.volume import GRIDS, read_on

from .conftest import write_models

SETTINGS = Sample(n_hc=3, n_tle=3, sampler="ddim", steps=4, guidance=1.5, batch_size=2, film_frames=3)
GRID = GRIDS["mni-3mm"]
ANYBODY = Wish()


class Stopped(Exception):
    """Stands for a kill."""


def draw(
    root: Path, models: tuple[Path, Path], settings: Sample = SETTINGS, seed: int = 5, wish: Wish = ANYBODY
) -> Path:
    made = synthesizer_of(*models, settings, seed=seed, device="cpu")
    subjects = subjects_of(wish, settings, made.diffusion)
    cohorts.sample_cohort(made, subjects, root / "synthetic")
    films.film_of(subjects, made, root / "film")
    return root / "synthetic"


@pytest.fixture(scope="module")
def drawn(models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("drawn"), models)


def test_the_cohort_reads_back_with_its_provenance(drawn: Path, models: tuple[Path, Path]) -> None:
    cohort = read_cohort(drawn)
    assert cohort.desc == "synthetic" and cohort.grid == GRID
    assert cohort.ids == [f"sub-synHC000{i}" for i in (1, 2, 3)] + [f"sub-synTLE000{i}" for i in (1, 2, 3)]
    assert list(cohort.participants["group"]) == ["hc"] * 3 + ["tle"] * 3
    assert set(cohort.participants["side"][3:]) == {"left", "right"}
    path = cohort.volume_path("sub-synTLE0001")
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Synthetic"] is True and sidecar["Steps"] == 4 and sidecar["GuidanceScale"] == 1.5
    assert sidecar["Sampler"] == "ddim" and sidecar["Conditions"] == {
        "group": "tle",
        "side": cohort.participants["side"].iloc[3],
    }
    assert 0 <= sidecar["BackgroundRemoved"] < 1 and sidecar["BackgroundBelow"] == FAINTEST
    assert sidecar["ModelHash"] == durable.sha256(models[1] / "diffusion.safetensors")
    assert len({cohort.volume(i).tobytes() for i in cohort.ids}) == 6
    volume = cohort.volume("sub-synHC0001")
    assert volume.min() >= 0 and volume.max() <= 1


def test_the_film_runs_from_noise_to_the_finished_scan(drawn: Path) -> None:
    film = json.loads((drawn.parent / "film" / "film.json").read_text())
    assert [frame["timestep"] for frame in film["frames"]] == [1000, 500, 0]
    assert film["about"]["participant_id"] == "sub-synTLE0001"
    last = read_on(drawn.parent / "film" / film["frames"][-1]["file"], GRID)
    volume = read_cohort(drawn).volume("sub-synTLE0001")
    assert np.abs(last - volume)[volume > 0].max() < 1e-3


def test_a_killed_run_goes_on_to_the_same_bytes(
    drawn: Path, models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, written = cohorts.CohortWriter.write, []

    def killed(self: cohorts.CohortWriter, participant_id: str, *args: object, **named: object) -> None:
        if len(written) == 3:
            raise Stopped
        written.append(participant_id)
        original(self, participant_id, *args, **named)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(cohorts.CohortWriter, "write", killed)
    with pytest.raises(Stopped):
        draw(tmp_path, models)
    monkeypatch.setattr(cohorts.CohortWriter, "write", original)
    resumed = draw(tmp_path, models)
    assert durable.manifest_of(resumed) == durable.manifest_of(drawn)
    assert durable.manifest_of(tmp_path / "film") == durable.manifest_of(drawn.parent / "film")


def test_a_second_process_is_told_who_samples_there(drawn: Path, models: tuple[Path, Path]) -> None:
    before = durable.manifest_of(drawn)
    with holding(drawn, beside(drawn)), pytest.raises(TlesynthError) as caught:
        draw(drawn.parent, models)
    assert caught.value.code == "OPS-010" and caught.value.exit_status == 8
    assert durable.manifest_of(drawn) == before and not any(".lock" in name for name in before)


def test_a_subject_is_the_same_bytes_in_any_batch(drawn: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    alone = read_cohort(draw(tmp_path, models, SETTINGS.model_copy(update={"batch_size": 1})))
    together = read_cohort(drawn)
    assert alone.ids == together.ids
    assert all(np.array_equal(alone.volume(i), together.volume(i)) for i in alone.ids)


def test_a_wish_reaches_the_table_and_the_volume(models: tuple[Path, Path], drawn: Path, tmp_path: Path) -> None:
    right = draw(tmp_path, models, wish=Wish(2, ("group=tle", "side=right")))
    table = durable.read_table(right / "participants.tsv")
    assert table[["participant_id", "group", "side"]].to_numpy().tolist() == [
        ["sub-synTLE0001", "tle", "right"],
        ["sub-synTLE0002", "tle", "right"],
    ]
    sides = read_cohort(drawn).participants["side"]
    for name in ("sub-synTLE0001", "sub-synTLE0002"):
        same = np.array_equal(read_cohort(right).volume(name), read_cohort(drawn).volume(name))
        assert same == (sides[name] == "right")  # same noise, and the condition counts


def test_a_cohort_made_otherwise_is_refused(drawn: Path, models: tuple[Path, Path]) -> None:
    with pytest.raises(TlesynthError, match="Seed") as caught:
        draw(drawn.parent, models, seed=6)
    assert caught.value.code == "CFG-010"


def test_a_bad_volume_is_drawn_again_with_another_seed(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = Synthesizer.decode, []

    def sometimes_broken(self: Synthesizer, latent: torch.Tensor) -> np.ndarray:
        calls.append(1)
        # Subject 1 fails once; subject 2 fails both times.
        return np.full(GRID.shape, np.nan, np.float32) if len(calls) in (1, 3, 4) else original(self, latent)

    monkeypatch.setattr(Synthesizer, "decode", sometimes_broken)
    monkeypatch.setattr(films, "film_of", lambda *_: None)
    out = draw(tmp_path, models, SETTINGS.model_copy(update={"n_tle": 1}))
    outcomes = durable.read_table(out / "outcomes.tsv").set_index("participant_id")
    assert list(outcomes["status"]) == ["ok", "failed", "ok", "ok"]
    assert outcomes.loc["sub-synHC0002", "why"] == "not finite"
    assert "sub-synHC0002" not in read_cohort(out).ids
    sidecar = json.loads(next((out / "sub-synHC0001" / "anat").glob("*.json")).read_text())
    assert sidecar["Attempt"] == 2


def test_nothing_but_empty_volumes_is_an_error(tmp_path: Path) -> None:
    models = write_models(tmp_path, brightness=-9.0)
    with pytest.raises(TlesynthError) as caught:
        draw(tmp_path, models, Sample(n_hc=1, n_tle=1, sampler="ddim", steps=2, film_frames=2))
    assert caught.value.code == "NUM-006"


def test_another_autoencoder_is_refused(models: tuple[Path, Path], tmp_path: Path) -> None:
    other = write_models(tmp_path, brightness=0.4)
    with pytest.raises(TlesynthError) as caught:
        draw(tmp_path, (other[0], models[1]))
    assert caught.value.code == "CKP-009"


def test_the_cohort_is_valid_bids(drawn: Path) -> None:
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.is_file():
        pytest.skip("bids-validator-deno is not installed")
    run = subprocess.run([validator, "--json", str(drawn)], capture_output=True, text=True, timeout=120)
    issues = json.loads(run.stdout)["issues"]["issues"]
    assert [i for i in issues if i["severity"] == "error"] == []
