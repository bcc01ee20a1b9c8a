"""One optimisation step, in parts where the batch is larger than the memory, and its refusal where it is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from tlesynth.training.checkpointing import bare
from tlesynth.training.device import mean_over_processes
from tlesynth.training.learners import Learner


@dataclass(frozen=True)
class Taken:
    """The figures of a step, and what was not finite in it: then it was refused and nothing has changed."""

    figures: dict[str, float]
    fault: str = ""


def take_step(fabric: Fabric, learner: Learner, known_fault: str = "") -> Taken:
    """One step of ``learner``; refused if a term or the gradient is not finite, or was in a run before this one.

    Of a refused step nothing stays: weights, running statistics, optimiser, schedule and average are as before. Only
    the learner's count of drawn steps moves on, so that the next step sees other samples.
    """
    network, optimizer = learner.network.train(), learner.optimizer
    statistics = [buffer.clone() for buffer in _running_statistics(network)]
    optimizer.zero_grad(set_to_none=True)
    terms = _gradients(fabric, learner)
    norm = fabric.clip_gradients(network, optimizer, max_norm=learner.clip, error_if_nonfinite=False)
    # One copy from the device for all figures: each on its own would wait for it anew.
    named = terms | {"gradient_norm": torch.as_tensor(norm, device=terms["loss"].device)}
    stacked = torch.stack([value.detach().float() for value in named.values()])
    # The mean over processes: what is not finite in one is finite in none, and all refuse the step together.
    values = mean_over_processes(fabric, stacked).tolist()
    figures = dict(zip(named, values, strict=True)) | {"learning_rate": optimizer.param_groups[0]["lr"]}
    fault = known_fault or _fault(figures, network)
    learner.steps += 1
    if fault:
        for buffer, before in zip(_running_statistics(network), statistics, strict=True):
            buffer.copy_(before)
        optimizer.zero_grad(set_to_none=True)
        return Taken(figures, fault)
    optimizer.step()
    if learner.schedule is not None:
        learner.schedule.step()
    if learner.ema is not None:
        learner.ema.update(bare(network))
    return Taken(figures)


def _gradients(fabric: Fabric, learner: Learner) -> dict[str, Tensor]:
    """Gather the gradients of every part of the step; the sums of what the parts yield."""
    parts, sums = learner.loss(learner.steps), {}
    while True:
        with fabric.autocast():
            terms = next(parts, None)
        if terms is None:
            return sums
        fabric.backward(terms["loss"])
        for name, value in terms.items():
            sums[name] = sums[name] + value.detach() if name in sums else value.detach()


def _fault(figures: dict[str, float], network: nn.Module) -> str:
    """What is not finite, the terms before their sum; empty if all is well."""
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    terms = [name for name in bad if name not in ("loss", "gradient_norm")]
    if terms:
        return "the term " + ", ".join(f"{name} is {figures[name]:.3g}" for name in terms)
    if "loss" in bad:
        return f"the loss is {figures['loss']:.3g}"
    if bad:
        places = (name for name, p in bare(network).named_parameters() if not _finite(p.grad))
        return f"the gradient is not finite, first in {next(places, 'its norm')}"
    return ""


def _finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(torch.isfinite(gradient).all())


def _running_statistics(network: nn.Module) -> Iterator[Tensor]:
    """What a forward pass alone changes: the running means and variances of batch normalisation."""
    for module in network.modules():
        if isinstance(module, _NormBase):
            yield from module.buffers(recurse=False)
