"""The Gaussian over latents has the training scans' mean and covariance, a mean for each class, and both views."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.errors import TlesynthError
from tlesynth.synthesis.baselines.pca import PcaGaussian, categories, fit_pca
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import GRIDS

SHAPE = (1, 2, 3, 2)
CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
        Condition("age", low=20.0, high=60.0),
    )
)
CLASSES = {"hc": [0.0, np.nan], "left": [1.0, 0.0], "right": [1.0, 1.0]}


def training(per_class: int = 8) -> Latents:
    """Classes lie 4 apart; within them scans vary along 5 directions."""
    random = torch.Generator().manual_seed(0)
    directions = torch.randn(5, 12, generator=random)
    rows, told = [], []
    for number, key in enumerate(CLASSES.values()):
        rows.append(4.0 * number + torch.randn(per_class, 5, generator=random) @ directions)
        told += [[*key, 0.1 * i] for i in range(per_class)]
    values = torch.cat(rows).reshape(-1, *SHAPE).half()
    return Latents(values, torch.tensor(told), tuple(map(str, range(len(told)))))


def rival(data: Latents) -> PcaGaussian:
    coder = SimpleNamespace(grid=GRIDS["mni-3mm"], fingerprint="a" * 64)
    return PcaGaussian(cast(Any, coder), CONDITIONS, fit_pca(data, CONDITIONS), seed=1, fitted="b" * 64)


def draws(made: PcaGaussian, n: int, **asked: str) -> np.ndarray:
    latents = [made.latent(Subject(f"sub-syn{i:04d}", asked), 0).flatten() for i in range(n)]
    return torch.stack(latents).numpy()


def test_many_draws_have_the_mean_and_covariance_of_the_class() -> None:
    data = training()
    flat = data.values.flatten(1).float().numpy()
    centred = np.concatenate([part - part.mean(0) for part in np.split(flat, 3)])
    covariance = centred.T @ centred / (len(flat) - 3)
    made = rival(data)
    components = made.fit.components.flatten(1).numpy()
    np.testing.assert_allclose(components.T @ components, covariance, atol=1e-3)
    found = draws(made, 4000, group="tle", side="left")
    np.testing.assert_allclose(found.mean(0), flat[8:16].mean(0), atol=0.2)
    np.testing.assert_allclose(np.cov(found.T), covariance, atol=0.08 * np.abs(covariance).max())


def test_each_class_has_its_own_mean_and_quantities_make_none() -> None:
    data = training()
    fit = fit_pca(data, CONDITIONS)
    assert fit.classes.tolist() == [[0, -1], [1, 0], [1, 1]] and fit.counts.tolist() == [8, 8, 8]
    for mean, part in zip(fit.means, data.values.float().split(8), strict=True):
        torch.testing.assert_close(mean, part.mean(0))
    told = CONDITIONS.asked([{"group": "tle", "side": "right", "age": "30"}], "test")
    assert categories(CONDITIONS, told).tolist() == [[1, 1]]


def test_mirrored_scans_count_for_the_other_side() -> None:
    """As ``read_latents`` gives them with flip: every scan twice, the conditions of the second mirrored."""
    data = training()
    values = torch.cat([data.values, -data.values])
    told = torch.cat([data.conditions, CONDITIONS.mirrored(data.conditions)])
    fit = fit_pca(Latents(values, told, data.ids * 2), CONDITIONS)
    assert fit.counts.tolist() == [16, 16, 16]
    left, right = (data.values[8 * i : 8 * i + 8].float().mean(0) for i in (1, 2))
    torch.testing.assert_close(fit.means[1], (left - right) / 2)
    torch.testing.assert_close(fit.means[2], (right - left) / 2)


def test_what_is_not_asked_for_is_drawn_as_often_as_it_is_there() -> None:
    """16 of 20 patients are left; nobody's sex, site or side has to be named."""
    data = training(16)
    some = [*range(16, 32), *range(32, 36)]
    made = rival(Latents(data.values[some], data.conditions[some], tuple(map(str, some))))
    means = made.fit.means.flatten(1).numpy()
    found = draws(made, 400, group="tle") - np.stack([draws(made, 400, group="tle", side="left") - means[0]])[0]
    right = np.abs(found - means[1]).max(1) < 1e-4
    assert np.abs(found[~right] - means[0]).max() < 1e-4 and right.mean() == pytest.approx(0.2, abs=0.06)


def test_a_subject_is_drawn_by_its_name_and_keeps_its_weights_in_another_class() -> None:
    made = rival(training())
    assert np.array_equal(draws(made, 2, group="hc"), draws(made, 2, group="hc"))
    moved = draws(made, 2, group="tle", side="left") - draws(made, 2, group="hc")
    np.testing.assert_allclose(moved[0], moved[1], atol=1e-5)
    assert made.sidecar(Subject("sub-syn0001", {"group": "hc"}), 0)["Generator"] == "baseline pca"


def test_a_class_that_nobody_is_in_is_refused() -> None:
    data = training()
    made = rival(Latents(data.values[:16], data.conditions[:16], data.ids[:16]))
    with pytest.raises(TlesynthError, match="right") as caught:
        made.latent(Subject("sub-syn0001", {"group": "tle", "side": "right"}), 0)
    assert caught.value.code == "CFG-011"
