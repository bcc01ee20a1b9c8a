"""The ablation: figures that compare variants whatever they predict, and a run that goes on where it stopped."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.autoencoder.model import read_fingerprint
from tlesynth.data.hippocampus import Hippocampi
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.process import process_of
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork, Noise
from tlesynth.synthesis.baselines.pca import Fit
from tlesynth.volume import GRIDS

Load = Callable[[str], ModuleType]
SHAPE = (4, 14, 17, 14)
SMALL = ("network.patch=[14,17,14]", "network.depth=1", "network.width=48", "network.heads=2", "batch_size=4")
PROCESSES = [Noise(), Noise(prediction="v_prediction"), Noise(process="flow")]


@pytest.fixture(scope="module")
def scores(part: Load) -> ModuleType:
    return part("sampling/scores")


@pytest.mark.parametrize("noise", PROCESSES, ids=["epsilon", "v", "flow"])
def test_every_process_is_asked_at_the_same_noise(scores: ModuleType, noise: Noise) -> None:
    process = process_of(noise)
    for level in scores.LEVELS:
        a, b = process.scales(torch.tensor([scores.time_at(process, level)]))
        assert float(b / a) == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize("noise", PROCESSES, ids=["epsilon", "v", "flow"])
def test_an_error_of_the_clean_latent_and_the_velocity_s_share_of_it(scores: ModuleType, noise: Noise) -> None:
    data = Latents(torch.full((2, 1, 2, 2, 2), 0.5).half(), torch.zeros(2, 1), ("a", "b"))
    found = scores.held_out_errors(lambda z, _, __: torch.full_like(z, 0.6), process_of(noise), data, 0)
    assert found["clean_mse"] == pytest.approx(0.01, rel=1e-3)
    # At b / a = 1 an error e of z_0 is one of sqrt(2) e of v.
    assert found["levels"]["1"]["velocity_mse"] == pytest.approx(0.02, rel=0.02)


def test_what_is_right_has_no_error(scores: ModuleType) -> None:
    process = process_of(Noise(process="flow"))
    data = Latents(torch.randn(1, 1, 2, 2, 2).half(), torch.zeros(1, 1), ("a",))

    def knows(z: torch.Tensor, times: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        a, b = process.scales(times)
        noise = (z - a * data.values.float()) / b
        return process.clean_of(z, process.target(data.values.float(), noise, times), times)

    assert scores.held_out_errors(knows, process, data, 0)["velocity_mse"] == pytest.approx(0, abs=1e-8)


def test_the_gaussian_guess_is_exact_for_one_number(scores: ModuleType) -> None:
    # z_0 ~ N(2, 9), z = 0.5 z_0 + 0.5 eps: the mean of z_0 is 2 + 0.5 * 9 / (0.25 * 9 + 0.25) * (z - 1).
    conditions = Conditions((Condition("group", ("hc",)),))
    fit = Fit(torch.zeros(1, 1), torch.ones(1), torch.full((1, 1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1, 1), 3.0))
    guess = scores.gaussian_guess(process_of(Noise(process="flow")), conditions, fit)
    made = guess(torch.full((1, 1, 1, 1, 1), 3.0), torch.tensor([500.0]), torch.zeros(1, 1))
    assert made.item() == pytest.approx(2 + 0.5 * 9 / 2.5 * 2)


def test_cohen_s_d_of_left_against_right(scores: ModuleType) -> None:
    found = scores.effect({"left": [1.0, 2.0, 3.0], "right": [4.0, 5.0, 6.0]})
    assert found["d"] == -3 and found["means"] == [2, 5] and found["sd"] == 1
    assert scores.effect({"left": [1.0, 2.0], "right": [4.0, 5.0, 6.0]})["d"] is None
    assert scores.effect({"left": [1.0] * 3, "right": [1.0] * 3})["d"] is None
    assert scores.effect_error(found, {"d": -2.5}) == -0.5 and scores.effect_error(found, None) is None


def test_every_variant_is_a_recipe(part: Load) -> None:
    variants = part("sampling/variants")
    settings = {name: variants.settings_of(name) for name in variants.VARIANTS}
    assert len({repr(one) for one in settings.values()}) == len(settings) >= 9
    assert settings["paper"].noise.predicts == "epsilon" and settings["paper"].network.conditioning == "token"
    assert settings["flow"].noise.draw == "logit_normal" and settings["flow uniform"].noise.draw == "uniform"
    assert settings["flow, fine patch"].network.patch == (2, 2, 2)
    assert all(one.flip and list(one.conditions) == ["group", "side"] for one in settings.values())


@pytest.fixture(scope="module")
def data(part: Load, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random autoencoder and 24 latents for it, 9 of them held out."""
    root = tmp_path_factory.mktemp("ablation")
    coder = AutoencoderNetwork(design="lean", channels=(4, 8), residual_blocks=1)
    denoiser = DiffusionNetwork(patch=(14, 17, 14), depth=1, width=48, heads=2)
    part("sampling/generators").write_models(root, GRIDS["mni-3mm"], coder, denoiser)
    rng, rows = np.random.default_rng(0), []
    for i in range(24):
        group, side = [("hc", None), ("tle", "left"), ("tle", "right")][i % 3]
        split = "val" if i < 9 else "gen_train"
        volumes = {f"hippocampus_{one}_mni_mm3": 4000 + 100 * rng.standard_normal() for one in ("left", "right")}
        named = {"row": i, "participant_id": f"sub-{i:02d}", "group": group, "side": side, "split": split}
        rows.append(named | volumes)
    folder = root / "latents"
    folder.mkdir()
    np.save(folder / "latents.npy", rng.standard_normal((24, 2, 2, *SHAPE)).astype(np.float16))
    durable.write_table(folder / "index.tsv", pd.DataFrame(rows))
    durable.write_table(root / "splits.tsv", pd.DataFrame(rows)[["participant_id", "group", "split"]])
    about = {"autoencoder": read_fingerprint(root / "autoencoder"), "grid": "mni-3mm", "shape": list(SHAPE)}
    durable.write_json(folder / "latents.json", about)
    return root


def test_an_ablation_and_going_on(part: Load, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = part("sampling/variants")
    fake = lambda volume, _: Hippocampi(1000 + 100 * float(volume[:28].mean()), 1000 + 100 * float(volume[28:].mean()))  # noqa: E731
    monkeypatch.setitem(module.measured.__globals__, "hippocampi", fake)

    def run(*more: str) -> dict[str, Any]:
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        words = [str(data / "latents"), str(data / "splits.tsv"), "--autoencoder", str(data / "autoencoder")]
        words += ["--curves", str(tmp_path / "curves"), "--samples", "4", "--a-side", "3", "--set", *SMALL]
        names = ["--variants", "paper", "v-prediction, voxelwise", "flow, muon"]
        module.run(parser.parse_args([*words, *names, "--budget", "0.05", *more]), tmp_path / "variants.json")
        return json.loads((tmp_path / "variants.json").read_text())

    first = run()
    assert set(first["variants"]) == {"paper", "v-prediction, voxelwise", "flow, muon", "pca"}
    for name, entry in first["variants"].items():
        assert entry["errors"]["velocity_mse"] > entry["errors"]["clean_mse"] > 0 and entry["frechet"] > 0
        assert entry["effect"]["n"] == [3, 3] and entry["effect_error"] is None
        assert name == "pca" or entry["points"][-1]["core_seconds"] >= 0.05
    assert first["distances"]["training scans"]["frechet"] > 0 and first["real_effect"]["decoded"]["n"] == [5, 5]
    assert set(first["best"]) == {"velocity_mse", "frechet", "energy"}

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "taught", never)
    assert run()["variants"] == first["variants"]
    with pytest.raises(SystemExit, match="other settings"):
        run("--budget", "0.06")


def test_what_is_learnt_by_heart(
    part: Load, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = part("sampling/byheart")
    settings = (*SMALL, "network.baseline=voxelwise", "steps=2", "validate_every=2", "copy_watch.samples=0")
    monkeypatch.setattr(module, "VARIANTS", {"two steps": module.Variant(settings)})
    monkeypatch.setattr(module, "UNSEEN", ("val",))

    def run() -> dict[str, Any]:
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        words = [str(data / "latents"), str(data / "splits.tsv"), "--autoencoder", str(data / "autoencoder")]
        words += ["--work", str(tmp_path), "--draws", "6", "--samples", "8", "--steps", "2", "--variants", "two steps"]
        module.run(parser.parse_args(words), tmp_path / "byheart.json")
        return json.loads((tmp_path / "byheart.json").read_text())["variants"]["two steps"]

    first = run()
    assert 0 <= first["membership"]["value"] <= 1 and first["membership"]["n"] == 24
    assert 0 <= first["nearer"]["value"] <= 1 and first["val_score"] > 0 and first["cpu_s"] > 0
    monkeypatch.setattr(module, "train_diffusion", lambda *_, **__: pytest.fail("trained again"))
    assert run() == first
