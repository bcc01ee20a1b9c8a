"""The model folder: what is saved comes back, without pickle and without names of people."""

from pathlib import Path

import pytest
import torch

from tlesynth import durable
from tlesynth.diffusion.completion import Completion, fit_completion
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.model import build_network, load_diffusion, save_diffusion, usage_of
from tlesynth.diffusion.process import process_of
from tlesynth.errors import TlesynthError
from tlesynth.recipe import DiffusionNetwork, Inference, Noise, Sampling, Usage

CONDITIONS = Conditions((Condition("group", ("hc", "tle")), Condition("age", low=20.0, high=60.0)))
SHAPE, EXTENT = (2, 4, 6, 4), (168.0, 204.0, 168.0)


def saved(folder: Path, prediction: str = "v_prediction", completion: Completion | None = None) -> torch.nn.Module:
    baseline = "voxelwise" if prediction == "v_prediction" else "none"
    settings = DiffusionNetwork(patch=(2, 3, 2), depth=1, width=48, heads=2, baseline=baseline)
    process = process_of(Noise.model_validate({"prediction": prediction}))
    network = build_network(settings, process, CONDITIONS, SHAPE, EXTENT)
    for tensor in (*network.parameters(), *(b for name, b in network.named_buffers() if name == "mean")):
        torch.nn.init.normal_(tensor, std=0.1)
    training = {"steps": 1, "best_step": 1, "best_validation": 0.5, "flip": True}
    config = {
        "network": settings.model_dump(mode="json"),
        "conditions": CONDITIONS.described(),
        "latent_shape": list(SHAPE),
        "extent_mm": list(EXTENT),
        "grid": "mni-3mm",
        "autoencoder": "a" * 64,
        "parameters": 1,
        "class_counts": {"hc": 3, "tle": 4},
        "training": training,
        "completion": completion.described() if completion else None,
    }
    save_diffusion(folder, network, process, config)
    return network


def with_config(folder: Path, **changes: object) -> Path:
    """The model in ``folder`` with other values in its config.json, its manifest being right."""
    config = durable.read_json(folder / "config.json") | changes
    durable.write_json(folder / "config.json", config)
    manifest = durable.read_json(folder / "manifest.json")
    durable.write_json(folder / "manifest.json", manifest | {"config.json": durable.sha256(folder / "config.json")})
    return folder


def test_a_model_says_how_it_is_sampled(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    assert usage_of(tmp_path / "model") is None, "trained by no recipe"
    sampling = Sampling(sampler="dpm++", steps=7, guidance=2.5, guidance_interval=(0.1, 0.9), tuned=True)
    how = Usage(sampling=sampling, inference=Inference(precision="auto"))
    assert usage_of(with_config(tmp_path / "model", usage=how.model_dump(mode="json"))) == how
    with pytest.raises(TlesynthError, match=r"MOD-004.*usage\.sampling\.sampler"):
        usage_of(with_config(tmp_path / "model", usage={"sampling": {"sampler": "magic"}}))


@pytest.mark.parametrize(
    "changes", [{"training": {}}, {"latent_shape": [2]}, {"extent_mm": "wide"}, {"conditions": [{"name": "group"}]}]
)
def test_a_config_that_lacks_something_is_refused_by_name(changes: dict[str, object], tmp_path: Path) -> None:
    saved(tmp_path / "model")
    with pytest.raises(TlesynthError, match=r"MOD-004.*config\.json"):
        load_diffusion(with_config(tmp_path / "model", **changes))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_what_is_saved_comes_back(prediction: str, tmp_path: Path) -> None:
    network = saved(tmp_path / "model", prediction)
    model = load_diffusion(tmp_path / "model", "a" * 64)
    z, times, told = torch.randn(1, *SHAPE), torch.tensor([77.0]), model.conditions.asked([{"group": "tle"}], "test")
    assert torch.equal(model.network(z, times, told), network(z, times, told))
    assert model.conditions == CONDITIONS and model.process.prediction == prediction
    for mine, theirs in zip(model.process.scales(times), process_of(Noise()).scales(times), strict=True):
        assert torch.equal(mine, theirs)
    assert model.fingerprint == durable.sha256(tmp_path / "model" / "diffusion.safetensors")


def test_the_folder_holds_tensors_json_and_a_card(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    names = {f.name for f in (tmp_path / "model").iterdir()}
    assert names == {"config.json", "diffusion.safetensors", "scheduler_config.json", "README.md", "manifest.json"}
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| tle | 4 |" in card and "| age | from 20 to 60 |" in card and "Not for diagnosis" in card
    assert "open" not in card and load_diffusion(tmp_path / "model").completion is None


def test_what_draws_open_conditions_is_kept_and_told(tmp_path: Path) -> None:
    told = CONDITIONS.asked([{"group": "hc", "age": 30 + i} for i in range(12)], "test")
    completion = fit_completion(told, CONDITIONS, ("age",))
    saved(tmp_path / "model", completion=completion)
    kept = load_diffusion(tmp_path / "model").completion
    assert kept is not None and kept.described() == completion.described()
    card = (tmp_path / "model" / "README.md").read_text()
    assert "What a request leaves open of `age` is drawn as the training scans" in card


def test_another_format_is_refused(tmp_path: Path) -> None:
    with durable.publishing(tmp_path / "model") as folder:
        durable.write_json(folder / "config.json", {"format": "other"})
    with pytest.raises(TlesynthError) as caught:
        load_diffusion(tmp_path / "model")
    assert caught.value.code == "MOD-004"


def test_in_bfloat16_it_predicts_nearly_the_same(tmp_path: Path) -> None:
    network = saved(tmp_path / "model")
    model = load_diffusion(tmp_path / "model")
    model.use_bfloat16()
    z, times, told = torch.randn(1, *SHAPE), torch.tensor([300.0]), CONDITIONS.null(1)
    exact, half = network(z, times, told), model.network(z, times, told)
    assert half.dtype == torch.float32 and 0 < (half - exact).norm() / exact.norm() < 0.02
