"""All that decides the next step, as tensors and JSON: saved, and put back by name.

What several learners share (a network, an optimiser, an average) is stored once, under the first of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from tlesynth.errors import fail
from tlesynth.run_folder import Checkpoint, RunFolder
from tlesynth.training.learners import Best, Learner, Position


def save(run: RunFolder, learners: dict[str, Learner], position: Position) -> None:
    """Publish a numbered checkpoint of every learner and the position.

    Raises:
        TlesynthError: NUM-001 if a weight or an optimiser's state is not finite: then nothing is written.
    """
    tensors = tensors_of(learners)
    _refuse_bad(tensors, position.step)
    state: dict[str, Any] = {"position": asdict(position), "learners": {}}
    for name, learner in learners.items():
        updates = learner.ema.updates if learner.ema else 0
        state["learners"][name] = {
            "steps": learner.steps,
            "schedule": _schedule_state(learner),
            "ema_updates": updates,
        }
    run.save(f"step-{position.step:08d}", tensors, state)


def save_best(
    run: RunFolder,
    learners: dict[str, Learner],
    position: Position,
    phase: str,
    figures: dict[str, float],
    criteria: dict[str, str],
) -> None:
    """Publish a checkpoint without optimiser states under each name of ``criteria`` whose figure is now the best.

    Scores of another phase are not comparable: each phase has its own best, and the last phase's is the result.
    A figure that is not finite is never the best.
    """
    better = [name for name, figure in criteria.items() if _is_better(position.best.get(name), phase, figures[figure])]
    tensors = tensors_of(learners, optimizers=False) if better else {}
    finite = {name: value for name, value in figures.items() if math.isfinite(value)}
    for name in better:
        position.best[name] = Best(phase, figures[criteria[name]], position.step)
        state = {"step": position.step, "phase": phase, "chosen_by": criteria[name], "figures": finite}
        run.save(name, tensors, state)


def resume(run: RunFolder, learners: dict[str, Learner]) -> Position:
    """Put the newest sound checkpoint back into the learners and return where the run stands."""
    checkpoint = run.load_newest()
    if checkpoint is None:
        return Position()
    restore(learners, checkpoint, optimizers=True)
    stored = checkpoint.state["position"]
    best = {name: Best(**values) for name, values in stored["best"].items()}
    position = Position(**stored | {"best": best})
    run.rewind_metrics(position.step)
    run.log("resumed", step=position.step)
    return position


def tensors_of(learners: dict[str, Learner], *, optimizers: bool = True) -> dict[str, Tensor]:
    """Every tensor of every learner; optimiser states go by parameter name, not by place."""
    tensors: dict[str, Tensor] = {}
    for name, learner in _distinct(learners, lambda x: bare(x.network)).items():
        tensors |= {f"{name}/network/{k}": v for k, v in bare(learner.network).state_dict().items()}
    for name, learner in _distinct(learners, lambda x: x.ema).items():
        if learner.ema is not None:
            tensors |= {f"{name}/ema/{k}": v for k, v in learner.ema.network.state_dict().items()}
    for name, learner in _distinct(learners, lambda x: x.optimizer).items() if optimizers else ():
        for parameter, values in _optimizer_states(learner).items():
            for key, value in values.items():
                tensors[f"{name}/optimizer/{parameter}/{key}"] = torch.as_tensor(value)
    # safetensors refuses tensors that share memory.
    return {k: v.detach().clone() for k, v in tensors.items()}


def restore(learners: dict[str, Learner], checkpoint: Checkpoint, *, optimizers: bool) -> None:
    """Put weights, averages and, where asked, optimiser and schedule states back."""
    for name, learner in _distinct(learners, lambda x: bare(x.network)).items():
        bare(learner.network).load_state_dict(_below(checkpoint.tensors, f"{name}/network/"))
    for name, learner in _distinct(learners, lambda x: x.ema).items():
        if learner.ema is not None:
            learner.ema.network.load_state_dict(_below(checkpoint.tensors, f"{name}/ema/"))
    if not optimizers:
        return
    for name, learner in _distinct(learners, lambda x: x.optimizer).items():
        _restore_optimizer(learner, _below(checkpoint.tensors, f"{name}/optimizer/"))
    for name, learner in learners.items():
        stored = checkpoint.state["learners"][name]
        learner.steps = stored["steps"]
        if learner.ema is not None:
            learner.ema.updates = stored["ema_updates"]
        if learner.schedule is not None:
            learner.schedule.load_state_dict(stored["schedule"])
            for group, rate in zip(learner.optimizer.param_groups, stored["schedule"]["_last_lr"], strict=True):
                group["lr"] = rate


def bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network) if hasattr(network, "_forward_module") else network


def _distinct(learners: dict[str, Learner], part: Callable[[Learner], object]) -> dict[str, Learner]:
    """The learners that are the first to hold their ``part``."""
    first: dict[int, str] = {}
    for name, learner in learners.items():
        first.setdefault(id(part(learner)), name)
    return {name: learners[name] for name in first.values()}


def _optimizer_states(learner: Learner) -> dict[str, dict[str, Any]]:
    names: dict[Tensor, str] = {parameter: name for name, parameter in bare(learner.network).named_parameters()}
    return {names[parameter]: state for parameter, state in learner.optimizer.state.items() if parameter in names}


def _restore_optimizer(learner: Learner, tensors: dict[str, Tensor]) -> None:
    # The fused kernels want the count of steps where the weights are, the others on the CPU.
    fused = bool(learner.optimizer.defaults.get("fused"))
    for name, parameter in bare(learner.network).named_parameters():
        if state := _below(tensors, f"{name}/"):
            moved = {k: _laid_out_as(parameter, v) for k, v in state.items() if k != "step"}
            step = {"step": state["step"].to(parameter.device if fused else "cpu")} if "step" in state else {}
            learner.optimizer.state[parameter] = step | moved


def _laid_out_as(parameter: Tensor, values: Tensor) -> Tensor:
    """``values`` in the order in memory of ``parameter``: the fused kernels walk over both without looking."""
    if values.shape != parameter.shape:
        return values.to(parameter.device)
    return torch.empty_like(parameter, dtype=values.dtype).copy_(values)


def _schedule_state(learner: Learner) -> dict[str, Any] | None:
    if learner.schedule is None:
        return None
    plain = (int, float, str, bool, list, type(None))
    return {k: v for k, v in learner.schedule.state_dict().items() if isinstance(v, plain)}


def _refuse_bad(tensors: dict[str, Tensor], step: int) -> None:
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    sound = torch.stack([torch.isfinite(tensor).all().cpu() for tensor in floats.values()])
    if not bool(sound.all()):
        bad = next(name for name, good in zip(floats, sound.tolist(), strict=True) if not good)
        raise fail("NUM-001", f"step {step}", f"{bad} is not finite, so no checkpoint was written")


def _is_better(best: Best | None, phase: str, value: float) -> bool:
    return math.isfinite(value) and (best is None or best.phase != phase or value < best.value)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
