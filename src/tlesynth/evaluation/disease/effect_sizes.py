"""How far patients lie from controls, in the real and in the synthetic cohort, and whether that is the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlesynth.data.anatomy import SIDES
from tlesynth.evaluation.disease.strata import COHORTS, ONE_SIDED, PATIENTS, measures, refusal, values
from tlesynth.metrics.agreement import correlations
from tlesynth.metrics.effects import Drawn, deming, effects, equivalence
from tlesynth.metrics.statistics import Json, Resampling, drawn_interval, not_computed

DEFINITION = "Hedges' g of patients against controls; difference: synthetic minus real"
CONSTANT = "the effects do not vary over structures"


def effect_sizes(table: pd.DataFrame, margin: float, how: Resampling) -> Json:
    """Per stratum of patients and measure: both effects, their difference and the verdict; over all volumes their
    agreement.

    ``table`` has a row per scan and the columns of ``strata.with_asymmetries``.
    """
    result: Json = {"definition": DEFINITION, "margin": margin}
    drawn: dict[str, dict[str, Drawn]] = {}
    for stratum in PATIENTS:
        result[stratum] = refusal(table, "hc", stratum)
        if result[stratum] is None:
            drawn[stratum] = _drawn(table, stratum, how)
            real, made = (drawn[stratum][cohort] for cohort in COHORTS)
            columns = enumerate(measures(stratum))
            result[stratum] = {name: equivalence(real, made, m, margin, how) for m, name in columns}
    return result | {"agreement": _agreement(drawn, how)}


def _drawn(table: pd.DataFrame, stratum: str, how: Resampling) -> dict[str, Drawn]:
    columns = measures(stratum)
    return {c: effects(values(table, c, stratum, columns), values(table, c, "hc", columns), how) for c in COHORTS}


def _agreement(drawn: dict[str, dict[str, Drawn]], how: Resampling) -> Json:
    """Slope and correlation of the synthetic effects on the real ones over the volumes of one-sided patients."""
    sided = [drawn[stratum] for stratum in ONE_SIDED if stratum in drawn]
    if not sided:
        return not_computed("no stratum of one-sided patients could be compared")
    volumes = [m for m, name in enumerate(measures(ONE_SIDED[0])) if name.endswith(SIDES)]
    real, made = (
        np.concatenate([np.vstack([d[cohort].value[None], d[cohort].draws])[:, volumes] for d in sided], axis=1)
        for cohort in COHORTS
    )  # (1 + B, effects), the cohort itself first
    n = sum(d[cohort].n for d in sided for cohort in COHORTS)
    return {
        "effects": real.shape[1],
        "deming_slope": drawn_interval(deming(real, made), n, how, CONSTANT),
        "correlation": drawn_interval(correlations(real, made), n, how, CONSTANT),
    }
