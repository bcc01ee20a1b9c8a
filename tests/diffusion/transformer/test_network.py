"""DiT-3D: the paper's size, zero initialisation, what reaches the output, precision, and that it can learn."""

import copy
import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.transformer.network import DiT3D
from tlesynth.recipe import DiffusionNetwork

PAPER = (4, 28, 34, 28)
SMALL = (2, 4, 6, 4)
GROUP = Conditions((Condition("group", ("hc", "tle")),))
TWO = Conditions((Condition("group", ("hc", "tle")), Condition("age", low=20, high=70)))
WAYS = ("token", "adaln", "both")
NAN = math.nan


def small_network(conditions: Conditions = TWO, **changes: object) -> DiT3D:
    torch.manual_seed(0)
    settings = DiffusionNetwork.model_validate({"patch": (2, 2, 2), "depth": 2, "width": 48, "heads": 2, **changes})
    return DiT3D(settings, SMALL, (12.0, 12.0, 12.0), conditions)


def woken(network: DiT3D, std: float = 0.2) -> DiT3D:
    """The network with its zero-initialised layers filled, so that every path carries signal."""
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=std)
    return network


def told(*rows: tuple[float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def test_the_papers_size() -> None:
    with torch.device("meta"):
        network = DiT3D(DiffusionNetwork(), PAPER, (6.0, 6.0, 6.0), GROUP)
        with FlopCounterMode(display=False) as flops:
            out = network(torch.empty(1, *PAPER), torch.ones(1), torch.ones(1, 1))
    assert out.shape == (1, *PAPER)
    assert network.tokens == (7, 17, 7) and len(network.blocks) == 12
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(32.6e6, rel=0.01)
    # By hand: each weight once a token (those of adaLN once), and attention 4 N^2 E in each block.
    per_token = sum(p.numel() for name, p in network.named_parameters() if p.dim() == 2 and is_per_token(name))
    attention = 12 * 4 * 834**2 * 384
    assert attention == pytest.approx(12.8e9, rel=0.01)
    expected = 2 * 834 * per_token + 2 * (12 * 6 + 2) * 384**2 + attention
    assert expected <= 50e9
    assert flops.get_total_flops() == pytest.approx(expected, rel=0.01)


def is_per_token(name: str) -> bool:
    return not any(part in name for part in ("modulation", "conditions", "time"))


@pytest.mark.parametrize("way", WAYS)
def test_it_starts_as_zero_and_every_block_as_the_identity(way: str) -> None:
    network = small_network(conditioning=way, qk_norm=True)
    z = torch.randn(2, *SMALL)
    assert not network(z, torch.tensor([3.0, 900.0]), told((0, 0.5), (NAN, NAN))).any()
    tokens, code = torch.randn(2, 12 + 2, 48), torch.randn(2, 48)
    assert torch.equal(network.blocks[0](tokens, code), tokens)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("windows", [{}, {"size": (2, 2, 1), "blocks": (0, 1), "shifted": True}])
def test_time_conditions_and_place_reach_the_output(way: str, windows: dict[str, object]) -> None:
    network = woken(small_network(conditioning=way, windows=windows))
    z, early = torch.randn(1, *SMALL), torch.tensor([10.0])
    base = network(z, early, told((0, 0.5)))
    assert not torch.allclose(base, network(z, torch.tensor([500.0]), told((0, 0.5))))
    for other in ((1, 0.5), (0, 0.7), (NAN, 0.5), (0, NAN)):
        assert not torch.equal(base, network(z, early, told(other)))
    # Without positions, attention over patches would commute with a shift along a patch axis.
    rolled = network(z.roll(2, dims=3), early, told((0, 0.5)))
    assert not torch.allclose(base.roll(2, dims=3), rolled, atol=1e-4)


def test_conditions_are_tokens_only_where_asked() -> None:
    seen: list[int] = []
    for way in WAYS:
        network = small_network(conditioning=way)
        network.blocks[0].register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
        network(torch.randn(1, *SMALL), torch.zeros(1), told((0, 0.5)))
    assert seen == [12 + 2, 12, 12 + 2]


def test_windows_are_in_the_blocks_named_and_every_second_is_shifted() -> None:
    windows = {"size": (2, 2, 2), "blocks": (0, 2, 3), "shifted": True}
    blocks = small_network(depth=5, windows=windows).blocks
    assert [block.attention.windows is not None for block in blocks] == [True, False, True, True, False]
    # Along the 3 tokens of the middle axis: 2 + 1, or 1 + 2.
    assert [block.attention.windows.members.shape[1] for block in (blocks[0], blocks[2])] == [8, 8]
    assert blocks[0].attention.windows.filled[0].all() and not blocks[2].attention.windows.filled[0].all()


def test_windows_that_cover_the_grid_change_nothing() -> None:
    plain = woken(small_network())
    windowed = small_network(windows={"size": (2, 3, 2), "blocks": (0, 1), "shifted": True})
    windowed.load_state_dict(plain.state_dict())
    arguments = torch.randn(2, *SMALL), torch.tensor([10.0, 700.0]), told((0, 0.5), (NAN, 1))
    assert torch.allclose(windowed(*arguments), plain(*arguments), atol=1e-5)


@pytest.mark.parametrize("windows", [{}, {"size": (2, 2, 1), "blocks": (0, 1), "shifted": True}])
def test_a_batch_does_not_mix(windows: dict[str, object]) -> None:
    network = woken(small_network(conditioning="both", qk_norm=True, windows=windows))
    z, times, conditions = torch.randn(3, *SMALL), torch.tensor([1.0, 400.5, 999.0]), told((0, 0.1), (1, NAN), (NAN, 1))
    together = network(z, times, conditions)
    for i in range(3):
        alone = network(z[i : i + 1], times[i : i + 1], conditions[i : i + 1])
        assert torch.allclose(together[i : i + 1], alone, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_nulls_are_trained_and_gradients_finite(way: str) -> None:
    network = woken(small_network(conditioning=way))
    network(torch.randn(2, *SMALL), torch.tensor([3.0, 900.0]), told((NAN, NAN), (1, 0.3))).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    category, quantity = network.conditions.each
    assert category.table.weight.grad[2].any() and category.table.weight.grad[1].any()
    assert not category.table.weight.grad[0].any()
    assert quantity.null.grad.any() and quantity.layers[0].weight.grad.any()


@pytest.mark.parametrize("changes", [{}, {"qk_norm": True}, {"windows": {"size": (4, 4, 4), "blocks": (0, 2)}}])
def test_bfloat16_loses_less_than_a_hundredth(changes: dict[str, object]) -> None:
    settings = DiffusionNetwork.model_validate(
        {"depth": 4, "width": 192, "heads": 3, "conditioning": "both", **changes}
    )
    torch.manual_seed(0)
    network = woken(DiT3D(settings, PAPER, (6.0, 6.0, 6.0), TWO), std=0.1)
    z, times, conditions = torch.randn(1, *PAPER), torch.tensor([431.7]), told((1, 0.3))
    with torch.no_grad():
        exact = copy.deepcopy(network).double()(z.double(), times, conditions)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = network(z, times, conditions)
        half = network.bfloat16()(z, times, conditions)
    for out in (mixed, half):
        assert out.dtype == torch.float32
        assert (out.double() - exact).norm() / exact.norm() < 1e-2


def test_it_trains_in_mixed_precision() -> None:
    network = woken(small_network())
    with torch.autocast("cpu", torch.bfloat16):
        out = network(torch.randn(2, *SMALL), torch.tensor([3, 900]), told((NAN, 0.1), (1, NAN)))
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("way", ["token", "adaln"])
def test_it_learns_a_mean_for_each_group(way: str) -> None:
    network = small_network(GROUP, conditioning=way)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    means = torch.randn(3, *SMALL, generator=torch.Generator().manual_seed(1))
    conditions, times = torch.tensor([[0.0], [1.0], [NAN]]), torch.full((3,), 100.0)
    for _ in range(150):
        loss = (network(torch.zeros(3, *SMALL), times, conditions) - means).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05 * means.square().mean().item()
