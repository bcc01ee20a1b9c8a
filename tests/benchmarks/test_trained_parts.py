"""What asking for a side does, and what if: both parts run on models of random weights and say what is true of them."""

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
from tlesynth.data.cohort import CohortWriter
from tlesynth.data.hippocampus import Hippocampi
from tlesynth.data.template import load_template
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.metrics.statistics import Resampling
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork
from tlesynth.synthesis import counterfactual
from tlesynth.volume import GRIDS

Load = Callable[[str], ModuleType]
GRID = GRIDS["mni-3mm"]
PEOPLE = pd.DataFrame(
    {"group": ["hc"] * 3 + ["tle"] * 6, "side": [None] * 3 + ["left"] * 3 + ["right"] * 3},
    index=[f"sub-{i:02d}" for i in range(9)],
)
LOST = 0.2
"""Share of the brightness of half a head that its side's disease takes."""


def halves(volume: np.ndarray, _: object) -> Hippocampi:
    """Stands for the measure: the brightness of each half of the head."""
    middle = GRID.shape[0] // 2
    return Hippocampi(1000 * float(volume[:middle].mean()), 1000 * float(volume[middle:].mean()))


@pytest.fixture(scope="module")
def models(part: Load, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    coder = AutoencoderNetwork(design="lean", channels=(4, 8), residual_blocks=1)
    denoiser = DiffusionNetwork(patch=(14, 17, 14), depth=1, width=48, heads=2)
    part("sampling/generators").write_models(root, GRID, coder, denoiser)
    return root


def cohort(root: Path, people: pd.DataFrame) -> Path:
    """The template for everyone; in patients the half head of their side is darker."""
    brain, middle = load_template(GRID).t1, GRID.shape[0] // 2
    writer = CohortWriter(root, GRID, "preproc", "Heads", "Made for a test")
    for name, side in people["side"].items():
        voxels = brain.copy()
        if side == "left":
            voxels[:middle] *= 1 - LOST
        if side == "right":
            voxels[middle:] *= 1 - LOST
        writer.write(str(name), voxels, {})
    writer.finish(people)
    return root


def run(module: ModuleType, models: Path, out: Path, *words: str) -> dict[str, Any]:
    """The JSON that a part writes of these models, with the shortest sampling."""
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    given = [
        "--autoencoder",
        str(models / "autoencoder"),
        "--diffusion",
        str(models / "diffusion"),
        "--steps",
        "2",
        "--sampler",
        "heun",
    ]
    module.run(parser.parse_args([*words, *given]), out)
    return json.loads(out.read_text())


def test_effect(part: Load, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = part("sampling/effect")
    monkeypatch.setattr(effect, "hippocampi", halves)
    real = cohort(tmp_path / "real", PEOPLE)
    made = run(effect, models, tmp_path / "effect.json", str(real), "--n", "3", "--guidance", "1")
    # 200 (R - L) / (R + L) of 0.8 against 1.
    expected = 200 * LOST / (2 - LOST)
    assert made["real"]["left"]["value"] == pytest.approx(expected, abs=0.1)
    assert made["real"]["right"]["value"] == pytest.approx(-expected, abs=0.1)
    assert abs(made["real"]["healthy"]["value"]) < 1 and made["n"] == 3
    drawn = made["drawn_by_guidance"]["1"]
    assert drawn["left"]["n"] == 3 and drawn["left_above_right"].endswith("of 3")
    difference = drawn["left"]["value"] - drawn["right"]["value"]
    assert drawn["left_minus_right_of_one_noise"]["value"] == pytest.approx(difference, abs=1e-3)
    assert (tmp_path / "effect-1.webp").stat().st_size > 0


def test_an_effect_that_nobody_could_measure_is_left_out(part: Load) -> None:
    compared = part("sampling/effect").compared
    found = {"healthy": [0.0, 1.0, 2.0], "left": [4.0, 5.0, 6.0, np.nan], "right": [-4.0, -5.0, -6.0]}
    made = compared({k: np.array(v) for k, v in found.items()}, Resampling(50, 0.95, np.random.default_rng(0)))
    assert made["left"]["value"] == 5 and made["left"]["n"] == 3
    # Means 5 and -5, standard deviations of 1: 10, times 1 - 3 / (4 * 4 - 1) for few.
    assert made["left_against_right"]["value"] == pytest.approx(10 * 0.8, rel=1e-3)


def test_what_if(part: Load, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whatif = part("sampling/whatif")
    monkeypatch.setattr(whatif, "hippocampi", halves)
    monkeypatch.setattr(counterfactual, "hippocampi", halves)
    patients = PEOPLE.iloc[[3, 4, 6]]
    cohort(tmp_path / "planted", patients)
    cohort(tmp_path / "healthy", patients.assign(group="hc", side=None))
    ratios = {"ratio_hippocampus_left": [0.7, 0.8, 1.0], "ratio_hippocampus_right": [1.0, 1.0, 0.9]}
    truth = pd.DataFrame({"participant_id": patients.index, "side": patients["side"].tolist()} | ratios)
    durable.write_table(tmp_path / "truth.tsv", truth)
    places = [str(tmp_path / name) for name in ("healthy", "planted", "truth.tsv")]
    made = run(whatif, models, tmp_path / "whatif.json", *places, "--work", str(tmp_path / "work"))
    first, _, last = made["rows"]
    assert (first["side"], last["side"]) == ("left", "right")
    assert first["planted"] == pytest.approx(-30) and last["planted"] == pytest.approx(-10)
    assert first["measured"] == pytest.approx(-100 * LOST, abs=0.1)
    table = pd.read_csv(tmp_path / "work" / "sub-03" / "counterfactuals.tsv", sep="\t").iloc[0]
    assert first["ipsilateral"] == pytest.approx(table["left_change_percent"], abs=1e-4)
    assert first["contralateral"] == pytest.approx(table["right_change_percent"], abs=1e-4)
    assert first["inside_over_outside"] == pytest.approx(table["change_inside"] / table["change_outside"], rel=1e-3)
    assert set(made["figures"]) == set(made["definitions"]) and made["figures"]["planted"]["value"] == pytest.approx(
        -20
    )
    assert (tmp_path / "whatif.webp").stat().st_size > 0


def test_few_steps_beside_many(part: Load, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many steps of the same solver lie where the long way does; one step lies elsewhere."""
    nearness = part("sampling/nearness")

    def loaded(folder: Path) -> Diffusion:
        model = load_diffusion(folder)
        torch.manual_seed(0)
        for parameter in model.network.parameters():  # not the zeros it starts from: those draw in a straight line
            torch.nn.init.normal_(parameter, std=0.3)
        return model

    monkeypatch.setattr(nearness, "load_diffusion", loaded)
    latents, shape = tmp_path / "latents", json.loads((models / "diffusion/config.json").read_text())["latent_shape"]
    people = PEOPLE.rename_axis("participant_id").reset_index()
    people["split"] = ["gen_train"] * 6 + ["val"] * 3
    durable.write_table(tmp_path / "splits.tsv", people[["participant_id", "group", "split"]])
    people.insert(0, "row", range(len(people)))
    durable.write_table(latents / "index.tsv", people)
    values = np.random.default_rng(0).standard_normal((len(people), 2, 2, *shape)).astype(np.float16)
    np.save(latents / "latents.npy", values)
    parser = argparse.ArgumentParser()
    nearness.arguments(parser)
    places = [str(latents), "--splits", str(tmp_path / "splits.tsv"), "--diffusion", str(models / "diffusion")]
    how = ["--sampler", "heun", "--steps", "1", "6", "--long", "heun:6", "--n", "4"]
    nearness.run(parser.parse_args([*places, *how]), tmp_path / "nearness.json")
    made = json.loads((tmp_path / "nearness.json").read_text())
    one, same = made["by_steps"]["1"], made["by_steps"]["6"]
    assert (same["difference"], same["behind"], same["met"]) == (0, 0, True)
    assert one["difference"] > 0.01 and made["floor"] > 0
