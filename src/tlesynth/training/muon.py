"""Muon: the momentum of a kernel is made orthogonal before it is applied, so that every direction moves alike.

Source: Jordan et al. 2024 (Muon); the scale that lets it share Adam's learning rate: Liu et al. 2025, equation 4. A
convolution's kernel counts as a matrix, output channels by everything else. On real brains it passed in
100 core-seconds the held-out error that Adam had after 200 (benchmarks/README.md). It costs a few products a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

    def _orthogonal(self, kernels: Iterable[Tensor], rate: float, weight_decay: float) -> None:
        for kernel in kernels:
            gradient, state = kernel.grad, self.state[kernel]
            assert gradient is not None
            if not state:
                state["momentum"] = torch.zeros_like(kernel)
            momentum = state["momentum"]
            momentum.lerp_(gradient, 1 - MOMENTUM)
            ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
            matrix = orthogonalised(ahead.flatten(1))
            kernel.mul_(1 - rate * weight_decay)
            kernel.add_(matrix.reshape(kernel.shape), alpha=-rate * MATCH * max(matrix.shape) ** 0.5)

    def _adam(self, parameters: Iterable[Tensor], rate: float, weight_decay: float) -> None:
        for parameter in parameters:
            gradient, state = parameter.grad, self.state[parameter]
            assert gradient is not None
            if not state:
                state |= {"step": torch.zeros(())} | {m: torch.zeros_like(parameter) for m in ("exp_avg", "exp_avg_sq")}
            step, first, second = state["step"], state["exp_avg"], state["exp_avg_sq"]
            step += 1
            first.lerp_(gradient, 1 - BETAS[0])
            second.lerp_(gradient.square(), 1 - BETAS[1])
            first_hat, second_hat = first / (1 - BETAS[0] ** float(step)), second / (1 - BETAS[1] ** float(step))
            parameter.mul_(1 - rate * weight_decay)
            parameter.addcdiv_(first_hat, second_hat.sqrt().add_(EPSILON), value=-rate)


def is_kernel(parameter: Tensor) -> bool:
    """Whether ``parameter`` is a matrix or a kernel with at least 16 outputs and 16 inputs."""
    return parameter.dim() > 1 and min(parameter.shape[:2]) >= LEAST_SIDE


def orthogonalised(matrix: Tensor) -> Tensor:
    """``matrix`` (M, N) with its singular values driven to about 1 by Newton-Schulz steps.

    Large ones in bfloat16 where the device computes in it, as their inventors do: the iteration forgives it, and in
    float32 the products of a transformer's matrices would cost as much as its own step.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    if min(matrix.shape) >= LARGE and computes_in_bfloat16(matrix.device.type):
        x = _iterated(x.bfloat16()).to(matrix.dtype)
    else:
        x = _factor(x @ x.T) @ x
    return x if wide is matrix else x.T


def _iterated(x: Tensor) -> Tensor:
    """``x`` (M, N) after all steps, X <- (a I + b A + c A^2) X with A = X X^T."""
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def _factor(gram: Tensor) -> Tensor:
    """What all steps together multiply X by (M, M), from its ``gram`` matrix A (M, M) alone.

    P = a I + b A + c A^2 commutes with A, so that a step makes A into P A P: nothing of width N is needed before the
    end. Squares lose half the digits, which float32 can spare and bfloat16 cannot.
    """
    a, b, c = QUINTIC
    product = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(ITERATIONS):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        product, gram = step @ product, step @ gram @ step
    return product
