"""The step loop itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from tlesynth import interruption
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar
from tlesynth.run_folder import RunFolder
from tlesynth.training.checkpointing import bare, restore, resume, save, tensors_of
from tlesynth.training.learners import Learner, Position, Segment

RUNNING_DECAY = 0.98
LOG_EVERY = 10


def fabric_for(device: str, precision: str) -> Fabric:
    """A launched Fabric on ``device`` (auto, cpu, cuda) in ``precision`` (auto, 32-true, bf16-mixed).

    Raises:
        TlesynthError: RES-010 if the device is not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise fail("RES-010", "device: cuda", "torch sees no CUDA device")
    if precision == "auto":
        precision = "bf16-mixed" if _computes_in_bfloat16(device) else "32-true"
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # ty: ignore[invalid-argument-type]
    fabric.launch()
    return fabric


def _computes_in_bfloat16(device: str) -> bool:
    """Whether the device has instructions for it; a processor without them would emulate it, slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and "avx512_bf16" in flags.read_text()


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
    position = resume(run, learners)
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
    restore(learners, best, optimizers=False)
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
            save(run, learners, position)
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
            save(run, learners, position)
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
        learner.ema.update(bare(learner.network), learner.steps)
    learner.steps += 1
    return metrics


def _validate(
    run: RunFolder, learners: dict[str, Learner], segment: Segment, position: Position, figures: dict[str, float]
) -> None:
    run.log_metrics(position.step, segment.phase, {f"val_{name}": value for name, value in figures.items()})
    # Scores of another phase are not comparable: each phase has its own best, and the last phase's is the result.
    if segment.phase != position.best_phase or figures["score"] < position.best_score:
        position.best_phase, position.best_score, position.best_step = segment.phase, figures["score"], position.step
        tensors = {k: v for k, v in tensors_of(learners).items() if "/optimizer/" not in k}
        run.save("best", tensors, {"step": position.step, "phase": segment.phase, "figures": figures})


def _planned(segments: list[Segment], position: Position) -> int:
    return sum(segment.steps for segment in segments[: position.segment]) + position.step_in_segment
