"""The synthetic cohort: who is drawn, provenance, resume to the same bytes, failures, the film, and valid BIDS."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tlesynth import durable, synthesis
from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.cohort import read_cohort
from tlesynth.diffusion.conditioning import classes_of
from tlesynth.diffusion.model import build_network, save_diffusion
from tlesynth.diffusion.objective import schedule_of
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork, Noise, Sample
from tlesynth.synthesis import brain_only, sample_cohort, subjects_of
from tlesynth.volume import GRIDS, read_on

SETTINGS = Sample(n_hc=3, n_tle=3, sampler="ddim", steps=4, guidance=1.5, batch_size=2, film_frames=3)
GRID = GRIDS["mni-3mm"]


class Stopped(Exception):
    """Stands for a kill."""


def write_models(root: Path, brightness: float = 0.5) -> tuple[Path, Path]:
    """A random autoencoder whose volumes have about this brightness, and a random diffusion model that fits it."""
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), GRID)
    torch.nn.init.constant_(list(autoencoder.coder.kl.decoder.parameters())[-1], brightness)
    facts = {"scans": 1, "steps": 1, "best_step": 1, "validation_scans": 1, "phase": "reconstruction"}
    save_autoencoder(root / "autoencoder", autoencoder, facts | {"perceptual": "none", "validation": {"l1": 1.0}})
    settings = DiffusionNetwork(patch=(14, 17, 14), depth=1, width=48, heads=2, classes="group-side")
    extent = tuple(n * GRID.spacing for n in GRID.shape)
    schedule = schedule_of(Noise())
    network = build_network(settings, schedule, autoencoder.latent_shape, extent)
    training = {"steps": 1, "best_step": 1, "best_validation": 1.0, "flip": True}
    config = {
        "network": settings.model_dump(mode="json"),
        "classes": list(classes_of("group-side").names),
        "latent_shape": list(autoencoder.latent_shape),
        "extent_mm": list(extent),
        "grid": GRID.name,
        "autoencoder": autoencoder.fingerprint,
        "parameters": 1,
        "class_counts": {"hc": 10, "tle-left": 6, "tle-right": 4},
        "training": training,
    }
    save_diffusion(root / "diffusion", network, schedule, config)
    return root / "autoencoder", root / "diffusion"


def draw(root: Path, models: tuple[Path, Path], settings: Sample = SETTINGS, seed: int = 5) -> Path:
    sample_cohort(*models, root / "synthetic", root / "film", settings, seed=seed, device="cpu")
    return root / "synthetic"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def drawn(models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("drawn"), models)


def test_sides_follow_the_training_set() -> None:
    counts = {"hc": 36, "tle-left": 22, "tle-right": 14}
    subjects = subjects_of(Sample(n_hc=2, n_tle=36), classes_of("group-side"), counts)
    assert [s.participant_id for s in subjects[:3]] == ["sub-synHC0001", "sub-synHC0002", "sub-synTLE0001"]
    assert [s.side for s in subjects].count("left") == 22
    assert {s.condition for s in subjects} == {"hc", "tle-left", "tle-right"}
    plain = subjects_of(Sample(n_hc=1, n_tle=2), classes_of("group"), {"hc": 1, "tle": 1})
    assert [(s.condition, s.side) for s in plain] == [("hc", None), ("tle", None), ("tle", None)]


def test_the_background_is_exactly_zero() -> None:
    volume = np.full((30, 30, 30), 0.02, np.float32)
    volume[8:22, 8:22, 8:22] = 0.7
    volume[14, 14, 14] = 0.0  # a dark voxel inside the brain stays inside
    volume[2, 2, 2] = 0.9  # a bright speck is no brain
    volume[25:29, 25:29, 25:29] = 1.4  # nor is a smaller object
    found = brain_only(volume)
    assert found[10, 10, 10] == np.float32(0.7) and found[14, 14, 14] == 0
    assert (found > 0).sum() == 14**3 - 1
    assert not brain_only(np.full((30, 30, 30), 0.01, np.float32)).any()


def test_the_cohort_reads_back_with_its_provenance(drawn: Path, models: tuple[Path, Path]) -> None:
    cohort = read_cohort(drawn)
    assert cohort.desc == "synthetic" and cohort.grid == GRID
    assert cohort.ids == [f"sub-synHC000{i}" for i in (1, 2, 3)] + [f"sub-synTLE000{i}" for i in (1, 2, 3)]
    assert list(cohort.participants["group"]) == ["hc"] * 3 + ["tle"] * 3
    assert set(cohort.participants["side"][3:]) == {"left", "right"}
    path = cohort.volume_path("sub-synTLE0001")
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Synthetic"] is True and sidecar["Steps"] == 4 and sidecar["GuidanceScale"] == 1.5
    assert sidecar["Sampler"] == "ddim" and sidecar["ConditionLabel"] == f"tle-{cohort.participants['side'].iloc[3]}"
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
    original, written = synthesis.CohortWriter.write, []

    def killed(self: synthesis.CohortWriter, participant_id: str, *args: object, **named: object) -> None:
        if len(written) == 3:
            raise Stopped
        written.append(participant_id)
        original(self, participant_id, *args, **named)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(synthesis.CohortWriter, "write", killed)
    with pytest.raises(Stopped):
        draw(tmp_path, models)
    monkeypatch.setattr(synthesis.CohortWriter, "write", original)
    resumed = draw(tmp_path, models)
    assert durable.manifest_of(resumed) == durable.manifest_of(drawn)
    assert durable.manifest_of(tmp_path / "film") == durable.manifest_of(drawn.parent / "film")


def test_a_cohort_made_otherwise_is_refused(drawn: Path, models: tuple[Path, Path]) -> None:
    with pytest.raises(TlesynthError, match="Seed") as caught:
        draw(drawn.parent, models, seed=6)
    assert caught.value.code == "CFG-010"


def test_a_bad_volume_is_drawn_again_with_another_seed(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = synthesis.Synthesizer.decode, []

    def sometimes_broken(self: synthesis.Synthesizer, latent: torch.Tensor) -> np.ndarray:
        calls.append(1)
        # Subject 1 fails once; subject 2 fails both times.
        return np.full(GRID.shape, np.nan, np.float32) if len(calls) in (1, 3, 4) else original(self, latent)

    monkeypatch.setattr(synthesis.Synthesizer, "decode", sometimes_broken)
    monkeypatch.setattr(synthesis, "_film_stands", lambda *_: True)
    out = draw(tmp_path, models, SETTINGS.model_copy(update={"n_tle": 1}))
    outcomes = durable.read_table(out / "outcomes.tsv").set_index("participant_id")
    assert list(outcomes["status"]) == ["ok", "failed", "ok", "ok"]
    assert outcomes.loc["sub-synHC0002", "why"] == "not finite"
    assert "sub-synHC0002" not in read_cohort(out).ids
    sidecar = json.loads(next((out / "sub-synHC0001" / "anat").glob("*.json")).read_text())
    assert sidecar["Attempt"] == 2


def test_a_moment_that_is_not_finite_is_left_out_of_the_film(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, calls = synthesis.Synthesizer.decode, []

    def first_broken(self: synthesis.Synthesizer, latent: torch.Tensor) -> np.ndarray:
        calls.append(1)
        return np.full(GRID.shape, np.nan, np.float32) if len(calls) == 1 else original(self, latent)

    monkeypatch.setattr(synthesis.Synthesizer, "decode", first_broken)
    draw(tmp_path, models, SETTINGS.model_copy(update={"n_hc": 1, "n_tle": 1}))
    film = json.loads((tmp_path / "film" / "film.json").read_text())
    assert [frame["timestep"] for frame in film["frames"]] == [500, 0]
    assert "leaves out timestep 1000" in capsys.readouterr().err


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
