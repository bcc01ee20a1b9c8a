"""Training on made-up latents: it learns the classes, resumes to the same bits, and publishes what sampling needs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tlesynth import durable, training
from tlesynth.diffusion import train as module
from tlesynth.diffusion.conditioning import classes_of
from tlesynth.diffusion.latents import read_latents
from tlesynth.diffusion.model import load_diffusion
from tlesynth.diffusion.objective import posterior_floor, schedule_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.train import train_diffusion
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Diffusion, Noise

AUTOENCODER, SHAPE = "a" * 64, (2, 4, 6, 4)


def settings(**changes: object) -> Diffusion:
    network = {
        "patch": (2, 3, 2),
        "depth": 1,
        "width": 48,
        "heads": 2,
        "classes": "group-side",
        "baseline": "voxelwise",
    }
    values = {"network": network, "noise": {"prediction": "v_prediction"}, "steps": 12, "batch_size": 4, "flip": True}
    every = {"validate_every": 4, "checkpoint_every": 5, "ema_decay": 0.9, "learning_rate": 3e-3}
    return Diffusion.model_validate(values | every | changes)


def fit(folder: Path, out: Path, **changes: object) -> None:
    train_diffusion(
        folder, folder.parent / "splits.tsv", out, settings(**changes), seed=3, device="cpu", precision="32-true"
    )


def test_it_learns_the_means_of_the_classes(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", steps=250, validate_every=50, batch_size=9)
    model = load_diffusion(tmp_path / "run" / "model", AUTOENCODER)
    plan = Plan(model.schedule, model.classes.null, "ddim", 20)
    generators = [torch.Generator().manual_seed(i) for i in range(3)]
    z = sample_latents(model.network, torch.arange(3), model.latent_shape, generators, plan).latents
    left_half, right_half = z[:, 0, :2].mean(dim=(1, 2, 3)), z[:, 0, 2:].mean(dim=(1, 2, 3))
    contrast = (left_half - right_half).tolist()  # in training: 0, -4, 4
    assert abs(contrast[0]) < 1.2 and contrast[1] < -2.5 and contrast[2] > 2.5
    assert model.class_counts == {"hc": 6, "tle-left": 6, "tle-right": 6}
    assert model.latent_shape == SHAPE and model.grid == "mni-3mm"


def test_a_killed_run_resumes_to_the_same_bits(latents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(latents, tmp_path / "whole")
    original = training.Order.batch

    def killed(self: training.Order, step: int) -> Any:  # noqa: ANN401 (stands for a NumPy array)
        if step == 7:
            raise KeyboardInterrupt
        return original(self, step)

    monkeypatch.setattr(training.Order, "batch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(latents, tmp_path / "killed")
    monkeypatch.setattr(training.Order, "batch", original)
    fit(latents, tmp_path / "killed")
    weights = [(tmp_path / run / "model" / "diffusion.safetensors").read_bytes() for run in ("whole", "killed")]
    assert weights[0] == weights[1]


def test_a_finished_run_is_left_alone_and_another_recipe_refused(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run")
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "run" / "model").iterdir()}
    fit(latents, tmp_path / "run")
    assert before == {f: f.stat().st_mtime_ns for f in (tmp_path / "run" / "model").iterdir()}
    with pytest.raises(TlesynthError, match="steps") as caught:
        fit(latents, tmp_path / "run", steps=13)
    assert caught.value.code == "CFG-010"


def test_other_splits_and_other_latents_are_another_run(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", steps=2)
    splits = latents.parent / "splits.tsv"
    table = durable.read_table(splits)
    durable.write_table(splits, table[::-1])
    with pytest.raises(TlesynthError, match=r"CFG-010.*differ: splits"):
        fit(latents, tmp_path / "run", steps=2)
    durable.write_table(splits, table)
    durable.write_json(latents / "latents.json", durable.read_json(latents / "latents.json") | {"input": "other scans"})
    with pytest.raises(TlesynthError, match=r"CFG-010.*differ: latents"):
        fit(latents, tmp_path / "run", steps=2)


def test_a_failed_autoencoder_is_refused_before_anything_is_written(latents: Path, tmp_path: Path) -> None:
    about = durable.read_json(latents / "latents.json")
    about["gate"] = {"verdict": "failed", "reasons": ["it blurs"], "loosened": []}
    durable.write_json(latents / "latents.json", about)
    with pytest.raises(TlesynthError, match=r"MOD-005.*it blurs"):
        fit(latents, tmp_path / "run", steps=2)
    assert not (tmp_path / "run").exists()
    fit(latents, tmp_path / "run", steps=2, accept_failed_gate=True)
    config = durable.read_json(tmp_path / "run" / "model" / "config.json")
    assert config["gate"] == "failed, accepted by the recipe"
    assert "failed, accepted by the recipe" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_resampled_latents_are_drawn_by_step_and_their_floor_is_told(latents: Path, tmp_path: Path) -> None:
    for run in ("one", "other"):
        fit(latents, tmp_path / run, steps=4, latents="resample")
    weights = [(tmp_path / run / "model" / "diffusion.safetensors").read_bytes() for run in ("one", "other")]
    assert weights[0] == weights[1]
    fit(latents, tmp_path / "mean", steps=4)
    assert (tmp_path / "mean" / "model" / "diffusion.safetensors").read_bytes() != weights[0]
    training = durable.read_json(tmp_path / "one" / "model" / "config.json")["training"]
    assert training["latents"] == "resample" and training["posterior_noise"] == 0.05
    logvar = torch.tensor(-3.0, dtype=torch.float16).float()
    assert training["loss_floor"] == pytest.approx(posterior_floor(schedule_of(settings().noise), logvar.exp()[None]))
    assert "no loss can fall below" in (tmp_path / "one" / "model" / "README.md").read_text()


def test_the_model_folder_refuses_damage_and_another_autoencoder(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", steps=4)
    folder = tmp_path / "run" / "model"
    with pytest.raises(TlesynthError) as caught:
        load_diffusion(folder, "b" * 64)
    assert caught.value.code == "CKP-009"
    weights = folder / "diffusion.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(TlesynthError) as caught:
        load_diffusion(folder)
    assert caught.value.code == "CKP-001"
    with pytest.raises(TlesynthError) as caught:
        load_diffusion(tmp_path / "nowhere")
    assert caught.value.code == "MOD-004"


def test_a_patch_that_does_not_divide_and_latents_that_lie_are_refused(latents: Path, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=r"\[2, 3, 4\]") as caught:
        fit(latents, tmp_path / "run", network={"patch": (2, 4, 4), "depth": 1, "width": 48, "heads": 2})
    assert caught.value.code == "CFG-003"
    text = (latents / "latents.json").read_text()
    (latents / "latents.json").write_text(text.replace("6,", "7,"))
    with pytest.raises(TlesynthError) as caught:
        fit(latents, tmp_path / "other")
    assert caught.value.code == "DATA-001"


def test_validation_repeats_and_sees_a_better_network(latents: Path) -> None:
    classes, schedule = classes_of("group-side"), schedule_of(Noise())
    data = read_latents(latents, latents.parent / "splits.tsv", "val", classes)

    class Answer(torch.nn.Module):
        """Solves for the noise exactly: it knows the clean latents by their class."""

        def forward(self, z: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            ab = schedule.alphas_cumprod[timesteps].reshape(-1, 1, 1, 1, 1)
            return (z - ab.sqrt() * data.values[labels]) / (1 - ab).sqrt()

    class Nothing(torch.nn.Module):
        def forward(self, z: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(z)

    fabric = training.fabric_for("cpu", "32-true")
    perfect = module._validation(Answer(), data, classes, schedule, fabric, seed=0)
    empty = module._validation(Nothing(), data, classes, schedule, fabric, seed=0)
    assert perfect()["score"] < 1e-6
    assert empty() == empty()
    assert empty()["score"] == pytest.approx(1, abs=0.02)
    assert set(empty()) == {"score", "hc", "tle-left", "tle-right"}
