"""The verdict of a comparison, by fixed rules: a gain, harm, no detectable gain, or a rival that cannot serve."""

from __future__ import annotations

from typing import Literal

from tlesynth.metrics.statistics import Json

Key = Literal["gain", "harm", "none", "excluded", "cannot"]
WORDS: dict[Key, str] = {
    "gain": "Yes: a gain",
    "harm": "No: harm",
    "none": "No detectable gain",
    "excluded": "No gain worth having",
    "cannot": "Cannot tell",
}
MEANING: dict[Key, str] = {
    "gain": "Adding synthetic scans raised the AUC on real test scans above that of what it is compared with: the "
    "whole interval lies above zero.",
    "harm": "Adding synthetic scans lowered the AUC on real test scans: the whole interval lies below zero.",
    "none": "The interval of the difference holds zero, and also a gain that would be worth having: this study shows "
    "neither that synthetic scans help nor that they do not.",
    "excluded": "The interval of the difference holds zero and ends below the smallest gain that would be worth "
    "having: if synthetic scans help at all, it is by less.",
    "cannot": "What it is compared with is not clearly better than guessing: its AUC's interval holds one half. "
    "Before a classifier that has learned something is there, nothing can be said of what helps it.",
}
CHANCE = 0.5


def verdict(difference: Json, rival: Json, smallest_gain: float) -> Key:
    """What the interval of the AUC's difference says, given the rival's own AUC.

    A rival at chance level says nothing unless the difference itself leaves out zero.
    """
    if "value" not in difference or "value" not in rival:
        return "cannot"
    if difference["low"] > 0:
        return "gain"
    if difference["high"] < 0:
        return "harm"
    if rival["low"] <= CHANCE:
        return "cannot"
    return "excluded" if difference["high"] < smallest_gain else "none"
