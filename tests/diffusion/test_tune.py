"""The sweep takes the cheapest way to sample that is good enough, and it is read back for the same weights alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tlesynth import durable
from tlesynth.diffusion import tune as tuning
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import read_latents, rows_of
from tlesynth.diffusion.model import Diffusion
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.tune import Pair, chosen, read_tuned, tune
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
SETTINGS, SAMPLE = Tune(n=8, steps=(2, 8, 60), guidance=(1.0, 3.0)), Sample(sampler="euler", steps=1)


def test_the_cheapest_within_the_tolerance_is_chosen() -> None:
    pairs = [Pair(10, 1.0, 1.50, 10), Pair(20, 1.0, 1.015, 20), Pair(50, 1.0, 1.0, 50), Pair(20, 2.0, 1.0, 40)]
    assert chosen(pairs) == pairs[1]
    assert chosen([*pairs, Pair(20, 3.0, 1.01, 20)]).guidance == 3.0  # as cheap, and nearer
    assert chosen([Pair(5, 9.0, None, 5), *pairs]) == pairs[1]
    with pytest.raises(TlesynthError, match="NUM-006"):
        chosen([Pair(5, 1.0, None, 5)])


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


def swept(root: Path, settings: Tune = SETTINGS, sample: Sample = SAMPLE) -> dict:
    model = root / "diffusion" / "model"
    model.mkdir(parents=True, exist_ok=True)
    return tune(model, root / "latents", root / "splits.tsv", settings, sample, seed=3, device="cpu")


def test_the_sweep_finds_the_steps_that_suffice(root: Path, stub: Callable[..., Diffusion]) -> None:
    stub()
    found = swept(root)
    distance = {(pair["steps"], pair["guidance"]): pair["distance"] for pair in found["pairs"]}
    assert len(distance) == 6 and max(distance[60, 1.0], distance[8, 1.0]) < distance[2, 1.0]
    assert distance[60, 1.0] < distance[60, 3.0]  # an exact model needs no guidance
    assert found["chosen"]["guidance"] == 1.0 and found["chosen"]["passes"] == found["chosen"]["steps"] > 2
    assert {pair["passes"] for pair in found["pairs"] if pair["guidance"] == 3.0} == {4, 16, 120}
    assert found["floor"] > 0 and found["validation_scans"] == 3
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
