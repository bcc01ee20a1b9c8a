"""Each prediction against its formula, at scales that a diffusion and a flow both have."""

import pytest
import torch

from tlesynth.diffusion.process.predictions import PREDICTIONS

CLEAN, NOISE = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])


@pytest.mark.parametrize(
    ("name", "a", "b", "target"),
    [
        ("epsilon", 0.6, 0.8, [0.5, 3.0]),
        ("v_prediction", 0.6, 0.8, [0.6 * 0.5 - 0.8 * 2.0, 0.6 * 3.0 + 0.8]),
        ("flow", 0.6, 0.4, [-1.5, 4.0]),
        ("flow", 0.0, 1.0, [-1.5, 4.0]),
    ],
)
def test_the_target_is_its_formula_and_gives_back_both_parts(
    name: str, a: float, b: float, target: list[float]
) -> None:
    prediction, scales = PREDICTIONS[name], (torch.tensor(a), torch.tensor(b))
    assert torch.allclose(prediction.target(CLEAN, NOISE, *scales), torch.tensor(target))
    z = a * CLEAN + b * NOISE
    assert torch.allclose(prediction.clean_of(z, torch.tensor(target), *scales), CLEAN, atol=1e-6)
    assert torch.allclose(prediction.noise_of(z, torch.tensor(target), *scales), NOISE, atol=1e-6)
