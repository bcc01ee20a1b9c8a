"""Optimisers, and how their learning rate goes."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LambdaLR, LRScheduler

from tlesynth.training.muon import Muon, is_kernel

LEAST_LEARNING_RATE = 1e-6
"""Where an annealed rate ends; the paper gives none."""
FUSED = ("cpu", "cuda")
"""Devices with kernels that update all weights at once: the same formula, each weight on its own, so it repeats."""


def optimizer_of(network: nn.Module, kind: str, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Adam (``adam``), Adam with decoupled weight decay (``adamw``; Loshchilov and Hutter 2019), or ``muon``.

    Only kernels decay: biases and the gains of norms (one-dimensional) have nothing to overfit with.
    """
    if kind == "muon":
        return Muon(network, learning_rate, weight_decay)
    fused = all(parameter.device.type in FUSED for parameter in network.parameters())
    if kind == "adam":
        return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=fused)
    kernels = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    groups = [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=fused)


def state_bytes(network: nn.Module, kind: str) -> int:
    """What an optimiser of ``optimizer_of`` keeps from step to step: two moments a weight, of Muon's kernels one."""
    return sum(
        p.numel() * p.element_size() * (1 if kind == "muon" and is_kernel(p) else 2) for p in network.parameters()
    )


def warm_restarts(optimizer: torch.optim.Optimizer, period: int, learning_rate: float) -> LRScheduler:
    """Cosine annealing with warm restarts after ``period`` steps, each period twice the one before.

    Source: Loshchilov and Hutter 2017 (SGDR), equation 5, with T_mult = 2.
    """
    least = min(LEAST_LEARNING_RATE, learning_rate)
    return CosineAnnealingWarmRestarts(optimizer, T_0=period, T_mult=2, eta_min=least)


def cosine(optimizer: torch.optim.Optimizer, steps: int, warmup: int, learning_rate: float) -> LRScheduler:
    """Linear warm-up over ``warmup`` steps, then one cosine to the least rate at the last of ``steps``."""
    least = min(LEAST_LEARNING_RATE / learning_rate, 1.0)
    return LambdaLR(optimizer, lambda step: share_of_rate(step, steps, warmup, least))


def share_of_rate(step: int, steps: int, warmup: int, least: float) -> float:
    """The share of the full rate at ``step`` (from 0): (step + 1) / warmup, then 1 at its end to ``least``."""
    if step < warmup:
        return (step + 1) / warmup
    place = min((step - warmup) / max(steps - 1 - warmup, 1), 1.0)
    return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * place))
