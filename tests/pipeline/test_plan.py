"""The dry run counts what the networks really are."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tlesynth import recipe
from tlesynth.errors import TlesynthError
from tlesynth.pipeline.plan import _passes, _share_seen, cost_of, plan
from tlesynth.pipeline.stages import Context
from tlesynth.volume import GRIDS
from tlesynth.weights import FOLDER_VARIABLE


def test_a_linear_layer_costs_two_operations_a_weight() -> None:
    with torch.device("meta"):
        cost = cost_of(nn.Linear(30, 20, bias=False), torch.empty(5, 30))
    assert (cost.parameters, cost.flops) == (600, 2 * 5 * 600)


def test_the_paper_plan_states_the_papers_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    told = plan(Context(recipe.load("paper"), tmp_path))
    assert "tlesynth weights fetch alexnet" in told["perceptual loss"]
    assert told["grid"].endswith("112 x 136 x 112 voxels")
    assert told["latent"] == "4 x 28 x 34 x 28 (16x smaller)"
    assert "833 tokens" in told["diffusion"] and "48.4 GFLOP" in told["diffusion"]
    assert "8 GB no" in told["fits"] and "80 GB yes" in told["fits"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "override",
    [
        "diffusion.network.patch=[3,2,4]",
        "autoencoder.adversarial_phase.discriminator_layers=5",
        "autoencoder.crop=[64,64,64]",
    ],
)
def test_sizes_that_do_not_fit_are_told_before_any_work(tmp_path: Path, override: str) -> None:
    with pytest.raises(TlesynthError) as caught:
        plan(Context(recipe.load("tiny", [override]), tmp_path))
    assert caught.value.code == "CFG-003" and caught.value.exit_status == 2


def test_crops_cost_their_share_of_the_volume() -> None:
    grid = GRIDS["mni-1.5mm"]
    assert _share_seen(recipe.Autoencoder(), grid) == 1
    half = recipe.Autoencoder.model_validate({"crop": [56, 136, 112]})
    assert _share_seen(half, grid) == pytest.approx(0.5)


def test_passes_count_what_guidance_and_the_solver_ask_for() -> None:
    plain = recipe.load("tiny", ["sample.guidance=1", "sample.steps=10"])
    assert _passes(plain) == (10, 0)
    assert _passes(recipe.load("tiny", ["sample.guidance=3", "sample.steps=10"])) == (20, 0)
    half = ["sample.guidance=3", "sample.steps=10", "sample.guidance_interval=[0, 0.5]"]
    assert 14 <= _passes(recipe.load("tiny", half))[0] <= 16
    flow = ["diffusion.noise.process=flow", "sample.sampler=heun", "sample.guidance=1", "sample.steps=10"]
    assert _passes(recipe.load("tiny", flow)) == (19, 0)
    swept = ["sample.tuned=true", "tune.n=8", "tune.steps=[5, 10]", "tune.guidance=[1, 2]"]
    assert _passes(recipe.load("tiny", swept))[1] == 8 * (5 + 10 + 10 + 20)
    with pytest.raises(TlesynthError, match="CFG-002"):
        _passes(recipe.load("tiny", ["sample.sampler=euler"]))
