"""Each form of the adversarial loss has values and slopes that are known without it."""

import math

import pytest
import torch

from tlesynth.autoencoder.learning.adversarial import FORMS

UNDECIDED = torch.zeros(2, 1, 3, 3, 3)


@pytest.mark.parametrize(
    ("form", "of_discriminator", "of_autoencoder"),
    [("bce", 2 * math.log(2), math.log(2)), ("hinge", 2.0, 0.0), ("least_squares", 0.5, 1.0)],
)
def test_at_a_logit_of_zero(form: str, of_discriminator: float, of_autoencoder: float) -> None:
    assert FORMS[form].discriminator(UNDECIDED, UNDECIDED).item() == pytest.approx(of_discriminator)
    assert FORMS[form].autoencoder(UNDECIDED).item() == pytest.approx(of_autoencoder)


def test_at_logits_of_two_and_minus_three() -> None:
    real, fake = torch.tensor([2.0]), torch.tensor([-3.0])
    values = {name: form.discriminator(real, fake).item() for name, form in FORMS.items()}
    softplus = math.log1p(math.exp(-2)) + math.log1p(math.exp(-3))
    assert values == pytest.approx({"bce": softplus, "hinge": 0.0, "least_squares": (1 + 9) / 2})
    values = {name: form.autoencoder(fake).item() for name, form in FORMS.items()}
    assert values == pytest.approx({"bce": math.log1p(math.exp(3)), "hinge": 3.0, "least_squares": 16.0})


def test_the_hinge_counts_what_is_inside_the_margin() -> None:
    real, fake = torch.tensor([0.25, 4.0]), torch.tensor([-0.5, -9.0])
    assert FORMS["hinge"].discriminator(real, fake).item() == pytest.approx(0.75 / 2 + 0.5 / 2)


def test_the_papers_bound_as_a_probability() -> None:
    believed = torch.full((2, 1), math.log(0.905 / 0.095))  # D(x_hat) = 0.905
    assert FORMS["bce"].autoencoder(believed).item() == pytest.approx(0.0998, abs=1e-4)
    assert FORMS["least_squares"].autoencoder(torch.tensor([0.684])).item() == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize(("form", "slope"), [("bce", -1.0), ("hinge", -1.0), ("least_squares", -42.0)])
def test_it_pulls_where_the_discriminator_wins(form: str, slope: float) -> None:
    logits = torch.tensor([-20.0], requires_grad=True)
    FORMS[form].autoencoder(logits).backward()
    assert logits.grad is not None and logits.grad.item() == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize(("form", "boundary"), [("bce", 0.0), ("hinge", 0.0), ("least_squares", 0.5)])
def test_accuracy_halves_at_each_side_of_the_boundary(form: str, boundary: float) -> None:
    above, below = torch.tensor([boundary + 0.1]), torch.tensor([boundary - 0.1])
    assert FORMS[form].accuracy(above, below).item() == 1
    assert FORMS[form].accuracy(above, above).item() == 0.5
    assert FORMS[form].accuracy(below, above).item() == 0


def test_all_are_computed_in_float32() -> None:
    for form in FORMS.values():
        assert form.autoencoder(UNDECIDED.bfloat16()).dtype == torch.float32
        assert form.discriminator(UNDECIDED.bfloat16(), UNDECIDED.bfloat16()).dtype == torch.float32
