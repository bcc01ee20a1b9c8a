"""The one step loop of the package, on Lightning Fabric.

A model gives it a loss; it gives back a run folder. Training is a list of segments, each a turn of one learner, so
that the paper's alternation of autoencoder and discriminator is data, not control flow. Every draw is keyed by the
learner's own step count, and a checkpoint holds all that decides the next step: the same command resumes to the same
bits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlesynth import interruption
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar
from tlesynth.run_folder import Checkpoint, RunFolder
from tlesynth.seeds import generator

RUNNING_DECAY = 0.98
LOG_EVERY = 10


@dataclass(frozen=True)
class Order:
    """Which samples make up step ``step``: a permutation per epoch, keyed by (seed, purpose, epoch)."""

    n: int
    batch_size: int
    seed: int
    purpose: str

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the data; the last may be short."""
        return -(-self.n // self.batch_size)

    def batch(self, step: int) -> np.ndarray:
        """Indices of the samples of a step, at most ``batch_size`` of them, int64."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = generator(self.seed, self.purpose, "order", epoch).permutation(self.n)
        return order[place * self.batch_size : (place + 1) * self.batch_size]


class Ema:
    """Exponential moving average of a network's weights, with a warm-up: decay = min(decay, (1 + t) / (10 + t))."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards ``network`` after its step ``step`` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = self.network.state_dict(), network.state_dict()
        for name, average in mine.items():
            if average.is_floating_point():
                average.lerp_(theirs[name], 1 - decay)
            else:
                average.copy_(theirs[name])


@dataclass
class Learner:
    """One network, its optimiser and its loss: ``loss(step)`` returns named scalars; ``"loss"`` is minimised."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[int], dict[str, Tensor]]
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    ema: Ema | None = None
    clip: float = 1.0
    steps: int = 0


@dataclass(frozen=True)
class Segment:
    """A turn of one learner: up to ``steps``; fewer if the running mean of ``stop_metric`` falls under ``stop_below``."""

    name: str
    phase: str
    learner: str
    steps: int
    stop_metric: str = ""
    stop_below: float = 0.0


@dataclass
class Position:
    """Where a run stands."""

    segment: int = 0
    step_in_segment: int = 0
    step: int = 0
    running: float = 0.0
    running_weight: float = 0.0
    best_phase: str = ""
    best_score: float = float("inf")
    best_step: int = 0
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def running_mean(self) -> float:
        """The bias-corrected running mean of the segment's stop metric."""
        return self.running / self.running_weight if self.running_weight else float("inf")


def fabric_for(device: str, precision: str) -> Fabric:
    """A launched Fabric on ``device`` (auto, cpu, cuda).

    Raises:
        TlesynthError: RES-010 if the device is not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise fail("RES-010", "device: cuda", "torch sees no CUDA device")
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # ty: ignore[invalid-argument-type]
    fabric.launch()
    return fabric


def train(
    run: RunFolder,
    fabric: Fabric,
    learners: dict[str, Learner],
    segments: list[Segment],
    *,
    validate: Callable[[], dict[str, float]],
    validate_every: int,
    checkpoint_every: int,
    label: str,
) -> Position:
    """Walk the segments; afterwards every network holds the weights of the best validation score of the last phase.

    ``validate()`` returns named figures of which ``"score"`` decides; lower is better.

    Raises:
        TlesynthError: NUM-001 for a loss that is not finite, OPS-075 after a stop request, CKP-001/002 for damage.
    """
    position = _resume(run, learners)
    total = sum(segment.steps for segment in segments)
    with bar(label, total, _planned(segments, position)) as shown:
        while position.segment < len(segments):
            segment = segments[position.segment]
            _turn(run, fabric, learners, segment, position, shown, (validate, validate_every, checkpoint_every))
            position.turns.append({"name": segment.name, "steps": position.step_in_segment})
            # A turn that stopped early leaves its unused steps behind.
            shown.advance(segment.steps - position.step_in_segment)
            position.segment += 1
            position.step_in_segment, position.running, position.running_weight = 0, 0.0, 0.0
    run.write_metrics()
    best = run.load("best")
    _restore(learners, best, optimizers=False)
    return position


def _turn(
    run: RunFolder,
    fabric: Fabric,
    learners: dict[str, Learner],
    segment: Segment,
    position: Position,
    shown: Bar,
    validation: tuple[Callable[[], dict[str, float]], int, int],
) -> None:
    validate, validate_every, checkpoint_every = validation
    learner = learners[segment.learner]
    while not _over(segment, position):
        if interruption.requested():
            _save(run, learners, position)
            interruption.check()
        metrics = _step(fabric, learner, position)
        position.step += 1
        position.step_in_segment += 1
        if segment.stop_metric:
            position.running = RUNNING_DECAY * position.running + (1 - RUNNING_DECAY) * metrics[segment.stop_metric]
            position.running_weight = RUNNING_DECAY * position.running_weight + (1 - RUNNING_DECAY)
        last = _over(segment, position)
        if position.step % LOG_EVERY == 0 or last:
            run.log_metrics(position.step, segment.phase, metrics)
        if position.step % validate_every == 0 or last:
            _validate(run, learners, segment, position, validate())
        if position.step % checkpoint_every == 0:
            _save(run, learners, position)
        shown.advance(1, f"loss {metrics['loss']:.4g}")


def _over(segment: Segment, position: Position) -> bool:
    """Whether a turn has ended: its steps are used up, or its running mean fell below the bound."""
    early = bool(segment.stop_metric) and position.running_mean < segment.stop_below
    return early or position.step_in_segment >= segment.steps


def _step(fabric: Fabric, learner: Learner, position: Position) -> dict[str, float]:
    """One optimisation step; the weights are untouched if the loss is not finite."""
    learner.network.train()
    with fabric.autocast():
        losses = learner.loss(learner.steps)
    metrics = {name: float(value.detach()) for name, value in losses.items()}
    if not np.isfinite(list(metrics.values())).all():
        named = ", ".join(f"{k} {v:.3g}" for k, v in metrics.items())
        raise fail("NUM-001", f"step {position.step}", named)
    learner.optimizer.zero_grad(set_to_none=True)
    fabric.backward(losses["loss"])
    norm = fabric.clip_gradients(learner.network, learner.optimizer, max_norm=learner.clip, error_if_nonfinite=False)
    metrics["gradient_norm"] = float(norm) if norm is not None else 0.0
    if not np.isfinite(metrics["gradient_norm"]):
        raise fail("NUM-001", f"step {position.step}", "the gradient is not finite")
    metrics["learning_rate"] = learner.optimizer.param_groups[0]["lr"]
    learner.optimizer.step()
    if learner.schedule is not None:
        learner.schedule.step()
    if learner.ema is not None:
        learner.ema.update(_bare(learner.network), learner.steps)
    learner.steps += 1
    return metrics


def _validate(
    run: RunFolder, learners: dict[str, Learner], segment: Segment, position: Position, figures: dict[str, float]
) -> None:
    run.log_metrics(position.step, segment.phase, {f"val_{name}": value for name, value in figures.items()})
    # Scores of another phase are not comparable: each phase has its own best, and the last phase's is the result.
    if segment.phase != position.best_phase or figures["score"] < position.best_score:
        position.best_phase, position.best_score, position.best_step = segment.phase, figures["score"], position.step
        tensors = {k: v for k, v in _tensors(learners).items() if "/optimizer/" not in k}
        run.save("best", tensors, {"step": position.step, "phase": segment.phase, "figures": figures})


def _save(run: RunFolder, learners: dict[str, Learner], position: Position) -> None:
    state = {"position": vars(position) | {"best_score": _json(position.best_score)}}
    state["learners"] = {
        name: {"steps": learner.steps, "schedule": _schedule_state(learner)} for name, learner in learners.items()
    }
    run.save(f"step-{position.step:08d}", _tensors(learners), state)


def _resume(run: RunFolder, learners: dict[str, Learner]) -> Position:
    checkpoint = run.load_newest()
    if checkpoint is None:
        return Position()
    _restore(learners, checkpoint, optimizers=True)
    stored = dict(checkpoint.state["position"])
    stored["best_score"] = float("inf") if stored["best_score"] is None else stored["best_score"]
    position = Position(**stored)
    run.rewind_metrics(position.step)
    run.log("resumed", step=position.step)
    return position


def _tensors(learners: dict[str, Learner]) -> dict[str, Tensor]:
    """Every tensor of every learner; optimiser states go by parameter name, not by place."""
    tensors: dict[str, Tensor] = {}
    for name, learner in learners.items():
        tensors |= {f"{name}/network/{k}": v for k, v in _bare(learner.network).state_dict().items()}
        if learner.ema is not None:
            tensors |= {f"{name}/ema/{k}": v for k, v in learner.ema.network.state_dict().items()}
        for parameter, values in _optimizer_states(learner).items():
            for key, value in values.items():
                tensors[f"{name}/optimizer/{parameter}/{key}"] = torch.as_tensor(value)
    # safetensors refuses tensors that share memory.
    return {k: v.detach().clone() for k, v in tensors.items()}


def _optimizer_states(learner: Learner) -> dict[str, dict[str, Any]]:
    names = {parameter: name for name, parameter in _bare(learner.network).named_parameters()}
    return {names[parameter]: state for parameter, state in learner.optimizer.state.items() if parameter in names}


def _restore(learners: dict[str, Learner], checkpoint: Checkpoint, *, optimizers: bool) -> None:
    for name, learner in learners.items():
        _bare(learner.network).load_state_dict(_below(checkpoint.tensors, f"{name}/network/"))
        if learner.ema is not None:
            learner.ema.network.load_state_dict(_below(checkpoint.tensors, f"{name}/ema/"))
        if not optimizers:
            continue
        stored = checkpoint.state["learners"][name]
        learner.steps = stored["steps"]
        for parameter_name, parameter in _bare(learner.network).named_parameters():
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


def _bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network) if hasattr(network, "_forward_module") else network


def _planned(segments: list[Segment], position: Position) -> int:
    return sum(segment.steps for segment in segments[: position.segment]) + position.step_in_segment


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None
