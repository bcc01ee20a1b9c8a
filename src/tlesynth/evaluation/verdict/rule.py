"""How an interval and its limits make a colour, and how colours make one.

Green must be shown, and so must red: an interval that reaches across a limit is amber, however good its middle. So
few scans, whose intervals are wide, give amber and never a green by luck.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tlesynth.metrics.statistics import Json

GREEN, AMBER, RED, GREY = "green", "amber", "red", "grey"
COLOURS = (GREEN, AMBER, RED, GREY)
RULE = {
    GREEN: "the whole interval lies within the limits",
    RED: "the whole interval lies beyond them (of effect sizes: beyond the wider limits)",
    AMBER: "the interval reaches across a limit: too few scans to tell, or a result in between",
    GREY: "not computed, or from fewer scans than the recipe's evaluation.verdict.least_scans",
    "together": "a light of several figures is red if one is, green if all are, grey if all are, else amber; figures "
    "that stand beside can only turn it red",
}
"""Printed with the lights."""

Ends: TypeAlias = tuple[float | None, float | None]


@dataclass(frozen=True)
class Limits:
    """What is ``good``, and what is ``tolerated`` before it is red (the same where left out); None: an open end."""

    good: Ends
    tolerated: Ends | None = None

    @property
    def widest(self) -> Ends:
        """The ends beyond which a figure is red."""
        return self.tolerated or self.good


def at_most(limit: float) -> Limits:
    """Good below ``limit``."""
    return Limits((None, limit))


def at_least(limit: float) -> Limits:
    """Good above ``limit``."""
    return Limits((limit, None))


def within(limit: float, tolerated: float | None = None) -> Limits:
    """Good between minus and plus ``limit``; red beyond ``tolerated``."""
    return Limits((-limit, limit), None if tolerated is None else (-tolerated, tolerated))


def colour_of(interval: Json, limits: Limits) -> str:
    """The colour of ``{"value", "low", "high"}``; an end that touches a limit is not within it."""
    if _lies_within(interval["low"], interval["high"], limits.good):
        return GREEN
    return RED if side_of(interval, limits) else AMBER


def side_of(interval: Json, limits: Limits) -> str:
    """``low`` or ``high`` where the whole interval lies below or above everything tolerated, else nothing."""
    low, high = limits.widest
    if low is not None and interval["high"] < low:
        return "low"
    return "high" if high is not None and interval["low"] > high else ""


def together(colours: Iterable[str], beside: Iterable[str] = ()) -> str:
    """One colour of several; those ``beside`` can only turn it red."""
    found = set(colours)
    if RED in found | set(beside):
        return RED
    return found.pop() if len(found) == 1 else AMBER if found else GREY


def good_estimate(interval: Json, limits: Limits) -> bool:
    """Whether the estimate itself is within the limits."""
    return _lies_within(interval["value"], interval["value"], limits.good)


def _lies_within(low: float, high: float, ends: Ends) -> bool:
    least, most = ends
    return (least is None or low > least) and (most is None or high < most)
