"""Reading learning curves: lists of points with ``step``, ``core_seconds`` and figures, in the order they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]
HIGHER_IS_BETTER = ("psnr_brain_db", "psnr_db", "ssim")


def first_reaching(points: Sequence[Point], figure: str, level: float) -> float | None:
    """Core-seconds of the first point whose ``figure`` is at least as good as ``level``; None where none is.

    Nothing is interpolated: a curve has reached what it was seen at.
    """
    for point in points:
        if figure in point and is_no_worse(figure, point[figure], level):
            return float(point["core_seconds"])
    return None


def share_of_compute(points: Sequence[Point], peer: Sequence[Point], figure: str) -> float | None:
    """Core-seconds in which ``points`` reaches the last figure of ``peer``, as a share of all that the peer took."""
    last = [point for point in peer if figure in point][-1]
    reached = first_reaching(points, figure, last[figure])
    return None if reached is None else reached / last["core_seconds"]


def at_step(points: Sequence[Point], step: int) -> Point:
    """The last point at or before ``step``."""
    return [point for point in points if point["step"] <= step][-1]


def at_seconds(points: Sequence[Point], seconds: float) -> Point:
    """The last point made within ``seconds`` core-seconds."""
    return [point for point in points if point["core_seconds"] <= seconds][-1]


def is_no_worse(figure: str, ours: float, theirs: float) -> bool:
    """Whether ``ours`` is at least as good."""
    return ours >= theirs if figure in HIGHER_IS_BETTER else ours <= theirs
