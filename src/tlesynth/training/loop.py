"""The step loop itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lightning_fabric import Fabric

from tlesynth import interruption
from tlesynth.errors import fail
from tlesynth.progress import Bar, bar, say
from tlesynth.run_folder import RunFolder
from tlesynth.training.checkpointing import restore, resume, save, save_best
from tlesynth.training.device import agreed
from tlesynth.training.learners import Learner, Position, Segment
from tlesynth.training.refusals import Refusal, Refusals
from tlesynth.training.rhythm import Rhythm
from tlesynth.training.step import take_step

RUNNING_DECAY = 0.98
LOG_EVERY = 10
Validate = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Course:
    """What a walk over the segments has with it all the way."""

    run: RunFolder
    fabric: Fabric
    learners: dict[str, Learner]
    validate: Validate
    rhythm: Rhythm
    refusals: Refusals
    shown: Bar
    at_checkpoint: Callable[[int], None]


def train(
    run: RunFolder,
    fabric: Fabric,
    learners: dict[str, Learner],
    segments: list[Segment],
    *,
    validate: Validate,
    rhythm: Rhythm,
    label: str,
    at_checkpoint: Callable[[int], None] = lambda step: None,
) -> Position:
    """Walk the segments; afterwards every network holds the weights of the chosen best validation of the last phase.

    ``validate()`` returns named figures, among them those of ``rhythm.criteria``; lower is better. ``at_checkpoint`` is
    called with the step just before each numbered checkpoint: a run that is killed in it comes by there again.

    Raises:
        TlesynthError: NUM-001 after more refused steps than ``rhythm.limits`` bears, or if no validation of the last
            phase was finite; OPS-075 after a stop request; CKP-001/002 for damage.
    """
    position = resume(run, learners)
    total = sum(segment.steps for segment in segments)
    with bar(label, total, _planned(segments, position)) as shown:
        course = Course(
            run, fabric, learners, validate, rhythm, Refusals(run.path, leader=run.leader), shown, at_checkpoint
        )
        while position.segment < len(segments):
            segment = segments[position.segment]
            _turn(course, segment, position)
            _close(course, segment, position)
        if position.step % rhythm.checkpoint_every:
            save(run, learners, position)  # whatever follows the last step may be stopped, and repeats no step then
    run.write_metrics()
    fabric.barrier()
    last = [segment.phase for segment in segments if segment.validated][-1]
    best = position.best.get(rhythm.chosen)
    if best is None or best.phase != last:
        raise fail("NUM-001", run.path, f"no validation of the phase {last!r} was finite")
    restore(learners, run.load(rhythm.chosen), optimizers=False)
    return position


def _turn(course: Course, segment: Segment, position: Position) -> None:
    """Take the steps of one segment, from wherever the run stands in it."""
    run, learners, rhythm = course.run, course.learners, course.rhythm
    while not _over(segment, position, rhythm):
        if agreed(course.fabric, interruption.requested()):
            save(run, learners, position)
            course.fabric.barrier()  # nobody ends before the first has saved
            raise fail("OPS-075")
        position.step += 1
        position.step_in_segment += 1
        figures = _walk(course, segment, position)
        last = _over(segment, position, rhythm)
        if figures and (position.step % LOG_EVERY == 0 or last):
            run.log_metrics(position.step, segment.phase, figures)
        if segment.validated and (position.step % rhythm.validate_every == 0 or last):
            _validate(course, segment, position)
        if position.step % rhythm.checkpoint_every == 0:
            course.at_checkpoint(position.step)
            save(run, learners, position)
        course.shown.advance(1, f"loss {figures['loss']:.4g}" if figures else "")


def _walk(course: Course, segment: Segment, position: Position) -> dict[str, float]:
    """One step of each learner of the segment, and the figures of all; none where a step was refused.

    Raises:
        TlesynthError: NUM-001 after more refused steps than the run bears.
    """
    figures: dict[str, float] = {}
    refused = False
    for name in (segment.learner, *segment.then):
        learner, drawn = course.learners[name], course.learners[name].steps
        taken = take_step(course.fabric, learner, course.refusals.cause(position.step, name))
        if taken.fault:
            samples = tuple(learner.samples(drawn)) if learner.samples else ()
            rate = taken.figures["learning_rate"]
            _note(course, Refusal(position.step, name, taken.fault, rate, samples), segment.phase)
            refused = True
        # The first learner's figures keep their names, those of the others carry their learner's.
        prefix = "" if name == segment.learner else f"{name}_"
        figures |= {k if k.startswith(prefix) else prefix + k: v for k, v in taken.figures.items()}
    if refused:
        _bear(course, position)
        return {}
    if segment.stop_metric:
        position.running = RUNNING_DECAY * position.running + (1 - RUNNING_DECAY) * figures[segment.stop_metric]
        position.running_weight = RUNNING_DECAY * position.running_weight + (1 - RUNNING_DECAY)
    return figures


def _note(course: Course, refusal: Refusal, phase: str) -> None:
    """Write a refused step down, and say so."""
    if course.refusals.add(refusal):
        course.run.log("refused step", step=refusal.step, refusal=str(refusal))
        say(f"step {refusal.step} was refused, nothing has changed: {refusal}")
    course.run.log_metrics(refusal.step, phase, {"refused_steps": course.refusals.in_all(refusal.step)})


def _bear(course: Course, position: Position) -> None:
    """Go on after a refused step, or save the last good state and give up."""
    error = course.refusals.too_many(position.step, course.rhythm.limits)
    if error is not None:
        save(course.run, course.learners, position)
        raise error


def _over(segment: Segment, position: Position, rhythm: Rhythm) -> bool:
    """Whether a turn has ended: its steps are used up, its running mean fell below the bound, or it got no better."""
    used_up = position.step_in_segment >= segment.steps
    return used_up or _fell_below(segment, position) or _gets_no_better(segment, position, rhythm)


def _fell_below(segment: Segment, position: Position) -> bool:
    settled = position.step_in_segment >= segment.least_steps
    return bool(segment.stop_metric) and settled and position.running_mean < segment.stop_below


def _gets_no_better(segment: Segment, position: Position, rhythm: Rhythm) -> bool:
    """Whether the last ``patience`` validations of the phase were all no better than the best before them."""
    best = position.best.get(rhythm.chosen)
    if not rhythm.patience or not segment.validated or best is None or best.phase != segment.phase:
        return False
    return position.step >= best.step + rhythm.patience * rhythm.validate_every


def _close(course: Course, segment: Segment, position: Position) -> None:
    """Write down how a turn ended, and stand before the next."""
    turn: dict[str, Any] = {"name": segment.name, "steps": position.step_in_segment}
    if segment.stop_metric:
        ended = "running mean" if _fell_below(segment, position) else "bound"
        mean = position.running_mean
        turn |= {"ended_by": ended, f"running_{segment.stop_metric}": mean if math.isfinite(mean) else None}
    elif _gets_no_better(segment, position, course.rhythm) and position.step_in_segment < segment.steps:
        turn["ended_by"] = "patience"
        say(f"{segment.name}: no better for {course.rhythm.patience} validations, ended at step {position.step}")
    position.turns.append(turn)
    course.run.log("turn", **turn)
    # A turn that stopped early leaves its unused steps behind.
    if unused := segment.steps - position.step_in_segment:
        course.shown.advance(unused)
    position.segment += 1
    position.step_in_segment, position.running, position.running_weight = 0, 0.0, 0.0


def _validate(course: Course, segment: Segment, position: Position) -> None:
    # Those of the first process: what is best, and when to end, must not hang on how another's card rounds.
    figures = course.fabric.broadcast(course.validate())
    course.run.log_metrics(position.step, segment.phase, {f"val_{name}": value for name, value in figures.items()})
    save_best(course.run, course.learners, position, segment.phase, figures, dict(course.rhythm.criteria))


def _planned(segments: list[Segment], position: Position) -> int:
    return sum(segment.steps for segment in segments[: position.segment]) + position.step_in_segment
