"""Muon: orthogonal updates of a known size, Adam for the rest, and fewer steps to the same place."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tlesynth.training import muon
from tlesynth.training.muon import ITERATIONS, LARGE, MATCH, QUINTIC, Muon, is_kernel, orthogonalised


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_singular_values_are_driven_to_about_one_and_directions_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    made = orthogonalised(matrix)
    values = torch.linalg.svdvals(made)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.25
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    # The nearest orthogonal matrix is u v; Newton-Schulz keeps its singular vectors.
    inside = u.T @ made @ v.T
    assert torch.allclose(inside, torch.diag(inside.diagonal()), atol=1e-4)


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (300, 280)])
def test_a_stack_is_made_orthogonal_matrix_by_matrix(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, *shape) * torch.tensor([1.0, 10.0, 0.1])[:, None, None]
    each = torch.stack([orthogonalised(matrix) for matrix in matrices])
    assert torch.allclose(orthogonalised(matrices), each, atol=2e-2 if min(shape) >= LARGE else 1e-5)


def test_stacked_kernels_of_mixed_shapes_move_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved() -> list[torch.Tensor]:
        torch.manual_seed(0)
        network = nn.Sequential(*(nn.Linear(n, m) for n, m in ((16, 24), (24, 16), (16, 24), (24, 24))))
        optimizer = Muon(network, 1e-2, 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            network(torch.ones(4, 16)).square().mean().backward()
            optimizer.step()
        return [p.detach() for p in network.parameters()]

    alone, alike = moved(), muon._alike
    sizes = []

    def stacking(matrices: list[torch.Tensor], *, stacked: bool) -> Iterator[list[tuple[int, torch.Tensor]]]:
        for group in alike(matrices, stacked=True):
            sizes.append(len(group))
            yield group

    monkeypatch.setattr(muon, "_alike", stacking)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(moved(), alone, strict=True))
    assert sizes[:3] == [2, 1, 1]


def test_the_steps_on_the_gram_matrix_alone_are_those_on_the_matrix() -> None:
    torch.manual_seed(0)
    directions = torch.linalg.qr(torch.randn(24, 24))[0]
    matrix = directions @ (
        torch.logspace(0, -3, 24)[:, None] * torch.randn(24, 80)
    )  # as gradients are: ill-conditioned
    x = matrix.double() / matrix.norm()
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    assert torch.allclose(orthogonalised(matrix).double(), x, atol=1e-3)


def test_an_update_has_the_size_of_adams() -> None:
    torch.manual_seed(1)
    network = nn.Conv3d(32, 64, 3, bias=False)
    before = network.weight.detach().clone()
    network.weight.grad = torch.randn_like(network.weight)
    Muon(network, 1e-3).step()
    moved = (network.weight.detach() - before).square().mean().sqrt()
    assert float(moved) == pytest.approx(MATCH * 1e-3, rel=0.3)


def test_thin_kernels_and_biases_are_adams() -> None:
    network = nn.Sequential(nn.Conv3d(1, 64, 3), nn.Conv3d(64, 32, 1))
    assert [is_kernel(p) for p in network.parameters()] == [False, False, True, False]
    before = network[0].bias.detach().clone()
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    Muon(network, 1e-2).step()
    assert torch.allclose(network[0].bias, before - 1e-2, atol=1e-6)


def test_decay_is_decoupled() -> None:
    network = nn.Linear(16, 16, bias=False)
    before = network.weight.detach().clone()
    network.weight.grad = torch.zeros(16, 16)
    Muon(network, 0.1, weight_decay=0.5).step()
    assert torch.allclose(network.weight, before * 0.95)


def least_loss(kind: str, steps: int = 60) -> float:
    """Of a least-squares problem whose inputs differ a hundredfold in size along hidden directions, over rates."""
    torch.manual_seed(2)
    basis, _ = torch.linalg.qr(torch.randn(32, 32))
    inputs = torch.randn(256, 32) @ torch.diag(torch.logspace(0, -2, 32)) @ basis
    target = inputs @ torch.randn(32, 32)
    found = []
    for rate in (0.03, 0.1, 0.3, 1.0):
        network = nn.Linear(32, 32, bias=False)
        optimizer = Muon(network, rate) if kind == "muon" else torch.optim.Adam(network.parameters(), lr=rate)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - step / steps)
            optimizer.zero_grad()
            loss = (network(inputs) - target).square().mean()
            loss.backward()
            optimizer.step()
        found.append(float(loss.detach()))
    return min(found)


def test_an_ill_conditioned_problem_is_solved_in_fewer_steps_than_by_adam() -> None:
    assert least_loss("muon") < 0.8 * least_loss("adam")
