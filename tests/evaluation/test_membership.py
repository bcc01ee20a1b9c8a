"""Errors that do not know the members rank them by chance; a memoriser's rank them all."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.process import process_of
from tlesynth.evaluation.membership import Models, denoising_errors, membership
from tlesynth.recipe import Noise

SHAPE = (2, 3, 3, 3)


def latents(seed: int, n: int = 12) -> Latents:
    values = torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(seed)).half()
    return Latents(values, torch.zeros(n, 1), tuple(f"sub-{seed}{i:02d}" for i in range(n)))


class Memoriser(torch.nn.Module):
    """The exact denoiser of the scans it knows by heart, each as likely: it predicts the noise."""

    def __init__(self, known: Latents) -> None:
        super().__init__()
        self.known, self.process = known.values.float(), process_of(Noise())

    def forward(self, z: torch.Tensor, times: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        a, b = self.process.scales(times)
        apart = ((z[:, None] - a[:, None] * self.known[None]) / b[:, None]).square().flatten(2).sum(-1)
        weights = torch.softmax(-apart / 2, dim=1)
        clean = torch.einsum("bn,nchwd->bchwd", weights, self.known)
        return (z - a * clean) / b


def models(network: torch.nn.Module) -> Models:
    diffusion = SimpleNamespace(network=network, process=process_of(Noise()))
    return Models(None, diffusion, None, torch.device("cpu"))  # ty: ignore[invalid-argument-type]


def test_a_memoriser_gives_every_member_away() -> None:
    trained, held_out = latents(1), latents(2)
    asked = models(Memoriser(trained))
    found = membership(denoising_errors(asked, trained, 12, 5), denoising_errors(asked, held_out, 12, 5), 0.95)
    assert found["auc"]["value"] == 1.0 and found["auc"]["low"] < 1.0
    assert denoising_errors(asked, trained, 12, 5).tolist() == denoising_errors(asked, trained, 12, 5).tolist()


def test_permuted_labels_are_chance() -> None:
    errors = np.random.default_rng(0).permutation(np.linspace(0, 1, 400))
    found = membership(errors[:200], errors[200:], 0.95)
    assert found["auc"]["low"] < 0.5 < found["auc"]["high"]
    assert membership(np.arange(0, 40, 2.0), np.arange(1, 41, 2.0), 0.95)["auc"]["value"] == pytest.approx(0.525)


def test_one_percent_is_not_told_from_few_scans() -> None:
    few = membership(np.zeros(20), np.ones(20), 0.95)["tpr_at_1_percent"]
    assert few["not_computed"] == "20 held-out scans; 1 % of false positives needs at least 100"
    many = membership(np.arange(100.0), np.full(100, 9.5), 0.95)["tpr_at_1_percent"]
    assert many["value"] == pytest.approx(0.10)


@pytest.mark.parametrize("n", [3, 7])
def test_eight_are_the_fewest(n: int) -> None:
    """Three against three would print an AUC of 1.0 [0.5, 1]."""
    for sides in ((np.zeros(n), np.ones(9)), (np.zeros(9), np.ones(n))):
        assert membership(*sides, 0.95)["auc"]["not_computed"] == f"{n} scans; at least 8 are needed"
    assert membership(np.zeros(8), np.ones(8), 0.95)["auc"]["value"] == 1
