"""The whole cohort judged at once: which scans are unlike the others, unlike their site, or outside the limits.

Homogeneity is a scan's mean correlation with every other scan over low-resolution voxels of the brain (after CAT12's
check of sample homogeneity). The sum over all pairs is never formed: with each scan scaled to unit length, the mean
correlation of one is its product with the sum of all, so memory and time grow with the scans, not their pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth.data.preprocess.artefacts import MAD
from tlesynth.data.preprocess.measures import MEASURES, Measure
from tlesynth.recipe.quality import Limit, QualityLimits

COLUMNS = ("participant_id", "homogeneity", "tiv_z", "flags", "use", "why")
LEAST_FOR_Z = 5
"""Scans that a median and its spread need to say anything."""
NO_SITE = "n/a"
NOT_T1 = "REG-002"


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a scan: its flag, why in words, and whether it leaves the scan out."""

    flag: str
    why: str
    out: bool


def judge(table: pd.DataFrame, thumbs: Mapping[str, np.ndarray], limits: QualityLimits) -> pd.DataFrame:
    """Judge every scan of ``table`` (participant_id, site and the columns of ``Quality.row()``), in its sorted order.

    ``thumbs`` holds a small volume (X, Y, Z) of each scan, all of one shape (``cohort.thumbnail``). Returned are
    ``COLUMNS``: the mean correlation with the others, the robust z of the intracranial volume within the site, flags
    joined by ";", use ("yes" or "no") and the reasons in words. The result depends on no order.
    """
    table = table.sort_values("participant_id", kind="stable").reset_index(drop=True)
    names = table["participant_id"].astype(str)
    found = mean_correlations({name: thumbs[name] for name in names if name in thumbs})
    values = pd.DataFrame({c: pd.to_numeric(table[c], errors="coerce") for c in MEASURES if c in table}, dtype=float)
    values["homogeneity"] = [found.get(name, np.nan) for name in names]
    sites = table["site"].fillna(NO_SITE).astype(str) if "site" in table else pd.Series(NO_SITE, table.index)
    scores = {name: robust_z(values[name], sites, MEASURES[name], limits.least_per_site) for name in values}
    rows = []
    for place, name in enumerate(names):
        findings = [f for m in values for f in _findings(m, values[m][place], scores[m][place], limits)]
        rows.append(
            {
                "participant_id": name,
                "homogeneity": round(float(values["homogeneity"][place]), 4),
                "tiv_z": round(float(scores["mask_ml"][place]), 2) if "mask_ml" in scores else np.nan,
                "flags": ";".join(dict.fromkeys(f.flag for f in findings)),
                "use": "no" if any(f.out for f in findings) else "yes",
                "why": "; ".join(f.why for f in sorted(findings, key=lambda f: not f.out)),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def mean_correlations(thumbs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Each scan's mean Pearson correlation with all others over the voxels that are brain in at least half of them.

    NaN where there is one scan only; a scan without any contrast correlates 0.
    """
    names = sorted(thumbs)
    if len(names) < 2:
        return dict.fromkeys(names, float("nan"))
    brain = np.zeros(thumbs[names[0]].shape, np.int64)
    for name in names:
        brain += thumbs[name] > 0
    inside = 2 * brain >= len(names)
    rows = np.stack([thumbs[name][inside] for name in names]).astype(np.float32)
    rows -= rows.mean(1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    total = rows.sum(0, dtype=np.float64)
    own = np.einsum("ij,ij->i", rows, rows)
    means = (rows @ total - own) / (len(names) - 1)
    return {name: float(mean) for name, mean in zip(names, means, strict=True)}


def robust_z(values: pd.Series, sites: pd.Series, measure: Measure, least_per_site: int) -> pd.Series:
    """Distance of each value (N,) from its site's median in scaled median absolute deviations.

    A site with fewer than ``least_per_site`` values is held against the whole cohort; a cohort of fewer than five
    scans says nothing (NaN).
    """
    scores = pd.Series(np.nan, values.index, dtype=float)
    known = values.notna()
    if known.sum() < LEAST_FOR_Z:
        return scores
    whole = _middle(values[known], measure)
    for _, members in values[known].groupby(sites[known]):
        centre, spread = _middle(members, measure) if len(members) >= least_per_site else whole
        scores[members.index] = (members - centre) / spread
    return scores


def _middle(values: pd.Series, measure: Measure) -> tuple[float, float]:
    """The median, and the spread in the unit of ``values``."""
    centre = float(values.median())
    return centre, max(float(MAD * (values - centre).abs().median()), measure.least_spread)


def _findings(name: str, value: float, score: float, limits: QualityLimits) -> list[Finding]:
    """What one measure says of one scan: beyond its limit, or else unusual for its site."""
    if not np.isfinite(value):
        return []
    found = _beyond_limit(name, value, limits) or _unusual(name, value, score, limits)
    return [found] if found else []


def _beyond_limit(name: str, value: float, limits: QualityLimits) -> Finding | None:
    limit = limits.limits().get(name)
    if limit is None or limit.action == "ignore":
        return None
    for side, inner, outer in (("low", limit.low, limit.clear_low), ("high", limit.high, limit.clear_high)):
        clear = _past(value, outer, side)
        if clear or _past(value, inner, side):
            bound = outer if clear else inner
            return _finding(name, value, side, float(bound or 0), limit, clear=clear)
    return None


def _finding(name: str, value: float, side: str, bound: float, limit: Limit, *, clear: bool) -> Finding:
    measure = MEASURES[name]
    why = f"{measure.words} {shown(measure, value)} {'below' if side == 'low' else 'above'} {shown(measure, bound)}"
    if name == "contrast" and side == "low":
        why = f"grey matter is as bright as white matter or brighter: this may be no T1 ({NOT_T1})"
        return Finding(NOT_T1, why, clear or limit.action == "exclude")
    if clear:
        why += ", a clear failure"
    return Finding(f"{name}-{side}", why, clear or limit.action == "exclude")


def _past(value: float, bound: float | None, side: str) -> bool:
    return bound is not None and (value < bound if side == "low" else value > bound)


def _unusual(name: str, value: float, score: float, limits: QualityLimits) -> Finding | None:
    measure = MEASURES[name]
    if not np.isfinite(score) or not limits.robust_z or abs(score) <= limits.robust_z:
        return None
    side = "low" if score < 0 else "high"
    if measure.bad not in (side, "both"):
        return None
    why = f"{measure.words} {shown(measure, value)} is unusually {side} for the site (robust z {score:+.1f})"
    return Finding(f"{name}-unusual", why, limits.robust_z_action == "exclude")


def shown(measure: Measure, value: float) -> str:
    """A value of ``measure`` with its unit."""
    return f"{value:.{measure.places}f}{'' if measure.unit in ('', '%') else ' '}{measure.unit}"
