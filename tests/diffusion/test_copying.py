"""Copies of training scans are seen, and new scans are not taken for copies."""

import pytest
import torch

from tlesynth.diffusion.copying import CHUNK, CopyWatch, nearest
from tlesynth.diffusion.latents import Latents


def latents(n: int, seed: int) -> Latents:
    values = torch.randn(n, 2, 3, 3, 3, generator=torch.Generator().manual_seed(seed)).half()
    return Latents(values, torch.zeros(n, 1), tuple(map(str, range(n))))


def test_nearest_is_the_root_mean_square_difference_to_the_nearest() -> None:
    training = torch.zeros(CHUNK + 3, 1, 2, 2, 2)
    training[-1] = 10.0
    asked = torch.stack([torch.full((1, 2, 2, 2), v) for v in (0.5, 9.0, 12.0)])
    torch.testing.assert_close(nearest(asked, training), torch.tensor([0.5, 1.0, 2.0]), rtol=1e-4, atol=1e-4)


def test_copies_are_told_once_and_new_scans_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    fitted, held_out = latents(100, 0), latents(20, 1)
    watch = CopyWatch(fitted, held_out)
    new = watch.figures(latents(20, 2).values.float())
    assert new["copies"] < 0.5 and new["nearest_ratio"] == pytest.approx(1, abs=0.1) and not watch.told
    planted = fitted.values[:20].float() + 0.1 * torch.randn(20, 2, 3, 3, 3, generator=torch.Generator().manual_seed(3))
    copied = watch.figures(planted)
    assert copied["copies"] == 1 and copied["nearest_ratio"] < 0.2
    watch.figures(planted)
    assert capsys.readouterr().err.count("begins to copy") == 1
