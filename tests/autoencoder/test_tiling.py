"""Tiles are laid out and blended so that nothing is lost, doubled or invented."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tlesynth.autoencoder.tiling import Tiling, spans_of, tiled_down, tiled_up, weights_of


@given(
    n=st.integers(1, 90), side=st.integers(4, 24), overlap=st.sampled_from([2, 4, 6, 8]), factor=st.sampled_from([1, 4])
)
@settings(deadline=None)
def test_shares_sum_to_one_everywhere_and_tiles_are_no_larger_than_asked(
    n: int, side: int, overlap: int, factor: int
) -> None:
    side = max(side, 2 * overlap)
    spans = spans_of(n, side, overlap)
    total = torch.zeros(n * factor)
    for (start, stop), weight in zip(spans, weights_of(spans, overlap // 2, factor), strict=True):
        assert 0 < stop - start <= side and weight.min() >= 0
        total[start * factor : stop * factor] += weight
    torch.testing.assert_close(total, torch.ones_like(total))
    assert all(left[1] - right[0] >= overlap for left, right in zip(spans, spans[1:], strict=False))


@given(n=st.integers(9, 90), overlap=st.sampled_from([4, 8]))
@settings(deadline=None)
def test_near_its_own_edge_a_tile_has_no_say(n: int, overlap: int) -> None:
    spans = spans_of(n, 2 * overlap, overlap)
    for place, weight in enumerate(weights_of(spans, overlap // 2, 1)):
        context = overlap // 4
        assert place == 0 or weight[:context].sum() == 0
        assert place == len(spans) - 1 or weight[-context:].sum() == 0


class Down(nn.Module):
    """Two halvings of different reach, without statistics of the whole volume."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv3d(1, 3, 3, padding=1), nn.Conv3d(3, 2, 4, stride=4)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        hidden = F.silu(self.first(x))
        return self.second(hidden), F.avg_pool3d(x, 4)


def up(x: Tensor) -> Tensor:
    """Each voxel becomes 4 x 4 x 4, then a blur that reaches one coarse voxel."""
    return F.conv3d(F.interpolate(x, scale_factor=4.0, mode="nearest"), torch.full((1, 1, 5, 5, 5), 0.01), padding=2)


@pytest.mark.parametrize("shape", [(17, 9, 23), (8, 8, 8), (9, 31, 8)])
def test_without_normalisation_tiles_are_the_whole(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    tiling, network = Tiling((10, 8, 12), 4), Down().requires_grad_(False)
    x = torch.rand(2, 1, *(4 * n for n in shape))
    for tiled, whole in zip(tiled_down(network, x, tiling, 4), network(x), strict=True):
        torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=1e-5)
    z = torch.rand(2, 1, *shape)
    torch.testing.assert_close(tiled_up(up, z, tiling, 4), up(z), rtol=1e-5, atol=1e-5)


def test_a_junction_moves_linearly_from_one_tile_to_the_next() -> None:
    tiles = iter([0.0, 1.0])
    made = tiled_up(
        lambda tile: torch.full_like(tile, next(tiles)), torch.zeros(1, 1, 12, 1, 1), Tiling((8, 8, 8), 4), 1
    )
    assert made[0, 0, :, 0, 0].tolist() == [0, 0, 0, 0, 0, 0.25, 0.75, 1, 1, 1, 1, 1]


def test_no_more_than_a_tile_goes_through_the_network_at_once() -> None:
    seen = []

    def network(tile: Tensor) -> Tensor:
        seen.append(tuple(tile.shape[2:]))
        return tile

    tiled_up(network, torch.zeros(1, 1, 30, 7, 16), Tiling((12, 8, 8), 4), 1)
    assert len(seen) == 4 * 1 * 3 and max(seen) == (12, 7, 8)
