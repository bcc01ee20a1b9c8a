"""Each term of the objective has an answer that is known without it."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from tlesynth.autoencoder.learning import losses


def test_l1_of_a_constant_offset() -> None:
    x = torch.rand(2, 1, 4, 4, 4)
    assert losses.l1(x, x + 0.25).item() == pytest.approx(0.25, abs=1e-6)


def test_kl_is_zero_at_the_prior_and_known_elsewhere() -> None:
    shape = (3, 4, 2, 2, 2)
    assert losses.kl(torch.zeros(shape), torch.zeros(shape)).item() == 0
    mean, logvar = 0.5, math.log(0.25)
    each = 0.5 * (mean**2 + 0.25 - 1 - logvar)
    found = losses.kl(torch.full(shape, mean), torch.full(shape, logvar))
    # Summed over 4 * 2 * 2 * 2 elements, averaged over the batch.
    assert found.item() == pytest.approx(32 * each, rel=1e-6)


def test_ssim_is_zero_for_equal_volumes_and_symmetric() -> None:
    x, y = torch.rand(1, 1, 9, 10, 11), torch.rand(1, 1, 9, 10, 11)
    assert losses.ssim3d(x, x).item() == pytest.approx(0, abs=1e-5)
    assert losses.ssim3d(x, y).item() == pytest.approx(losses.ssim3d(y, x).item(), abs=1e-6)


def test_ssim_of_two_constants_is_the_luminance_term() -> None:
    a, b = 0.2, 0.6
    x, y = torch.full((1, 1, 8, 8, 8), a), torch.full((1, 1, 8, 8, 8), b)
    luminance = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    assert losses.ssim3d(x, y).item() == pytest.approx(1 - luminance, abs=1e-4)


def test_ssim_agrees_with_its_formula_in_scipy() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((15, 16, 17))
    y = np.clip(x + rng.normal(0, 0.2, x.shape), 0, 1)
    mx, my, xx, yy, xy = (gaussian_filter(v, 1.5, radius=3) for v in (x, y, x * x, y * y, x * y))
    each = (2 * mx * my + 1e-4) * (2 * (xy - mx * my) + 9e-4)
    each /= (mx**2 + my**2 + 1e-4) * (xx - mx**2 + yy - my**2 + 9e-4)
    ours = losses.ssim3d(*(torch.from_numpy(v).float()[None, None] for v in (x, y)))
    assert 1 - ours.item() == pytest.approx(each[3:-3, 3:-3, 3:-3].mean(), abs=1e-5)


def test_ssim_keeps_float32_under_autocast() -> None:
    x, y = torch.rand(1, 1, 12, 12, 12), torch.rand(1, 1, 12, 12, 12)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = losses.ssim3d(x, y)
    assert mixed.item() == losses.ssim3d(x, y).item()


def test_objective_is_the_weighted_sum() -> None:
    terms = {"l1": torch.tensor(2.0), "kl": torch.tensor(1e5)}
    weights = {"l1": 1.0, "kl": 1e-6, "perceptual": 9.0}
    assert losses.objective(terms, weights).item() == pytest.approx(2.1)


def test_drawn_slices_are_filled_ones_and_repeat_with_the_seed() -> None:
    x = torch.zeros(1, 1, 8, 10, 12)
    x[..., 2:6, 3:9, 4:10] = 1
    first, again = (losses.draw_slices(x, 0.5, [torch.Generator().manual_seed(3)]) for _ in range(2))
    assert [len(planes) for (planes,) in first] == [2, 3, 3]
    for (planes,), (same,), (low, high) in zip(first, again, [(2, 6), (3, 9), (4, 10)], strict=True):
        assert torch.equal(planes, same) and low <= planes.min() and planes.max() < high


class MeanDifference(nn.Module):
    """Stands for LPIPS: the mean absolute difference of each image."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        assert a.shape[1] == 3 and a.min() >= -1 and a.max() <= 1
        return (a - b).abs().mean(dim=(1, 2, 3), keepdim=True)


def twice(planes: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """The same planes of two volumes."""
    return [[own, own] for own in planes]


def test_lpips_of_two_volumes_is_the_mean_of_each_ones_own() -> None:
    """So a batch of two has the gradient of two accumulated batches of one, also where one has more filled planes."""
    torch.manual_seed(0)
    x, x_hat = torch.rand(2, 1, 8, 10, 12), torch.rand(2, 1, 8, 10, 12)
    x[1, :, 3:] = 0

    def slices(rows: list[int]) -> list[list[torch.Tensor]]:
        return losses.draw_slices(x[rows], 0.5, [torch.Generator().manual_seed(row) for row in rows])

    both, alone = slices([0, 1]), [slices([row]) for row in (0, 1)]
    assert [[len(own) for own in axis] for axis in both] == [[4, 2], [5, 5], [6, 6]]
    each = [
        losses.lpips_on_slices(MeanDifference(), x[[row]], x_hat[[row]], planes).item()
        for row, planes in enumerate(alone)
    ]
    together = losses.lpips_on_slices(MeanDifference(), x, x_hat, both).item()
    assert together == pytest.approx(sum(each) / 2, rel=1e-6)


def test_lpips_compares_the_right_planes_on_the_networks_range() -> None:
    x, x_hat = torch.zeros(2, 1, 4, 5, 6), torch.zeros(2, 1, 4, 5, 6)
    x_hat[:, :, 1] = 0.5  # one sagittal plane
    sagittal = [torch.tensor([1]), torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long)]
    # 0.5 on [0, 1] is 1 on [-1, 1]; the two empty axes count as 0.
    assert losses.lpips_on_slices(MeanDifference(), x, x_hat, twice(sagittal)).item() == pytest.approx(1 / 3)
    coronal = [torch.tensor([0]), torch.tensor([2, 3]), torch.tensor([0])]
    # A quarter of the voxels of each coronal and axial slice differ, none of the first sagittal one.
    assert losses.lpips_on_slices(MeanDifference(), x, x_hat, twice(coronal)).item() == pytest.approx(
        (0 + 0.25 + 0.25) / 3
    )
