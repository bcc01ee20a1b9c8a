"""The lean coder starts as the best linear autoencoder, costs a tenth, and works on every grid that 4 divides."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlesynth.autoencoder.coders.lean import LeanCoder, depth_to_space, patch_moments, space_to_depth
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.errors import TlesynthError
from tlesynth.recipe import AutoencoderNetwork, load
from tlesynth.volume import GRIDS

TINY = AutoencoderNetwork(design="lean", channels=(8, 16), norm_groups=4)


def coder(seed: int = 0) -> LeanCoder:
    torch.manual_seed(seed)
    return LeanCoder(TINY, -6.0)


def volumes(n: int = 3) -> torch.Tensor:
    """Smooth random fields with an empty border, (n, 24, 28, 24)."""
    draws = torch.Generator().manual_seed(1)
    coarse = torch.rand(n, 1, 4, 5, 4, generator=draws)
    fine = torch.nn.functional.interpolate(coarse, (16, 20, 16), mode="trilinear")
    return torch.nn.functional.pad(fine, (4,) * 6)[:, 0]


@pytest.mark.parametrize("factor", [2, 4])
def test_unfolding_undoes_folding_and_keeps_every_voxel_in_its_block(factor: int) -> None:
    x = torch.arange(2 * 3 * 8 * 12 * 4).float().view(2, 3, 8, 12, 4)
    folded = space_to_depth(x, factor)
    assert folded.shape == (2, 3 * factor**3, 8 // factor, 12 // factor, 4 // factor)
    assert torch.equal(depth_to_space(folded, factor), x)
    block = x[1, 2, factor : 2 * factor, :factor, :factor].flatten().sort().values
    assert torch.equal(folded[1, 2 * factor**3 :, 1, 0, 0].sort().values, block)


def test_patch_moments_are_those_of_the_patches_that_are_not_empty() -> None:
    x = volumes()
    patches = torch.stack([space_to_depth(v[None, None], 4)[0].flatten(1).T for v in x]).flatten(0, 1)
    patches = patches[patches.amax(1) > 0]
    mean, covariance = patch_moments(x)
    torch.testing.assert_close(mean, patches.mean(0))
    torch.testing.assert_close(covariance, torch.cov(patches.T, correction=0), atol=1e-6, rtol=1e-4)


def test_before_training_it_is_the_best_linear_autoencoder() -> None:
    x, network = volumes(), coder()
    network.start_linear(x)
    with torch.no_grad():
        mean, logvar = network.encode(x[:, None])
        x_hat = network.decode(mean)[:, 0]
    patches = torch.cat([space_to_depth(v[None, None], 4)[0].flatten(1).T for v in x])
    used = patches.amax(1) > 0
    brain = patches[used]
    # Eckart and Young: the error of the best rank-C map is the sum of the other eigenvalues.
    eigenvalues = torch.linalg.eigvalsh(torch.cov(brain.T, correction=0).double())
    errors = torch.cat([space_to_depth((a - b)[None, None], 4)[0].flatten(1).T for a, b in zip(x, x_hat, strict=True)])
    assert float(errors[used].square().sum(1).mean()) == pytest.approx(float(eigenvalues[:-4].sum()), rel=1e-3)
    latents = mean.movedim(1, 0).flatten(1)[:, used]
    torch.testing.assert_close(latents.var(1, correction=0), torch.ones(4), rtol=1e-3, atol=1e-3)
    assert float(logvar.mean()) == pytest.approx(-6)


def test_the_start_depends_on_the_scans_alone() -> None:
    first, second = coder(0), coder(5)
    for network in (first, second):
        network.start_linear(volumes())
    assert torch.equal(first.from_patch.weight, second.from_patch.weight)


@torch.no_grad()
def test_a_crop_is_computed_as_the_whole_volume_is() -> None:
    network = coder()
    for parameter in network.parameters():
        if not parameter.any():  # at the start only the linear path says anything
            torch.nn.init.normal_(parameter, std=0.1)
    x = torch.rand(1, 1, 64, 24, 24, generator=torch.Generator().manual_seed(2))
    for whole, part in zip(network.encode(x), network.encode(x[:, :, :48]), strict=True):
        torch.testing.assert_close(part[:, :, :6], whole[:, :, :6])  # it sees 5 latent voxels far
    z = torch.randn(1, 4, 16, 6, 6, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(network.decode(z[:, :, :12])[:, :, :20], network.decode(z)[:, :, :20])


def test_gradients_reach_every_weight_after_a_step() -> None:
    network = coder()
    network.start_linear(volumes())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        mean, logvar = network.encode(volumes()[:, None])
        x_hat = network.decode(mean + torch.exp(0.5 * logvar))
        (x_hat - volumes()[:, None]).square().mean().backward()
        optimizer.step()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


def test_it_works_on_the_grids_of_the_package_and_needs_a_fraction_of_the_papers_work() -> None:
    def cost(settings: AutoencoderNetwork) -> float:
        with torch.device("meta"):
            network = Autoencoder(settings, GRIDS["mni-1.5mm"])
            assert network(torch.empty(1, 1, 112, 136, 112), torch.empty(1, 4, 28, 34, 28)).x_hat.shape[2:] == (
                112,
                136,
                112,
            )
            with FlopCounterMode(display=False) as counter:
                network.coder.decode(torch.empty(1, 4, 28, 34, 28))
        return counter.get_total_flops()

    lean = AutoencoderNetwork(design="lean", channels=(64, 128), norm_groups=16)
    assert cost(lean) < 450e9
    assert cost(load("paper").autoencoder.network) > 5 * cost(lean)


def test_the_designs_have_their_own_number_of_widths() -> None:
    with pytest.raises(TlesynthError, match=r"CFG-002.*design lean has 2 channels"):
        load("tiny", ["autoencoder.network.design=lean"])
