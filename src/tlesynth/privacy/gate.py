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
"""What a generator that knows nobody would give more rarely than this is not chance."""
PLAIN = ("exact", "noised")
"""Kinds of planted copies that are plain; a detector that misses these is blind."""
LEAST_RECALL = 0.95
"""Of plain planted copies; a detector that finds fewer decides nothing."""
COMPARED = (
    "fine structure (2 to 6 mm, locally normalised) inside the brain on the 3 mm grid, as it is and mirrored, moved by "
    "up to 6 mm, with every training scan"
)
CAVEAT = (
    "A certificate tells of copies of whole brains such as the planted ones, and whether all volumes together lie too "
    "near the training scans: not of copied parts, and not whether somebody's membership in the training set can be "
    "guessed otherwise."
)


def certificate(detector: Detector, judged: dict[str, bool], nearer: Json, settings: Privacy) -> Json:
    """The certificate of a cohort of which ``judged`` tells, of every drawn volume, whether it is a copy.

    ``nearer`` is what was found of the cohort without its copies as a whole (``Company.closeness``).
    """
    copies = sorted(name for name, copy in judged.items() if copy)
    verdict = verdict_of(len(copies), len(judged), nearer, detector, settings)
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
        "nearer_to_training": nearer,
        "most_nearer": settings.most_nearer,
        "caveat": CAVEAT,
    }


def unchecked(reason: str, settings: Privacy) -> Json:
    """The certificate of a cohort that nobody compared with training scans."""
    return {"verdict": f"{UNCHECKED}: {reason}", "gate": settings.gate, "overridden": False, "caveat": CAVEAT}


def verdict_of(copies: int, drawn: int, nearer: Json, detector: Detector, settings: Privacy) -> str:
    """Refused if there are too many copies or if the cohort is too near; else passed, if copies are seen."""
    too_many = are_too_many(copies, drawn, detector, settings)
    if too_many or is_too_near(nearer, settings):
        return ACCEPTED if settings.gate == "report" else REFUSED
    if not detector.recall:
        return f"{UNDECIDED}: too few copies were planted to say whether copies would be seen"
    missed = [kind for kind in PLAIN if detector.recall.get(kind, {}).get("value", 0.0) < LEAST_RECALL]
    if missed:
        return f"{UNDECIDED}: the detector misses planted copies ({', '.join(missed)})"
    return PASSED


def are_too_many(copies: int, drawn: int, detector: Detector, settings: Privacy) -> bool:
    """Whether more are copies than the limit allows and than false alarms explain.

    Both are asked: of eight volumes one false alarm is 12 %, over the limit and yet nothing.
    """
    return copies > settings.most_copies * drawn and chance_of(copies, drawn, detector) < CHANCE


def is_too_near(nearer: Json, settings: Privacy) -> bool:
    """Whether more lie nearer to training than to held-out scans than the limit allows and than chance explains."""
    return "share" in nearer and nearer["share"]["value"] > settings.most_nearer and nearer["p"] < CHANCE


def chance_of(copies: int, drawn: int, detector: Detector) -> float:
    """How often ``drawn`` volumes of new people would give at least so many false alarms (binomial)."""
    return float(stats.binom.sf(copies - 1, drawn, detector.calibration["false_alarms"]))
