"""What the lights take from the augmentation study: its declared comparison, and the gain at sites never seen.

The study trains many classifiers and compares with classical augmentation; it outweighs the one training an arm that
``evaluate`` judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tlesynth.evaluation.verdict.figure import Figure
from tlesynth.evaluation.verdict.rule import at_least
from tlesynth.metrics.statistics import Json, not_computed

LEDGER = "augmentation/ledger.json"
"""Where the study's ledger lies in a run; figures of it are named ``augmentation/ledger.json#/networks/...``."""
RIVALS = {"classical": "classical augmentation", "real": "real scans alone"}
CHANCE = 0.5
NEEDED = ("/primary/network", "/primary/rival", "/about/task", "/about/seeds", "/about/splits", "/networks")


def lacking(found: Any, needed: Iterable[str]) -> str:
    """The first of the places ``needed`` (``/a/b``) that ``found`` has not, nothing where it has all."""
    return next((place for place in needed if _absent(found, place)), "")


def places(study: Json) -> Iterator[str]:
    """What the lights need of a ledger, in an order in which each place shows the way to the next."""
    yield from NEEDED
    yield f"/networks/{study['primary']['network']}"
    for name in study["networks"]:
        yield from (f"/networks/{name}/{part}" for part in ("rival", "sites"))


def _absent(found: Any, path: str) -> bool:
    for key in path.split("/")[1:]:
        if not isinstance(found, dict) or key not in found:
            return True
        found = found[key]
    return False


def rival_in(study: Json) -> str:
    """What synthetic scans had to beat in the study, nothing where there is no ledger."""
    return str(study["primary"]["rival"]) if "primary" in study else ""


def gains(study: Json) -> Iterator[Figure]:
    """The declared comparison, and beside it that of the study's other classifiers."""
    first = study["primary"]["network"]
    judged = tuple(f"{LEDGER}#/about/judged/{kind}" for kind in ("positive", "negative"))
    for network in (first, *(name for name in study["networks"] if name != first)):
        at, rival = f"{LEDGER}#/networks/{network}", study["networks"][network]["rival"]
        about = study["about"]
        yield Figure(
            f"change of the AUC on real test scans, {network}, against {RIVALS.get(rival, rival)} "
            f"(augmentation study, {about['seeds']} seeds, {about['splits']} splits)",
            f"{at}/against_rival/chosen/auc_roc",
            at_least(0.0),
            f"{at}/arms/{rival}/figures/auc_roc",
            unless_guessing,
            judged,
            beside=network != first,
        )


def unless_guessing(gain: Json, rival: Json) -> Json:
    """``gain``, unless it holds 0 and the rival's own AUC holds one half: then nothing can be said of what helps it."""
    if gain["low"] > 0 or gain["high"] < 0 or rival["low"] > CHANCE:
        return gain
    return not_computed("in the augmentation study the classifier without synthetic scans is not clearly above chance")


def at_sites(study: Json, loss: float) -> Iterator[Figure]:
    """The gain at sites that the classifiers never saw: over all of them, and beside it at each."""
    what, limit = "change of the AUC at a site that no classifier was trained on", at_least(-loss)
    if not rival_in(study):
        yield Figure(f"{what}, mean over sites", f"{LEDGER}#/networks", limit)
        return
    network = study["primary"]["network"]
    at = f"{LEDGER}#/networks/{network}/sites"
    yield Figure(f"{what}, mean over sites", f"{at}/mean/difference", limit)
    for place, row in enumerate(study["networks"][network]["sites"].get("rows", [])):
        sets = tuple(f"{at}/rows/{place}/{kind}" for kind in ("positive", "negative"))
        yield Figure(f"{what}, {row['site']}", f"{at}/rows/{place}/difference", limit, sets=sets, beside=True)
