"""The sweep takes the cheapest way to sample that is good enough, and it is read back for the same weights alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tlesynth import durable
from tlesynth.diffusion import scoring
from tlesynth.diffusion import tune as tuning
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import read_latents, rows_of
from tlesynth.diffusion.model import Diffusion
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan
from tlesynth.diffusion.scoring import Score
from tlesynth.diffusion.tune import Pair, chosen, compared, read_tuned, tune
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Noise, Sample, Tune

from .conftest import AUTOENCODER, SHAPE, write_latents

CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
    )
)
PROCESS = process_of(Noise(process="flow"))
SETTINGS, SAMPLE = Tune(n=8, steps=(1, 8, 60), guidance=(1.0, 3.0)), Sample(sampler="euler", steps=1)


def test_the_cheapest_within_an_error_of_the_best_is_chosen() -> None:
    best = Pair(50, 1.0, -0.001, 0.0, 50)
    pairs = [Pair(10, 1.0, 0.05, 0.01, 10), Pair(20, 1.0, 0.003, 0.005, 20), best, Pair(20, 2.0, 0.0, 0.01, 40)]
    assert chosen(pairs) == pairs[1]
    assert chosen([*pairs, Pair(20, 3.0, 0.002, 0.005, 20)]).guidance == 3.0  # as cheap, and nearer
    assert chosen([Pair(5, 9.0, None, None, 5), *pairs]) == pairs[1]
    assert chosen([pairs[0], best]) == best


def test_a_difference_is_to_the_best() -> None:
    plans = [Plan(PROCESS, sampler="euler", steps=steps) for steps in (5, 10, 20)]
    influence = torch.tensor([0.0, 8.0])
    pairs = compared(plans, [Score(0.2, influence), Score(0.0, influence + torch.tensor([0.1, -0.1])), None])
    assert [pair.distance for pair in pairs] == [0.2, 0.0, None] and [pair.passes for pair in pairs] == [5, 10, 20]
    assert pairs[0].error == pytest.approx(0.1, rel=1e-4) and pairs[1].error == 0 and pairs[2].error is None
    assert chosen(pairs) == pairs[1]
    with pytest.raises(TlesynthError, match="NUM-006"):
        compared(plans, [None, None, None])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_latents(tmp_path, per_class=8)
    return tmp_path


@pytest.fixture
def stub(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Diffusion]:
    """Puts an exact denoiser of voxelwise Gaussian latents, of a class each, in the model's place."""
    latents, splits = root / "latents", root / "splits.tsv"
    told = read_latents(latents, rows_of(latents, splits, "gen_train"), CONDITIONS, flip=True)

    def denoise(z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        a, b = PROCESS.scales(times)
        mean = torch.stack([told.values[_alike(told.conditions, one)].float().mean(0) for one in conditions])
        unit = (z - a * mean) / (a**2 * 0.09 + b**2)  # the conftest's spread is 0.3
        return PROCESS.target(mean + a * 0.09 * unit, b * unit, times)

    def put(network: Callable[[Tensor, Tensor, Tensor], Tensor] = denoise, fingerprint: str = "f" * 64) -> Diffusion:
        model = Diffusion(_Module(network), PROCESS, CONDITIONS, SHAPE, "mni-3mm", AUTOENCODER, {}, fingerprint, True)
        monkeypatch.setattr(tuning, "load_diffusion", lambda folder, autoencoder: model)
        monkeypatch.setattr(scoring, "BOX", 2)  # the disease of these small heads is 2 voxels wide
        return model

    return put


class _Module(torch.nn.Module):
    def __init__(self, network: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        return self.network(z, times, conditions)


def _alike(all_of: Tensor, one: Tensor) -> Tensor:
    """Rows of the same group and side; every row where nothing is told."""
    same = (all_of == one) | all_of.isnan() & one.isnan()
    return same[:, :2].all(1) if not one[0].isnan() else torch.ones(len(all_of), dtype=torch.bool)


def test_each_condition_is_asked_twice_and_mirrored_ones_as_often() -> None:
    rows = torch.arange(12.0)[:, None]  # six scans in a row, then the same mirrored
    assert tuning._twice(rows, 8).flatten().tolist() == [0, 0, 3, 3, 6, 6, 9, 9]
    assert tuning._twice(rows, 24).flatten().tolist() == [i // 2 for i in range(24)]
    assert tuning._twice(rows, 9).flatten().tolist() == [0, 0, 2, 2, 5, 5, 8, 8, 10]


def swept(root: Path, settings: Tune = SETTINGS, sample: Sample = SAMPLE) -> dict:
    model = root / "diffusion" / "model"
    model.mkdir(parents=True, exist_ok=True)
    return tune(model, root / "latents", root / "splits.tsv", settings, sample, seed=3, device="cpu")


def test_the_sweep_finds_the_steps_that_suffice(root: Path, stub: Callable[..., Diffusion]) -> None:
    stub()
    found = swept(root)
    distance = {(pair["steps"], pair["guidance"]): pair["distance"] for pair in found["pairs"]}
    # One step draws the mean of a class again and again.
    assert len(distance) == 6 and max(distance[60, 1.0], distance[8, 1.0]) < distance[1, 1.0]
    assert max(distance[60, 1.0], found["floor"]) < distance[60, 3.0]  # an exact model needs no guidance
    assert found["chosen"]["guidance"] == 1.0 and found["chosen"]["passes"] == found["chosen"]["steps"] > 1
    assert {pair["passes"] for pair in found["pairs"] if pair["guidance"] == 3.0} == {2, 16, 120}
    assert found["validation_scans"] == 3 and "energy distance" in found["score"]
    assert durable.read_json(root / "diffusion" / "tuned.json") == found
    assert swept(root) == found


def test_what_it_chose_is_read_back_for_the_same_weights_only(root: Path, stub: Callable[..., Diffusion]) -> None:
    stub()
    model = root / "diffusion" / "model"
    assert read_tuned(model, "f" * 64) is None
    found = swept(root, Tune(n=8, steps=(4,), guidance=(2.0,)), Sample(sampler="heun", guidance_interval=(0.2, 0.7)))
    assert read_tuned(model, "f" * 64) == {
        "sampler": "heun",
        "steps": 4,
        "guidance": 2.0,
        "guidance_interval": (0.2, 0.7),
    }
    assert found["chosen"]["passes"] < 2 * 7  # guidance acted in its interval alone
    assert read_tuned(model, "0" * 64) is None


def test_a_pair_that_is_not_finite_is_never_chosen(root: Path, stub: Callable[..., Diffusion]) -> None:
    model = stub()
    sound = model.network

    def fragile(z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        return sound(z, times, conditions) * (float("nan") if conditions[0].isnan().all() else 1.0)

    stub(fragile)
    found = swept(root, Tune(n=8, steps=(2, 4), guidance=(1.0, 3.0)))
    assert [pair["distance"] is None for pair in found["pairs"]] == [False, False, True, True]
    stub(lambda z, times, conditions: z * float("nan"))
    with pytest.raises(TlesynthError, match="NUM-006"):
        swept(root)


def test_one_validation_scan_is_too_few(root: Path, stub: Callable[..., Diffusion]) -> None:
    stub()
    table = durable.read_table(root / "splits.tsv")
    first = table.index[table["split"] == "val"][1:]
    table.loc[first, "split"] = "gen_train"
    durable.write_table(root / "splits.tsv", table)
    with pytest.raises(TlesynthError, match="two scans") as caught:
        swept(root)
    assert caught.value.code == "DATA-010"


def test_a_sampler_of_another_process_is_refused(root: Path, stub: Callable[..., Diffusion]) -> None:
    stub()
    with pytest.raises(TlesynthError, match="ddpm does not sample a flow"):
        swept(root, sample=Sample())
