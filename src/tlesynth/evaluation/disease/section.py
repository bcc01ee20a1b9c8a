"""The section ``disease`` of results.json, put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth.data.cohort import Cohort
from tlesynth.evaluation.disease.adjusted import adjusted_effects
from tlesynth.evaluation.disease.conditioning import conditioning
from tlesynth.evaluation.disease.distributions import asymmetry_tails, distributions, side_correlations
from tlesynth.evaluation.disease.effect_sizes import effect_sizes
from tlesynth.evaluation.disease.maps import Maps, compare_maps
from tlesynth.evaluation.disease.strata import with_asymmetries
from tlesynth.evaluation.disease.truth import against_truth
from tlesynth.evaluation.sections import REFERENCE
from tlesynth.metrics.statistics import Json, Resampling, not_computed

MEASURE = (
    "volumes in mm3 of MNI space by registration to the template; total = left + right; "
    "asymmetry = 200 (R - L) / (R + L) in percent"
)


def disease(
    measured: pd.DataFrame,
    cohorts: Mapping[str, Cohort],
    splits: tuple[str, ...],
    truth: Path | None,
    margin: float,
    how: Resampling,
) -> tuple[Json, Maps]:
    """The section, and the t-maps by name.

    ``measured`` has a row per scan with its volumes, real (of which those in ``splits`` are compared) and synthetic;
    ``truth`` is a simulation's truth.tsv.
    """
    known = with_asymmetries(measured[measured["left"].notna()])
    result: Json = {"measure": MEASURE, "reference": REFERENCE, "unmeasured": len(measured) - len(known)}
    result["truth"] = against_truth(known, truth, how)
    table = known[known["split"].isin([*splits, "synthetic"])]
    made = cohorts.get("synthetic")
    if made is None:
        nothing = not_computed("there is no synthetic cohort", "tlesynth sample")
        parts = ("effects", "adjusted", "asymmetry_tails", "distributions", "side_correlation", "conditioning", "maps")
        return result | dict.fromkeys(parts, nothing), {}
    maps, drawn = compare_maps(table, cohorts, np.random.default_rng(how.generator.integers(2**63)))
    return result | {
        "effects": effect_sizes(table, margin, how),
        "adjusted": adjusted_effects(table, known[(known["cohort"] == "real") & (known["group"] == "hc")], margin, how),
        "asymmetry_tails": asymmetry_tails(table, how),
        "distributions": distributions(table, how),
        "side_correlation": side_correlations(table, how),
        "conditioning": conditioning(table, made.participants, how, cohorts["real"].participants),
        "maps": maps,
    }, drawn
