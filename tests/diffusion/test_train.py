"""Training on made-up latents: it learns the classes, resumes to the same bits, and publishes what sampling needs."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tlesynth import durable, training
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.model import load_diffusion, usage_of
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.train import class_counts, train_diffusion
from tlesynth.errors import TlesynthError
from tlesynth.locking import holding
from tlesynth.recipe import Diffusion, Sampling, Usage

AUTOENCODER, SHAPE = "a" * 64, (2, 4, 6, 4)
FLOW = {"process": "flow", "draw": "logit_normal"}


def network(**changes: object) -> dict[str, object]:
    return {"patch": (2, 3, 2), "depth": 1, "width": 48, "heads": 2, "baseline": "voxelwise"} | changes


def settings(**changes: object) -> Diffusion:
    conditions = {
        "group": {"values": ["hc", "tle"]},
        "side": {"values": ["left", "right"], "mirror": {"left": "right"}},
    }
    values = {"network": network(), "conditions": conditions, "noise": {"prediction": "v_prediction"}}
    values |= {"steps": 12, "batch_size": 4, "flip": True, "copy_watch": {"samples": 0}}
    every = {"validate_every": 4, "checkpoint_every": 5, "ema_decay": 0.9, "learning_rate": 3e-3}
    return Diffusion.model_validate(values | every | changes)


def fit(folder: Path, out: Path, **changes: object) -> None:
    train_diffusion(
        folder, folder.parent / "splits.tsv", out, settings(**changes), seed=3, device="cpu", precision="32-true"
    )


@pytest.mark.parametrize(
    ("noise", "baseline", "sampler"),
    [({"prediction": "v_prediction"}, "voxelwise", "ddim"), (FLOW, "voxelwise", "euler"), (FLOW, "textured", "euler")],
)
def test_it_learns_the_means_of_the_classes(
    latents: Path, tmp_path: Path, noise: dict[str, str], baseline: str, sampler: str
) -> None:
    changes = {"noise": noise, "network": network(baseline=baseline)}
    fit(latents, tmp_path / "run", steps=250, validate_every=50, batch_size=9, **changes)
    model = load_diffusion(tmp_path / "run" / "model", AUTOENCODER)
    generators = [torch.Generator().manual_seed(i) for i in range(3)]
    asked = [{"group": "hc"}, {"group": "tle", "side": "left"}, {"group": "tle", "side": "right"}]
    told, plan = model.conditions.asked(asked, "test"), Plan(model.process, sampler=sampler, steps=20)
    z = sample_latents(model.network, told, model.latent_shape, generators, plan).latents
    left_half, right_half = z[:, 0, :2].mean(dim=(1, 2, 3)), z[:, 0, 2:].mean(dim=(1, 2, 3))
    contrast = (left_half - right_half).tolist()  # in training: 0, -4, 4
    assert abs(contrast[0]) < 1.2 and contrast[1] < -2.5 and contrast[2] > 2.5
    assert model.class_counts == {"hc": 3, "tle-left": 3, "tle-right": 3}
    assert model.latent_shape == SHAPE and model.grid == "mni-3mm"


def test_a_second_training_in_the_same_folder_is_refused(latents: Path, tmp_path: Path) -> None:
    with holding(tmp_path / "run"), pytest.raises(TlesynthError, match="OPS-010") as caught:
        fit(latents, tmp_path / "run")
    assert caught.value.exit_status == 8 and not (tmp_path / "run" / "settings.json").exists()


@pytest.mark.parametrize("changes", [{}, {"noise": FLOW, "network": network(baseline="textured")}])
def test_a_killed_run_resumes_to_the_same_bits(
    latents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    fit(latents, tmp_path / "whole", **changes)
    original = training.Order.batch

    def killed(self: training.Order, step: int) -> Any:  # noqa: ANN401 (stands for a NumPy array)
        if step == 7:
            raise KeyboardInterrupt
        return original(self, step)

    monkeypatch.setattr(training.Order, "batch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(latents, tmp_path / "killed", **changes)
    monkeypatch.setattr(training.Order, "batch", original)
    fit(latents, tmp_path / "killed", **changes)
    weights = [(tmp_path / run / "model" / "diffusion.safetensors").read_bytes() for run in ("whole", "killed")]
    assert weights[0] == weights[1]


def test_the_model_carries_how_it_is_sampled(latents: Path, tmp_path: Path) -> None:
    how, splits = Usage(sampling=Sampling(sampler="ddim", steps=5)), latents.parent / "splits.tsv"
    machine = {"seed": 3, "device": "cpu", "precision": "32-true"}
    train_diffusion(latents, splits, tmp_path / "run", settings(steps=2), **machine, usage=how)
    assert usage_of(tmp_path / "run" / "model") == how
    assert "sampled by `ddim` in 5 steps, guidance 1." in (tmp_path / "run" / "model" / "README.md").read_text()


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
    assert training["loss_floor"] == pytest.approx(process_of(settings().noise).posterior_floor(logvar.exp()[None]))
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


def test_training_ends_when_it_gets_no_better(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", steps=400, validate_every=5, patience=3, learning_rate=0.05)
    training = durable.read_json(tmp_path / "run" / "model" / "config.json")["training"]
    assert training["steps"] == training["best_step"] + 15 < training["planned_steps"] == 400


def test_milestones_are_models_of_their_own(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", checkpoint_every=2, milestone_every=3, checkpoints_kept=1)
    folders = sorted((tmp_path / "run" / "milestones").iterdir())
    assert [folder.name for folder in folders] == ["step-00000006", "step-00000012"]
    early, late = (load_diffusion(folder, AUTOENCODER) for folder in folders)
    assert early.fingerprint != late.fingerprint
    assert "after 6 of 12 steps" in (folders[0] / "README.md").read_text()
    # How many are kept is no part of what was trained: a finished run is found again.
    fit(latents, tmp_path / "run", checkpoint_every=2)
    fit(latents, tmp_path / "plain", checkpoint_every=2)
    assert not (tmp_path / "plain" / "milestones").exists()
    models = [(tmp_path / run / "model" / "diffusion.safetensors").read_bytes() for run in ("run", "plain")]
    assert models[0] == models[1]


def test_samples_are_watched_for_copies(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", copy_watch={"samples": 3, "steps": 4})
    header, *rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    columns = header.split(",")
    copies = [row.split(",")[columns.index("val_copies")] for row in rows]
    assert {"val_nearest_ratio", "val_gap", "val_seen"} <= set(columns)
    assert [float(value) for value in copies if value] == pytest.approx([0, 0, 0], abs=1)


def test_latents_are_put_on_the_device_once(latents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved, original = [], Latents.to

    def to(self: Latents, device: torch.device) -> Latents:
        moved.append(len(self))
        return original(self, device)

    monkeypatch.setattr(Latents, "to", to)
    fit(latents, tmp_path / "run", steps=4, copy_watch={"samples": 3, "steps": 4})
    assert moved == [18, 3]  # nine training scans and their mirror images, three of val


def test_counts_name_the_sides_that_are_known() -> None:
    table = pd.DataFrame({"group": ["hc", "tle", "tle", "tle"], "side": ["n/a", "left", None, "left"]})
    assert class_counts(table) == {"hc": 1, "tle": 1, "tle-left": 2}


def test_a_condition_nobody_has_is_refused(latents: Path, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="no column iq") as caught:
        fit(latents, tmp_path / "run", conditions={"iq": {"between": [50, 150]}})
    assert caught.value.code == "CFG-011"


def test_what_draws_open_conditions_knows_both_views(latents: Path, tmp_path: Path) -> None:
    """Volumes of left and right patients are mirror images of each other once each scan counts both ways round."""
    index = durable.read_table(latents / "index.tsv")
    for side in ("left", "right"):
        index[f"{side}_mm3"] = 4000 - 500 * (index["side"] == side) + 10 * index["row"].astype(int)
    durable.write_table(latents / "index.tsv", index)
    volumes = {f"{a}_mm3": {"mirror": f"{b}_mm3", "drawn": True} for a, b in (("left", "right"), ("right", "left"))}
    declared = {
        "group": {"values": ["hc", "tle"]},
        "side": {"values": ["left", "right"], "mirror": {"left": "right"}},
    }
    fit(latents, tmp_path / "run", steps=2, conditions=declared | volumes)
    model = load_diffusion(tmp_path / "run" / "model")
    completion, conditions = model.completion, model.conditions
    assert completion is not None and completion.drawn == ("left_mm3", "right_mm3")
    left, right = conditions.asked([{"group": "tle", "side": side} for side in ("left", "right")], "test")
    expected = [completion.expected(told, conditions) for told in (left, right)]
    assert torch.allclose(expected[0], expected[1].flip(0), atol=1e-6)
    low, high = conditions.items[2].low, conditions.items[2].high
    assert ((expected[1] - expected[0]) * (high - low)).tolist() == pytest.approx([500, -500], abs=15)


def test_where_noise_has_the_latents_texture_no_floor_is_claimed(latents: Path, tmp_path: Path) -> None:
    fit(latents, tmp_path / "run", steps=2, latents="resample", noise=FLOW, network=network(baseline="textured"))
    training = durable.read_json(tmp_path / "run" / "model" / "config.json")["training"]
    assert training["latents"] == "resample" and training["loss_floor"] is None
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "Trained on draws from the posterior." in card and "no loss can fall below" not in card
