"""The gate's verdict on a synthetic cohort, and the certificate that says how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import stats

from tlesynth.metrics.statistics import Json, clopper_pearson
from tlesynth.recipe import Privacy

if TYPE_CHECKING:  # judging what was found needs no network
    from tlesynth.privacy.detector import Detector

CERTIFICATE = "certificate.json"
"""Its name in a synthetic cohort."""
PASSED, REFUSED, ACCEPTED = "passed", "refused", "refused, accepted by the recipe"
UNDECIDED, UNCHECKED = "undecided", "not checked"
CHANCE = 0.01
"""As many flags as false alarms alone would reach more rarely than this are not chance."""
PLAIN = ("exact", "noised")
"""Kinds of planted copies that are plain; a detector that misses these is blind."""
LEAST_RECALL = 0.95
"""Of plain planted copies; a detector that finds fewer decides nothing."""
COMPARED = (
    "fine structure (2 to 6 mm, locally normalised) inside the brain on the 3 mm grid, as it is and mirrored, moved by "
    "up to 6 mm, with every training scan"
)
CAVEAT = (
    "A certificate tells of copies of whole brains such as the planted ones: not of copied parts, and not whether "
    "somebody's membership in the training set can be guessed otherwise."
)


def certificate(detector: Detector, judged: dict[str, bool], settings: Privacy) -> Json:
    """The certificate of a cohort of which ``judged`` tells, of every drawn volume, whether it is a copy."""
    copies = sorted(name for name, copy in judged.items() if copy)
    verdict = verdict_of(len(copies), len(judged), detector, settings)
    return {
        "verdict": verdict,
        "gate": settings.gate,
        "overridden": verdict == ACCEPTED,
        "compared": COMPARED,
        "training_scans": len(detector.reference.rows),
        "calibration": detector.calibration,
        "planted_recall": detector.recall,
        "drawn": len(judged),
        "copies": len(copies),
        "share": clopper_pearson(len(copies), len(judged)).as_json() if judged else None,
        "most_copies": settings.most_copies,
        "chance": chance_of(len(copies), len(judged), detector),
        "dropped": copies,
        "caveat": CAVEAT,
    }


def unchecked(reason: str, settings: Privacy) -> Json:
    """The certificate of a cohort that nobody compared with training scans."""
    return {"verdict": f"{UNCHECKED}: {reason}", "gate": settings.gate, "overridden": False, "caveat": CAVEAT}


def verdict_of(copies: int, drawn: int, detector: Detector, settings: Privacy) -> str:
    """Refused if more are copies than the limit allows and than false alarms explain; else passed, if copies are seen.

    Both are asked: of eight volumes one false alarm is 12 %, over the limit and yet nothing.
    """
    if copies > settings.most_copies * drawn and chance_of(copies, drawn, detector) < CHANCE:
        return ACCEPTED if settings.gate == "report" else REFUSED
    missed = [kind for kind in PLAIN if detector.recall.get(kind, {}).get("value", 0.0) < LEAST_RECALL]
    if missed:
        return f"{UNDECIDED}: the detector misses planted copies ({', '.join(missed)})"
    return PASSED


def chance_of(copies: int, drawn: int, detector: Detector) -> float:
    """How often ``drawn`` volumes of new people would give at least so many false alarms (binomial)."""
    return float(stats.binom.sf(copies - 1, drawn, detector.calibration["false_alarms"]))
