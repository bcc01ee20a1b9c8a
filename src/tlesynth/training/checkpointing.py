"""All that decides the next step, as tensors and JSON: saved, and put back by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlesynth.run_folder import Checkpoint, RunFolder
from tlesynth.training.learners import Learner, Position


def save(run: RunFolder, learners: dict[str, Learner], position: Position) -> None:
    """Publish a numbered checkpoint of every learner and the position."""
    state = {"position": vars(position) | {"best_score": _json(position.best_score)}}
    state["learners"] = {
        name: {"steps": learner.steps, "schedule": _schedule_state(learner)} for name, learner in learners.items()
    }
    run.save(f"step-{position.step:08d}", tensors_of(learners), state)


def resume(run: RunFolder, learners: dict[str, Learner]) -> Position:
    """Put the newest sound checkpoint back into the learners and return where the run stands."""
    checkpoint = run.load_newest()
    if checkpoint is None:
        return Position()
    restore(learners, checkpoint, optimizers=True)
    stored = dict(checkpoint.state["position"])
    stored["best_score"] = float("inf") if stored["best_score"] is None else stored["best_score"]
    position = Position(**stored)
    run.rewind_metrics(position.step)
    run.log("resumed", step=position.step)
    return position


def tensors_of(learners: dict[str, Learner]) -> dict[str, Tensor]:
    """Every tensor of every learner; optimiser states go by parameter name, not by place."""
    tensors: dict[str, Tensor] = {}
    for name, learner in learners.items():
        tensors |= {f"{name}/network/{k}": v for k, v in bare(learner.network).state_dict().items()}
        if learner.ema is not None:
            tensors |= {f"{name}/ema/{k}": v for k, v in learner.ema.network.state_dict().items()}
        for parameter, values in _optimizer_states(learner).items():
            for key, value in values.items():
                tensors[f"{name}/optimizer/{parameter}/{key}"] = torch.as_tensor(value)
    # safetensors refuses tensors that share memory.
    return {k: v.detach().clone() for k, v in tensors.items()}


def _optimizer_states(learner: Learner) -> dict[str, dict[str, Any]]:
    names: dict[Tensor, str] = {parameter: name for name, parameter in bare(learner.network).named_parameters()}
    return {names[parameter]: state for parameter, state in learner.optimizer.state.items() if parameter in names}


def restore(learners: dict[str, Learner], checkpoint: Checkpoint, *, optimizers: bool) -> None:
    """Put weights, averages and, where asked, optimiser and schedule states back."""
    for name, learner in learners.items():
        bare(learner.network).load_state_dict(_below(checkpoint.tensors, f"{name}/network/"))
        if learner.ema is not None:
            learner.ema.network.load_state_dict(_below(checkpoint.tensors, f"{name}/ema/"))
        if not optimizers:
            continue
        stored = checkpoint.state["learners"][name]
        learner.steps = stored["steps"]
        for parameter_name, parameter in bare(learner.network).named_parameters():
            state = _below(checkpoint.tensors, f"{name}/optimizer/{parameter_name}/")
            if state:
                moved = {k: v if k == "step" else v.to(parameter.device) for k, v in state.items()}
                learner.optimizer.state[parameter] = moved
        if learner.schedule is not None:
            learner.schedule.load_state_dict(stored["schedule"])
            for group, rate in zip(learner.optimizer.param_groups, stored["schedule"]["_last_lr"], strict=True):
                group["lr"] = rate


def _schedule_state(learner: Learner) -> dict[str, Any] | None:
    if learner.schedule is None:
        return None
    plain = (int, float, str, bool, list, type(None))
    return {k: v for k, v in learner.schedule.state_dict().items() if isinstance(v, plain)}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network) if hasattr(network, "_forward_module") else network


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None
