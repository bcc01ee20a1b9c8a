"""The objective holds the recipe's weights and the perceptual distance the recipe names, or refuses."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import SqueezeNet

from tlesynth import recipe, weights
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.networks import Reconstruction
from tlesynth.errors import TlesynthError
from tlesynth.volume import Grid

CPU = torch.device("cpu")
GRID = Grid("test-objective", (32, 32, 32), 6.0, (0.0, 0.0, 0.0))


def example() -> tuple[torch.Tensor, Reconstruction]:
    torch.manual_seed(0)
    x = torch.rand(1, 1, 32, 32, 32)
    return x, Reconstruction(x + 0.1, torch.ones(1, 4, 2, 2, 2), torch.zeros(1, 4, 2, 2, 2))


def test_the_papers_weights() -> None:
    objective = objective_of(recipe.Autoencoder(perceptual="none"), GRID, CPU)
    assert objective.weights == {"l1": 1.0, "perceptual": 0.6, "kl": 1e-6, "adversarial": 0.02}
    x, made = example()
    terms = objective.terms(x, made, [torch.Generator()])
    # 32 latent elements of mean 1: a KL divergence of 16.
    assert {name: round(float(value), 5) for name, value in terms.items()} == {"l1": 0.1, "kl": 16.0}
    assert objective.total(terms).item() == pytest.approx(0.1 + 16e-6, abs=1e-6)


def test_a_crops_divergence_stands_for_the_whole_volumes() -> None:
    objective = objective_of(recipe.Autoencoder(perceptual="none"), GRID, CPU)
    x, made = example()
    half = Reconstruction(made.x_hat[:, :, :16], made.mean[:, :, :1], made.logvar[:, :, :1])
    terms = objective.terms(x[:, :, :16], half, [torch.Generator()])
    assert terms["kl"].item() == pytest.approx(16) and terms["l1"].item() == pytest.approx(0.1)


def test_ssim_is_named_and_counted() -> None:
    objective = objective_of(recipe.Autoencoder(perceptual="ssim3d", perceptual_weight=2.0), GRID, CPU)
    x, made = example()
    terms = objective.terms(x, made, [torch.Generator()])
    assert objective.perceptual_name == "ssim3d"
    assert terms["perceptual"].item() == pytest.approx(losses.ssim3d(x, made.x_hat).item())
    assert objective.total(terms).item() == pytest.approx(0.1 + 2 * terms["perceptual"].item() + 16e-6, abs=1e-5)


def test_lpips_without_weights_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(TlesynthError, match=r"WTS-001.*weights fetch alexnet"):
        objective_of(recipe.Autoencoder(), GRID, CPU)


def test_lpips_draws_its_slices_from_the_generator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    trunk = {k: v for k, v in SqueezeNet(version="1_1").state_dict().items() if k.startswith("features.")}
    save_file(trunk, tmp_path / "squeezenet1_1.safetensors")
    objective = objective_of(recipe.Autoencoder(perceptual="lpips-squeeze", perceptual_slices=0.1), GRID, CPU)
    x, made = example()
    first, same, other = (
        objective.terms(x, made, [torch.Generator().manual_seed(seed)])["perceptual"].item() for seed in (1, 1, 2)
    )
    assert objective.perceptual_name == "lpips-squeeze"
    assert first == same and first != other
