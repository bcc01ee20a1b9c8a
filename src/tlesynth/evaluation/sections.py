"""The sections of results.json, each from the cohorts of a run; one that cannot be computed says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable, weights
from tlesynth.classifier.model import load_config
from tlesynth.data.anatomy import SIDES
from tlesynth.data.cohort import Cohort
from tlesynth.evaluation import classification, morphometry
from tlesynth.evaluation.measure import Measured
from tlesynth.metrics.statistics import Json, Resampling, not_computed
from tlesynth.progress import track
from tlesynth.recipe import Evaluation
from tlesynth.seeds import generator

TRAINED, HELD_OUT, SYNTHETIC = ("gen_train",), ("val", "test", "audit_holdout"), ("synthetic",)
REFERENCE = "real scans that the generator did not train on (val, test, audit_holdout)"
NO_RECONSTRUCTION = not_computed("there are no reconstructions", "tlesynth encode")
NO_SYNTHETIC = not_computed("there is no synthetic cohort", "tlesynth sample")


@dataclass(frozen=True)
class Inputs:
    """The cohorts of a run; one that is not there is None. ``members`` are the real participants by split."""

    real: Cohort
    reconstructed: Cohort | None
    synthetic: Cohort | None
    members: dict[str, list[str]]

    def real_ids(self, group: str, splits: tuple[str, ...]) -> list[str]:
        """The real participants of one group in ``splits``."""
        chosen = {i for split in splits for i in self.members.get(split, [])}
        return [i for i in self.real.of_group(group) if i in chosen]


def volumes_of(cohort: Cohort, ids: list[str], label: str) -> Iterator[NDArray[np.float32]]:
    """The volumes (X, Y, Z) of ``ids``, one at a time: a cohort at 1.5 mm does not fit in memory."""
    return (cohort.volume(i) for i in track(ids, label, len(ids)))


def without_weights(trunk: str) -> Json | None:
    """Why a pretrained network cannot be asked, with the command that fetches it; None where its weights are here."""
    if trunk in weights.available():
        return None
    return not_computed(f"weights missing: {trunk}", weights.command(trunk))


@dataclass(frozen=True)
class Intervals:
    """How this evaluation makes intervals; each section draws from its own generator."""

    settings: Evaluation
    seed: int

    def of(self, *section: str) -> Resampling:
        """The resampling of one section."""
        rng = generator(self.seed, "evaluation", *section)
        return Resampling(self.settings.bootstrap, self.settings.confidence, rng)


def morphometrics(measured: Measured, truth: Path | None, how: Resampling) -> Json:
    """Hippocampi: the synthetic cohort beside the real scans outside gen_train, and the measure beside the truth."""
    table = measured.volumes_table()
    compared = table[table["split"].isin(HELD_OUT + SYNTHETIC)]
    known = _truth(truth)
    return {
        "measure": morphometry.MEASURE,
        "reference": REFERENCE,
        "unmeasured": int(len(measured.table) - len(table)),
        "groups": morphometry.group_figures(compared, how),
        "side_correlation": morphometry.side_correlation(compared, how),
        "effect_size": morphometry.effect_sizes(compared, how),
        "truth": known if isinstance(known, dict) else morphometry.against_truth(table, known, how),
    }


def classified(inputs: Inputs, measured: Measured, classifiers: Path, how: Resampling) -> tuple[Json, pd.DataFrame]:
    """The classifiers on test and on the synthetic cohort (paper, Tables 3 and 4), and every prediction."""
    arms = classification.trained_arms(classifiers)
    test = inputs.members.get("test", [])
    if not (arms and test):
        reason = "no classifier was trained" if not arms else "the test split is empty"
        return not_computed(reason, "tlesynth train classifier"), pd.DataFrame({"arm": []})
    if any(load_config(classifiers / arm / "model").settings.task != "tle" for arm in arms):
        told = "the classifiers tell left from right, not patients from controls"
        return not_computed(told, "tlesynth train classifier --set classifier.task=tle"), pd.DataFrame({"arm": []})
    predictions = classification.predict_cohort(classifiers, arms, inputs.real, test, "test")
    if inputs.synthetic is not None:
        made = classification.predict_cohort(classifiers, arms, inputs.synthetic, inputs.synthetic.ids, "synthetic")
        predictions = pd.concat([predictions, made], ignore_index=True)
    section = classification.classification(predictions, classifiers, arms, how)
    return section | {"volumetry": classification.volumetry(measured.volumes_table(), how)}, predictions


def _truth(path: Path | None) -> pd.DataFrame | Json:
    """True volumes (left, right, mm3 in MNI space) by participant, or why there are none."""
    if path is None:
        return not_computed("only a simulated cohort has a known truth")
    table = durable.read_table(path)
    columns = {f"hippocampus_{side}_mni_mm3": side for side in SIDES}
    if missing := [c for c in ("participant_id", *columns) if c not in table]:
        return not_computed(f"the truth table has no column {missing[0]}")
    table = table.set_index("participant_id")[list(columns)].rename(columns=columns)
    return table.apply(pd.to_numeric, errors="coerce").dropna()
