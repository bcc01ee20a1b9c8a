"""A fabricated score of each design, as ``study score`` writes it."""

from __future__ import annotations

from typing import Any

DESIGNS = ("yes-no", "2afc", "diagnosis")
READERS = ("reader-1", "reader-2")


def interval(value: float) -> dict[str, Any]:
    return {"value": value, "low": round(value - 0.1, 6), "high": round(value + 0.1, 6), "n": 48}


def score(design: str, *, rehearsal: bool = False) -> dict[str, Any]:
    """``score.json`` of two readers."""
    own: dict[str, dict[str, Any]] = {
        "yes-no": {k: interval(0.61) for k in ("auc", "d_prime", "criterion", "hit_rate", "false_alarm_rate")}
        | {"balanced_accuracy": interval(0.57), "roc": {"false": [0.0, 0.4, 1.0], "true": [0.0, 0.7, 1.0]}},
        "2afc": {"share": interval(0.53), "second_named": interval(0.48)},
        "diagnosis": {k: interval(0.71) for k in ("real", "synthetic")} | {"difference": interval(-0.03)},
    }
    every: dict[str, dict[str, Any]] = {
        "yes-no": {k: interval(0.6) for k in ("auc", "hit_rate", "false_alarm_rate")} | {"verdict": "undecided"},
        "2afc": {"share": interval(0.52), "verdict": "chance"},
        "diagnosis": {k: interval(0.7) for k in ("real", "synthetic")}
        | {"difference": interval(-0.04), "verdict": "equivalent"},
    }
    origins = ("pair",) if design == "2afc" else ("real", "synthetic")
    conduct = {
        "answered": 48,
        "seconds": {"median": 21.5},
        "confidence": {origin: [5, 4, 3, 2, 1, 9] for origin in origins},
        "with_oneself": {"same": interval(0.8)},
    }
    classes = {k: interval(0.55) for k in every[design] if k not in ("verdict", "auc", "difference")}
    made = {"held_out": True}
    return {
        "about": {
            "design": design,
            "rehearsal": rehearsal,
            "banner": "rehearsal: no human read these" if rehearsal else "",
            "question": "Which?",
            "readers": 2,
            "asked": 2,
            "convention": "neurological",
            "anatomy": [],
            "cases": 48,
            "answers": 108,
            "recognised": 0,
            "missing": {},
            "margin": 0.1,
            "made": made,
        },
        "readers": {reader: own[design] | conduct for reader in READERS},
        "all": every[design],
        "classes": {"hc": classes, "tle-left": classes},
        "agreement": {k: interval(0.4) for k in ("gwet_ac1", "fleiss_kappa", "agreement")},
        "machine_reader": {"auc": interval(0.88)},
        "papers_statistic": {
            "hits": 7,
            "n": 24,
            "rate": interval(0.29),
            "p_against_half": 0.064,
            "would_be": [{"false_alarms": 0, "d_prime": 1.53, "auc": 0.86}],
        },
    }
