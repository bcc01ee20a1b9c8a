"""The four questions of the summary, answered by fixed rules from results.json.

The rules are printed on the page; no answer is worded by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlesynth.report.sources import Files, pointer

RESULTS = "evaluation/results.json"
RULES: dict[str, dict[str, float]] = {
    "realistic": {"ratio_at_most": 3.0},
    "disease": {"share_at_least": 0.5, "share_at_most": 1.5},
    "diverse": {"difference_at_most": 0.03},
    "useful": {"chance": 0.5, "few_test_scans": 100},
}
"""Default gates: distance over its floor; synthetic effect over the real one; MS-SSIM difference; AUC of no skill."""


@dataclass(frozen=True)
class Measure:
    """A number beside an answer: what it is, its source, and how it prints."""

    label: str
    source: str
    places: int = 2
    percent: bool = False
    sign: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer in plain words; ``tone`` is good, mixed, bad or unknown."""

    key: str
    question: str
    tone: str
    verdict: str
    meaning: str
    measures: tuple[Measure, ...]


def answers(files: Files) -> list[Answer]:
    """Realistic? Carries the disease? Diverse? Useful?"""
    return [_realistic(files), _disease(files), _diverse(files), _useful(files)]


def _at(*keys: str) -> str:
    return pointer(RESULTS, *keys)


def _interval(files: Files, *keys: str) -> dict[str, Any] | None:
    found = files.get(_at(*keys))
    return found if isinstance(found, dict) and "value" in found else None


def _realistic(files: Files) -> Answer:
    measures = []
    for group, words in (("hc", "controls"), ("tle", "TLE")):
        measures += [
            Measure(f"distance to real {words}", _at("frechet", group, "value"), 3),
            Measure("floor: real to real", _at("frechet", group, "floor"), 3),
            Measure("times the floor", _at("frechet", group, "ratio"), 1),
        ]
    ratios = [_number(files.get(_at("frechet", group, "ratio"))) for group in ("hc", "tle")]
    question = "Are the synthetic scans realistic?"
    if not all(isinstance(r, (int, float)) for r in ratios):
        return _unknown("realistic", question, measures)
    within = sum(r <= RULES["realistic"]["ratio_at_most"] for r in ratios)
    tone, verdict = {2: ("good", "Close to real"), 1: ("mixed", "One group only"), 0: ("bad", "Not yet")}[within]
    meaning = {
        2: "By image statistics, the synthetic scans of both groups lie about as near to real scans as the gate asks.",
        1: "One group's synthetic scans lie near the real ones; the other's can be told apart by image statistics.",
        0: "Image statistics tell synthetic from real scans easily. They are not a stand-in for real ones.",
    }[within]
    meaning += (
        " The floor is the same distance for as many real training scans: 1 times the floor is the best possible."
    )
    return Answer("realistic", question, tone, verdict, meaning, tuple(measures))


def _disease(files: Files) -> Answer:
    measures = (
        Measure("effect size, real", _at("morphometry", "effect_size", "real"), sign=True),
        Measure("effect size, synthetic", _at("morphometry", "effect_size", "synthetic"), sign=True),
        Measure(
            "called right by the real-only classifier",
            _at("classification", "synthetic_by_real", "accuracy"),
            0,
            True,
        ),
    )
    question = "Do synthetic patients carry the disease?"
    real, synthetic = (_interval(files, "morphometry", "effect_size", source) for source in ("real", "synthetic"))
    if real is None or synthetic is None:
        return _unknown("disease", question, measures)
    share = synthetic["value"] / real["value"] if real["value"] else 0.0
    if _holds(real, 0):
        tone, verdict = "unknown", "Cannot tell"
        meaning = "The effect is not clear in the real scans themselves, so its copy cannot be judged."
    elif _holds(synthetic, 0):
        tone, verdict = "bad", "Not shown"
        meaning = "Real patients differ from real controls; synthetic patients do not do so clearly."
    elif share < 0:
        tone, verdict = "bad", "Reversed"
        meaning = "Synthetic patients differ from synthetic controls in the wrong direction."
    elif share < RULES["disease"]["share_at_least"]:
        tone, verdict = "mixed", "Yes, but weaker"
        meaning = "Synthetic patients differ from synthetic controls as real ones do, but much less."
    elif share > RULES["disease"]["share_at_most"]:
        tone, verdict = "mixed", "Yes, but overdone"
        meaning = (
            "Synthetic patients differ from synthetic controls more than real ones do: a caricature of the disease."
        )
    else:
        tone, verdict = "good", "Yes"
        meaning = (
            "Synthetic patients differ from synthetic controls about as much as real patients do from real controls."
        )
    return Answer("disease", question, tone, verdict, meaning + " The effect is measured on the hippocampi.", measures)


def _diverse(files: Files) -> Answer:
    measures = []
    for group, words in (("hc", "controls"), ("tle", "TLE")):
        measures += [
            Measure(f"likeness of synthetic {words}", _at("diversity", group, "synthetic"), 3),
            Measure(f"likeness of real {words}", _at("diversity", group, "real"), 3),
        ]
    question = "Are they diverse?"
    pairs = [
        (_interval(files, "diversity", g, "synthetic"), _interval(files, "diversity", g, "real")) for g in ("hc", "tle")
    ]
    differences = [s["value"] - r["value"] for s, r in pairs if s and r]
    if len(differences) < len(pairs):
        return _unknown("diverse", question, measures)
    limit = RULES["diverse"]["difference_at_most"]
    if max(differences) > limit:
        tone, verdict = "bad", "Too alike"
        meaning = "Synthetic scans resemble each other more than real ones do: the generator repeats itself."
    elif min(differences) < -limit:
        tone, verdict = "mixed", "More varied than real"
        meaning = (
            "Synthetic scans differ from each other more than real ones do, which may be noise rather than anatomy."
        )
    else:
        tone, verdict = "good", "As diverse as real"
        meaning = "Synthetic scans differ from each other about as much as real scans do."
    meaning += " Likeness is the mean MS-SSIM of pairs of scans; 1 is identical."
    return Answer("diverse", question, tone, verdict, meaning, tuple(measures))


def _useful(files: Files) -> Answer:
    mixtures = {"real+0.25": "1:0.25", "real+0.5": "1:0.5"}
    measures = [Measure("AUC, real scans only", _at("classification", "arms", "real", "auc_roc"), 3)]
    for arm, words in mixtures.items():
        change = _at("classification", "against_real", arm, "auc_difference")
        measures.append(Measure(f"change with synthetic at {words}", change, 3, sign=True))
    question = "Are they useful to a classifier?"
    real = _interval(files, "classification", "arms", "real", "auc_roc")
    changes = [_interval(files, "classification", "against_real", arm, "auc_difference") for arm in mixtures]
    known = [c for c in changes if c]
    if real is None or not known:
        return _unknown("useful", question, measures)
    if _holds(real, RULES["useful"]["chance"]):
        tone, verdict = "unknown", "Cannot tell"
        meaning = "The classifier trained on real scans is not clearly better than guessing, so nothing can be said."
    elif any(c["low"] > 0 for c in known):
        tone, verdict = "good", "Yes"
        meaning = "Adding synthetic scans to the training set raised the AUC on the same real test scans."
    elif any(c["high"] < 0 for c in known):
        tone, verdict = "bad", "They harm"
        meaning = "Adding synthetic scans to the training set lowered the AUC on the same real test scans."
    else:
        tone, verdict = "mixed", "No detectable gain"
        meaning = "The change holds zero in its interval: neither gain nor harm can be told from these test scans."
    if real["n"] < RULES["useful"]["few_test_scans"]:
        meaning += " With so few test scans only a large difference could show."
    return Answer("useful", question, tone, verdict, meaning, tuple(measures))


def _unknown(key: str, question: str, measures: tuple[Measure, ...] | list[Measure]) -> Answer:
    meaning = "At least one of the numbers that this answer needs is missing; see each below."
    return Answer(key, question, "unknown", "Not computed", meaning, tuple(measures))


def _holds(interval: dict[str, Any], value: float) -> bool:
    return interval["low"] <= value <= interval["high"]


def _number(found: Any) -> Any:
    """A bare number, or the value of an interval."""
    return found.get("value") if isinstance(found, dict) else found
