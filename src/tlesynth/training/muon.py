"""Muon: the momentum of a kernel is made orthogonal before it is applied, so that every direction moves alike.

Source: Jordan et al. 2024 (Muon); the scale that lets it share Adam's learning rate: Liu et al. 2025, equation 4. A
convolution's kernel counts as a matrix, output channels by everything else. On real brains it passed in
100 core-seconds the held-out error that Adam had after 200 (benchmarks/README.md). It costs a few products a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tlesynth.training.device import computes_in_bfloat16

MOMENTUM = 0.95
ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration that drives every singular value to about 1 (0.7 to 1.2)."""
MATCH = 0.2
"""Root mean square of an update of Adam's, in learning rates."""
LEAST_SIDE = 16
"""Kernels with fewer output or input channels than this are left to Adam: nothing to make orthogonal."""
LARGE = 256
"""Rows and columns from which the iteration runs in bfloat16."""
BETAS, EPSILON = (0.9, 0.99), 1e-8
"""Of the Adam that moves everything else."""


class Muon(torch.optim.Optimizer):
    """Muon for kernels of networks, Adam for biases, gains and thin kernels; one learning rate for both."""

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float = 0.0) -> None:
        parameters = list(network.parameters())
        kernels = [p for p in parameters if is_kernel(p)]
        others = [p for p in parameters if not is_kernel(p)]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "orthogonal": True, "weight_decay": weight_decay},
            {"params": others, "orthogonal": False, "weight_decay": 0.0},
        ]
        super().__init__([group for group in groups if group["params"]], {"lr": learning_rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # ty: ignore[incompatible-method-override]
        """One update of every parameter that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            update = self._orthogonal if group["orthogonal"] else self._adam
            update(moved, group["lr"], group["weight_decay"])
        return loss

    def _orthogonal(self, kernels: list[Tensor], rate: float, weight_decay: float) -> None:
        if not kernels:
            return
        gradients = [_gradient(kernel) for kernel in kernels]
        for kernel in kernels:
            if not self.state[kernel]:
                self.state[kernel]["momentum"] = torch.zeros_like(kernel)
        momenta = [self.state[kernel]["momentum"] for kernel in kernels]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's
        torch._foreach_mul_(kernels, 1 - rate * weight_decay)
        # A card waits for launches, not for products; elsewhere a stack gains nothing.
        for alike in _alike([one.flatten(1) for one in ahead], stacked=kernels[0].device.type == "cuda"):
            matrices = [matrix for _, matrix in alike]
            made = orthogonalised(torch.stack(matrices)) if len(alike) > 1 else [orthogonalised(matrices[0])]
            for (place, matrix), moved in zip(alike, made, strict=True):
                scale = -rate * MATCH * max(matrix.shape) ** 0.5
                kernels[place].add_(moved.reshape(kernels[place].shape), alpha=scale)

    def _adam(self, parameters: list[Tensor], rate: float, weight_decay: float) -> None:
        if not parameters:
            return
        gradients = [_gradient(parameter) for parameter in parameters]
        for parameter in parameters:
            if not self.state[parameter]:
                moments = {m: torch.zeros_like(parameter) for m in ("exp_avg", "exp_avg_sq")}
                self.state[parameter] |= {"step": torch.zeros(())} | moments
        firsts, seconds = ([self.state[p][m] for p in parameters] for m in ("exp_avg", "exp_avg_sq"))
        steps = [self.state[p]["step"] for p in parameters]
        for step in steps:
            step += 1
        torch._foreach_lerp_(firsts, gradients, 1 - BETAS[0])
        torch._foreach_lerp_(seconds, torch._foreach_mul(gradients, gradients), 1 - BETAS[1])
        first_hats, spreads = (
            torch._foreach_div(moments, [1 - beta ** float(step) for step in steps])
            for moments, beta in ((firsts, BETAS[0]), (seconds, BETAS[1]))
        )
        torch._foreach_sqrt_(spreads)
        torch._foreach_add_(spreads, EPSILON)
        torch._foreach_mul_(parameters, 1 - rate * weight_decay)
        torch._foreach_addcdiv_(parameters, first_hats, spreads, value=-rate)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _alike(matrices: list[Tensor], *, stacked: bool) -> Iterator[list[tuple[int, Tensor]]]:
    """The matrices with their places: those of one shape together if they are to be stacked, else each alone."""
    if not stacked:
        yield from ([pair] for pair in enumerate(matrices))
        return
    found: dict[torch.Size, list[tuple[int, Tensor]]] = {}
    for place, matrix in enumerate(matrices):
        found.setdefault(matrix.shape, []).append((place, matrix))
    yield from found.values()


def is_kernel(parameter: Tensor) -> bool:
    """Whether ``parameter`` is a matrix or a kernel with at least 16 outputs and 16 inputs."""
    return parameter.dim() > 1 and min(parameter.shape[:2]) >= LEAST_SIDE


def orthogonalised(matrix: Tensor) -> Tensor:
    """``matrix`` (..., M, N) with its singular values driven to about 1 by Newton-Schulz steps.

    Large ones in bfloat16 where the device computes in it, as their inventors do: the iteration forgives it, and in
    float32 the products of a transformer's matrices would cost as much as its own step.
    """
    wide = matrix if matrix.shape[-2] <= matrix.shape[-1] else matrix.mT
    x = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-7)
    if min(matrix.shape[-2:]) >= LARGE and computes_in_bfloat16(matrix.device.type):
        x = _iterated(x.bfloat16()).to(matrix.dtype)
    else:
        x = _factor(x @ x.mT) @ x
    return x if wide is matrix else x.mT


def _iterated(x: Tensor) -> Tensor:
    """``x`` (..., M, N) after all steps, X <- (a I + b A + c A^2) X with A = X X^T."""
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def _factor(gram: Tensor) -> Tensor:
    """What all steps together multiply X by (..., M, M), from its ``gram`` matrix A (..., M, M) alone.

    P = a I + b A + c A^2 commutes with A, so that a step makes A into P A P: nothing of width N is needed before the
    end. Squares lose half the digits, which float32 can spare and bfloat16 cannot.
    """
    a, b, c = QUINTIC
    product = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    for _ in range(ITERATIONS):
        step = b * gram + c * (gram @ gram) if gram.dim() > 2 else torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal(dim1=-2, dim2=-1).add_(a)
        product, gram = step @ product, step @ gram @ step
    return product
