"""DiT-3D: shapes at the paper's size, patch algebra, positions in mm, zero initialisation, and that it can learn."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlesynth.diffusion.network import DiT3D, check_patch, positions
from tlesynth.errors import TlesynthError
from tlesynth.recipe import DiffusionNetwork

PAPER = (4, 28, 34, 28)
SMALL = (2, 4, 6, 4)


def small_network(**changes: object) -> DiT3D:
    torch.manual_seed(0)
    settings = DiffusionNetwork.model_validate({"patch": (2, 2, 2), "depth": 2, "width": 48, "heads": 2, **changes})
    return DiT3D(settings, SMALL, (12.0, 12.0, 12.0), class_count=3)


def woken(network: DiT3D) -> DiT3D:
    """The network with its zero-initialised layers filled, so that every path carries signal."""
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def test_the_papers_size() -> None:
    with torch.device("meta"):
        network = DiT3D(DiffusionNetwork(), PAPER, (6.0, 6.0, 6.0), class_count=3)
        z, timesteps, labels = (torch.empty(1, *PAPER), torch.ones(1), torch.ones(1, dtype=torch.int64))
        with FlopCounterMode(display=False) as flops:
            out = network(z, timesteps, labels)
    assert out.shape == (1, *PAPER)
    assert network.tokens == (7, 17, 7)
    assert sum(p.numel() for p in network.parameters()) <= 33.5e6
    assert flops.get_total_flops() <= 50e9


def test_unpatchify_undoes_patchify_and_a_token_is_one_patch() -> None:
    network = small_network()
    z = torch.randn(2, *SMALL)
    tokens = network.patchify(z)
    assert tokens.shape == (2, 2 * 3 * 2, 2 * 8)
    assert torch.equal(network.unpatchify(tokens), z)
    # The second token is the next patch along z: channel 0's first voxel of it lies at (0, 0, 2).
    assert torch.equal(tokens[0, 1].reshape(2, 2, 2, 2), z[0, :, :2, :2, 2:4])


def test_it_starts_as_zero_and_every_block_as_the_identity() -> None:
    network = small_network()
    z = torch.randn(2, *SMALL)
    assert not network(z, torch.tensor([3, 900]), torch.tensor([0, 1])).any()
    tokens, time = torch.randn(2, 5, 48), torch.randn(2, 48)
    assert torch.equal(network.blocks[0](tokens, time), tokens)


def test_timestep_class_and_place_reach_the_output() -> None:
    network = woken(small_network())
    z = torch.randn(1, *SMALL)
    base = network(z, torch.tensor([10]), torch.tensor([0]))
    assert not torch.allclose(base, network(z, torch.tensor([500]), torch.tensor([0])))
    assert not torch.allclose(base, network(z, torch.tensor([10]), torch.tensor([1])))
    # Without positions, attention over patches would commute with a mirror along a patch axis.
    rolled = network(z.roll(2, dims=3), torch.tensor([10]), torch.tensor([0]))
    assert not torch.allclose(base.roll(2, dims=3), rolled, atol=1e-4)


def test_a_batch_does_not_mix() -> None:
    network = woken(small_network())
    z, timesteps, labels = (torch.randn(3, *SMALL), torch.tensor([1, 400, 999]), torch.tensor([0, 1, 2]))
    together = network(z, timesteps, labels)
    for i in range(3):
        assert torch.allclose(
            together[i : i + 1], network(z[i : i + 1], timesteps[i : i + 1], labels[i : i + 1]), atol=1e-5
        )


def test_positions_are_in_mm_and_mirror() -> None:
    code = positions((7, 17, 7), (24.0, 12.0, 24.0), 384)
    assert code.shape == (833, 384)
    assert torch.unique(code, dim=0).shape[0] == 833
    # The same place in mm has the same code on another token grid: the middle of the box, and 12 mm off it.
    assert torch.allclose(code.reshape(7, 17, 7, 384)[3, 8, 3], positions((1, 1, 1), (168.0, 204.0, 168.0), 384)[0])
    fine = positions((3, 3, 3), (12.0, 12.0, 12.0), 384).reshape(3, 3, 3, 384)
    assert torch.allclose(code.reshape(7, 17, 7, 384)[3, 9, 3], fine[1, 2, 1])
    # Left and right: the cosines agree and the sines change sign.
    left, right = (code.reshape(7, 17, 7, 384)[0, 8, 3, :128], code.reshape(7, 17, 7, 384)[6, 8, 3, :128])
    assert torch.allclose(left[:64], -right[:64], atol=1e-5) and torch.allclose(left[64:], right[64:], atol=1e-5)


def test_a_patch_that_does_not_divide_is_refused_with_the_nearest_that_does() -> None:
    check_patch((28, 34, 28), (4, 2, 4))
    with pytest.raises(TlesynthError) as caught:
        check_patch((28, 34, 28), (4, 4, 4))
    assert caught.value.code == "CFG-003" and "[4, 2, 4]" in str(caught.value)
    with pytest.raises(TlesynthError, match=r"\[2, 17, 14\]"):
        check_patch((14, 17, 14), (3, 16, 99))


def test_it_learns_a_class_mean() -> None:
    network = small_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    means = torch.randn(2, *SMALL, generator=torch.Generator().manual_seed(1))
    labels, timesteps = torch.tensor([0, 1]), torch.tensor([100, 100])
    for _ in range(150):
        loss = (network(torch.zeros(2, *SMALL), timesteps, labels) - means).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05 * means.square().mean().item()
