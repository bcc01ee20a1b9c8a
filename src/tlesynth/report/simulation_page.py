"""The page on a simulated or planted cohort: what was put in, whether it looks like the disease, what gives it away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy import stats

from tlesynth import __version__, durable
from tlesynth.classifier.volumetry import hippocampus_auc, trivial_auc
from tlesynth.data import enigma
from tlesynth.report import simulation_figures as figures
from tlesynth.report.page import TEMPLATES, templates

TRUTH = Path("derivatives") / "truth"
TEXT = ("participant_id", "group", "side", "hs", "sex", "site", "failed", "preset", "scenario", "label_map")
LEAST_FOR_AUC = 20
"""Subjects of each group below which no AUC is printed."""
LIMITS = (
    "The anatomy is one average template, deformed: there is no real folding of the cortex.",
    "Only T1-weighted scans are simulated: no T2, no FLAIR, so no T2 signal of sclerosis.",
    "The effect is known because it was put in. What is found here shows that the pipeline works; it is no evidence "
    "about patients.",
    "Hippocampus, amygdala and thalamus have exact volumes; the temporal horn follows them and its own push. Putamen, "
    "pallidum, caudate and the body of the ventricle are left as in controls.",
    "The largest published effects are modelled (ENIGMA-Epilepsy); lesions, tumours and surgery are not.",
)
PLANTED_LIMITS = (
    "The heads are real and healthy; the disease in half of them is not. Nobody here is known to have epilepsy.",
    "Planting follows the template's hippocampus laid over each head by an affine registration; the verification says "
    "how much of the planted change the head's own hippocampus received.",
    "What is found here shows that the pipeline works; it is no evidence about patients.",
)


def build(cohort: Path, out: Path, *, derivatives: Path | None = None) -> Path:
    """Write the page on the simulated or planted cohort ``cohort`` to ``out`` (one HTML file) and return ``out``.

    Mean images come from ``derivatives`` (its preprocessed T1s) where given, else from the raw scans by their true
    pose.

    Raises:
        TlesynthError: DATA-011 if the cohort's truth is missing, RES-001 if ``out`` cannot be written.
    """
    cohort = Path(cohort)
    truth = read_truth(cohort)
    used = truth[truth["failed"] == "no"]
    means, levels = figures.mean_heads(cohort, used, derivatives)
    planted = bool((truth["scenario"] == "planted").all())
    path = cohort / TRUTH / "verification.json"
    context = {
        "version": __version__,
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "planted": planted,
        "facts": _facts(truth),
        "counts": _counts(truth),
        "means": figures.mean_pictures(means),
        "differences": figures.difference_pictures(means),
        "from_raw": derivatives is None,
        "volumes": [] if planted else figures.volume_pictures(used),
        "effects": [] if planted else effects(used),
        "asymmetry": None if planted else figures.asymmetry_picture(used),
        "sites": figures.site_picture(truth) if truth["site"].notna().any() else None,
        "balance": balance(truth),
        "predictors": predictors(used, levels, planted=planted),
        "verification": durable.read_json(path) if path.is_file() else None,
        "limits": PLANTED_LIMITS if planted else LIMITS,
    }
    durable.write_text(out, templates().get_template("simulation.html.j2").render(**context))
    return Path(out)


def read_truth(cohort: Path) -> pd.DataFrame:
    """The truth table, indexed by participant, numbers as numbers; ``shown`` is hc, tle-left or tle-right."""
    table = durable.read_table(Path(cohort) / TRUTH / "truth.tsv")
    for column in table.columns.difference(list(TEXT)):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    known = {"failed": "no", "scenario": "balanced", "preset": "default"}
    table = table.assign(**{c: v for c, v in known.items() if c not in table})
    table["shown"] = np.where(table["group"] == "hc", "hc", "tle-" + table["side"].fillna("right"))
    return table.set_index("participant_id")


def effects(truth: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the effect-size table; ``within`` says whether the two agree within their joint standard error."""
    found = enigma.effect_sizes(truth, enigma.measured(truth, seed=0))
    found["within"] = (found["d"] - found["enigma_d"]).abs() <= np.hypot(found["se"], found["enigma_se"])
    return [{str(k): v for k, v in row.items()} for row in found.to_dict("records")]


def balance(truth: pd.DataFrame) -> list[dict[str, Any]]:
    """How far age, sex and site differ between the groups: a description of each and its p value (None: unknown)."""
    hc, tle = (truth[truth["group"] == g] for g in ("hc", "tle"))
    rows = []
    ages = [part["age"].dropna() for part in (hc, tle)]
    if min(len(a) for a in ages) > 1:
        words = [f"{a.mean():.1f} ± {a.std():.1f} years" for a in ages]
        rows.append({"name": "age", "hc": words[0], "tle": words[1], "p": float(stats.ttest_ind(*ages).pvalue)})
    shares = [f"{100 * (part['sex'] == 'F').mean():.0f} % women" for part in (hc, tle)]
    rows.append({"name": "sex", "hc": shares[0], "tle": shares[1], "p": _independence(truth, "sex")})
    sites = [f"{n} site{'s' if n != 1 else ''}" for n in (hc["site"].nunique(), tle["site"].nunique())]
    rows.append({"name": "site", "hc": sites[0], "tle": sites[1], "p": _independence(truth, "site")})
    return rows


def predictors(truth: pd.DataFrame, levels: pd.Series, *, planted: bool) -> list[dict[str, Any]]:
    """AUC of what should tell nothing, and of hippocampal volumes, which should; empty with too few subjects."""
    positive = (truth["group"] == "tle").to_numpy()
    if min(positive.sum(), (~positive).sum()) < LEAST_FOR_AUC:
        return []
    nuisances = {
        "mean intensity of the image": levels.reindex(truth.index),
        "head size": truth["icv_ml"],
        "age": truth["age"],
        "sex": truth["sex"],
        "site": truth["site"],
    }
    rows = [
        {"name": name, "auc": trivial_auc(values, positive), "expected": "0.5"} for name, values in nuisances.items()
    ]
    if not planted:
        found = hippocampus_auc(enigma.measured(truth, seed=0), positive)
        expected = "0.74 to 0.80 for about 1,200 subjects, preset default, severity_scale 1"
        rows.append({"name": "hippocampal volumes, measured with 3.5 % noise", "auc": found, "expected": expected})
    return rows


def _independence(truth: pd.DataFrame, column: str) -> float | None:
    counts = pd.crosstab(truth[column].dropna(), truth["group"])
    return float(stats.chi2_contingency(counts).pvalue) if min(counts.shape) > 1 else None


def _facts(truth: pd.DataFrame) -> dict[str, str]:
    first = truth.iloc[0]
    scale = first.get("severity_scale", float("nan"))
    return {
        "preset": str(first["preset"]),
        "scenario": str(first["scenario"]),
        "severity scale": "n/a" if pd.isna(scale) else f"{scale:g}",
        "seed": f"{first['seed']:.0f}" if "seed" in truth else "n/a",
    }


def _counts(truth: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for group, words in figures.GROUPS.items():
        part = truth[truth["shown"] == group]
        sclerosis = int((part["hs"] == "yes").sum())
        failed = int((part["failed"] != "no").sum())
        rows.append({"words": words, "n": len(part), "sclerosis": sclerosis, "failed": failed})
    return rows
