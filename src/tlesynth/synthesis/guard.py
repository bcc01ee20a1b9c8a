"""Every drawn volume is compared with the training scans before it is written; copies are dropped and counted.

What was found is kept in ``nearest.json`` as it is found, so that a killed run goes on without drawing a dropped copy
again. The volumes themselves are what they would be without the guard. At the end all that stand are held against
training and held-out scans once more, as a whole; the distances are not kept, for they would tell who was taught.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.errors import TlesynthError, fail
from tlesynth.metrics.statistics import Json, not_computed
from tlesynth.privacy.closeness import Company, company_of
from tlesynth.privacy.detector import Detector, detector_of
from tlesynth.privacy.gate import CERTIFICATE, PASSED, REFUSED, certificate, is_too_near, unchecked
from tlesynth.progress import say
from tlesynth.recipe import Privacy
from tlesynth.volume import Grid, read_on

LEDGER = "nearest.json"
NO_TRAINING_SCANS = "no training scans given"
HELD_OUT = ("val", "audit_holdout")
"""Splits that drawn cohorts are held against beside ``gen_train``; test stays shut."""


@dataclass
class Guard:
    """What a cohort's volumes are compared with, and what was found; without a detector nothing is, and why."""

    settings: Privacy
    detector: Detector | None = None
    why_none: str = NO_TRAINING_SCANS
    company: Company | None = None
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def resume(self, out: Path) -> None:
        """Take up what an earlier run with the same training scans and settings found in ``out``.

        Raises:
            TlesynthError: DATA-001 if the ledger is damaged.
        """
        path = out / LEDGER
        known = durable.read_json(path, "DATA-001") if self.detector and path.is_file() else {}
        if self.detector and known.get("detector") == self.detector.fingerprint:
            self.found = known["scans"]

    def has_judged(self, name: str, origins: Iterable[dict[str, Any]]) -> bool:
        """Whether the subject ``name``, drawn as one of ``origins`` says, needs no comparison any more."""
        if self.detector is None:
            return True
        return self.found.get(name, {}).get("origin") in {durable.hash_of(origin) for origin in origins}

    def is_known_copy(self, name: str, origins: Iterable[dict[str, Any]]) -> bool:
        """Whether the subject ``name``, drawn as one of ``origins`` says, was found to be a copy before."""
        return bool(self.found.get(name, {}).get("copy")) and self.has_judged(name, origins)

    def is_copy(self, name: str, volume: np.ndarray, grid: Grid, origin: dict[str, Any], out: Path) -> bool:
        """Whether a volume (X, Y, Z), drawn as ``origin`` says, is a copy; what was found is written at once."""
        if self.detector is None:
            return False
        likeness = self.detector.judge(volume, grid)
        # Whose scan is nearest stays out of a folder that is made to be shared.
        row = {"similarity": round(likeness.similarity, 4), "score": round(likeness.score, 3), "copy": likeness.copy}
        self.found[name] = row | {"origin": durable.hash_of(origin)}
        durable.write_json(out / LEDGER, {"detector": self.detector.fingerprint, "scans": self.found})
        return likeness.copy

    def close(self, out: Path, names: list[str], standing: list[Path], grid: Grid) -> None:
        """Write the certificate of a cohort of ``names`` and say what it says.

        ``standing`` are the files of those that were written, on ``grid``.

        Raises:
            TlesynthError: PRIV-010 if the gate refuses the cohort, or if nothing but copies was drawn.
        """
        if self.detector is None:
            durable.write_json(out / CERTIFICATE, unchecked(self.why_none, self.settings))
            say(f"copies of training scans: not checked: {self.why_none}")
            return
        judged = {name: bool(self.found[name]["copy"]) for name in names if name in self.found}
        told = certificate(self.detector, judged, self._nearer(standing, grid), self.settings)
        durable.write_json(out / CERTIFICATE, told)
        words = _words(told, self.settings)
        if told["verdict"] == REFUSED or judged and all(judged.values()):
            raise fail("PRIV-010", out, words)
        if "share" not in told["nearer_to_training"]:
            say(f"the cohort as a whole: not held against held-out scans: {told['nearer_to_training']['not_computed']}")
        if told["verdict"] != PASSED or told["copies"]:
            say(f"{words}; gate: {told['verdict']}")

    def _nearer(self, standing: list[Path], grid: Grid) -> Json:
        if self.company is None:
            return not_computed("there are no held-out scans")
        return self.company.closeness((read_drawn(path, grid) for path in standing), grid, len(standing))


def read_drawn(path: Path, grid: Grid) -> np.ndarray:
    """A volume (X, Y, Z) that was drawn before.

    Raises:
        TlesynthError: the codes of reading; the remedy is another than for a scan.
    """
    try:
        return read_on(path, grid)
    except TlesynthError as error:
        subject = path.parents[1].name
        why = f"{error.why}; it was drawn, not copied: remove the folder {subject}, and the same command draws it anew"
        raise fail(error.code, path, why) from error


def _words(told: Json, settings: Privacy) -> str:
    words = f"{told['copies']} of {told['drawn']} drawn volumes are copies of training scans"
    words += " and were dropped" if told["copies"] else ""
    if not is_too_near(nearer := told["nearer_to_training"], settings):
        return words
    share = nearer["share"]
    return (
        f"{words}; {share['value']:.0%} ({share['low']:.0%} to {share['high']:.0%}) lie nearer to training than to "
        f"held-out scans, where chance is 50% and privacy.most_nearer {settings.most_nearer:.0%}"
    )


def guard_of(derivatives: Path | None, splits: Path | None, settings: Privacy, seed: int) -> Guard:
    """A guard over the scans of ``gen_train``, calibrated on those of ``val``; the whole cohort meets ``HELD_OUT`` too.

    Raises:
        TlesynthError: DATA codes for a cohort or splits that cannot be read.
    """
    if settings.gate == "off":
        return Guard(settings, why_none="privacy.gate is off in the recipe")
    if derivatives is None or splits is None:
        return Guard(settings)
    cohort = read_cohort(derivatives)
    members = read_splits(splits, cohort.ids)
    made = detector_of(cohort, members["gen_train"], members["val"], settings, seed)
    if not isinstance(made, Detector):
        return Guard(settings, why_none=made)
    held_out = [i for split in HELD_OUT for i in members[split]]
    return Guard(settings, made, company=company_of(cohort, members["gen_train"], held_out, seed))
