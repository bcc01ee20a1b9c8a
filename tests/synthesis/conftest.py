"""A random autoencoder and a random diffusion model that fits it."""

from pathlib import Path

import pytest
import torch

from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.model import build_network, save_diffusion
from tlesynth.diffusion.process import process_of
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork, Noise
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
        Condition("age", low=20.0, high=60.0),
    )
)


def write_models(root: Path, brightness: float = 0.5) -> tuple[Path, Path]:
    """A random autoencoder whose volumes have about this brightness, and a random diffusion model that fits it."""
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), GRID)
    torch.nn.init.constant_(list(autoencoder.coder.kl.decoder.parameters())[-1], brightness)
    facts = {"scans": 1, "steps": 1, "best_step": 1, "validation_scans": 1, "phase": "reconstruction"}
    save_autoencoder(root / "autoencoder", autoencoder, facts | {"perceptual": "none", "validation": {"l1": 1.0}})
    settings = DiffusionNetwork(patch=(14, 17, 14), depth=1, width=48, heads=2)
    extent = tuple(n * GRID.spacing for n in GRID.shape)
    process = process_of(Noise())
    network = build_network(settings, process, CONDITIONS, autoencoder.latent_shape, extent)
    for parameter in network.parameters():  # not the zeros it starts from: conditions must count
        torch.nn.init.normal_(parameter, std=0.05)
    training = {"steps": 1, "best_step": 1, "best_validation": 1.0, "flip": True}
    config = {
        "network": settings.model_dump(mode="json"),
        "conditions": CONDITIONS.described(),
        "latent_shape": list(autoencoder.latent_shape),
        "extent_mm": list(extent),
        "grid": GRID.name,
        "autoencoder": autoencoder.fingerprint,
        "parameters": 1,
        "class_counts": {"hc": 10, "tle-left": 6, "tle-right": 4},
        "training": training,
    }
    save_diffusion(root / "diffusion", network, process, config)
    return root / "autoencoder", root / "diffusion"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_models(tmp_path_factory.mktemp("models"))
