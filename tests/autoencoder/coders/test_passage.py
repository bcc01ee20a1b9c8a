"""Computing activations again changes memory, not results, names or fingerprints."""

import pytest
import torch
from torch import Tensor

from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.recipe import AutoencoderNetwork
from tlesynth.training.footprint import footprint
from tlesynth.volume import Grid

SMALL = Grid("small", (12, 16, 12), 3.0, (0.0, 0.0, 0.0))
DESIGNS = [
    {"design": "monai", "channels": (8, 8, 8), "norm_groups": 2},
    {"design": "lean", "channels": (8, 16), "norm_groups": 2},
]


def built(design: dict, checkpoint_activations: bool) -> Autoencoder:
    torch.manual_seed(0)
    settings = AutoencoderNetwork.model_validate(design | {"checkpoint_activations": checkpoint_activations})
    network = Autoencoder(settings, SMALL)
    # The lean design starts as a linear map: without this its convolutions would get no gradient.
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return network


def kept_and_gradients(network: Autoencoder) -> tuple[int, dict[str, Tensor]]:
    """Bytes kept for the backward pass, and every gradient."""
    draws = torch.Generator().manual_seed(2)
    x, noise = torch.rand(1, 1, *SMALL.shape, generator=draws), torch.randn(1, 4, 3, 4, 3, generator=draws)
    owned = [*network.parameters(), *network.buffers(), x, noise]
    found = footprint(lambda: (network(x, noise).x_hat - x).square().mean(), owned)
    return found.kept, {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("design", DESIGNS, ids=["monai", "lean"])
def test_gradients_are_the_same_and_less_is_kept(design: dict) -> None:
    plain, thrifty = built(design, False), built(design, True)
    much, wanted = kept_and_gradients(plain)
    little, made = kept_and_gradients(thrifty)
    assert little < 0.6 * much
    assert made.keys() == wanted.keys() and len(made) > 10
    for name, gradient in wanted.items():
        torch.testing.assert_close(made[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("design", DESIGNS, ids=["monai", "lean"])
def test_it_is_the_same_model(design: dict) -> None:
    plain, thrifty = built(design, False), built(design, True)
    assert list(plain.state_dict()) == list(thrifty.state_dict())
    assert plain.fingerprint == thrifty.fingerprint
    x = torch.rand(1, 1, *SMALL.shape)
    torch.testing.assert_close(plain.to_latents(x), thrifty.to_latents(x))
