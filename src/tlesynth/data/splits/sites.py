"""Does the site tell the groups apart? Then a classifier may learn the scanner instead of the disease.

The audit asks three things: how well the site alone predicts the group (cross-validated AUC; above 0.6 is a warning),
whether group and site are independent (chi-square), and how well simple image features predict the site.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlesynth.data.splits.assignment import assign
from tlesynth.errors import fail
from tlesynth.recipe import Split
from tlesynth.seeds import generator, seed_of

UNKNOWN = "not known"
MOST_AUC = 0.6
FOLDS = 5
MEASURES = ("snr", "cnr", "cjv", "noise_snr", "fwhm_mm", "bias_cv", "contrast")
"""Columns of qc.tsv that say more of the scanner than of the brain."""
PERCENTILES = (10, 50, 90)


def audit(participants: pd.DataFrame, features: pd.DataFrame, *, seed: int) -> dict[str, Any]:
    """What site and group have to do with each other: JSON-like, with ``warning`` where it is too much.

    Args:
        participants: index participant_id, columns group and site.
        features: numbers that describe each image, on the same index.
        seed: decides the folds.
    """
    # No site is one too: controls of unknown origin beside patients of one hospital are the commonest confounding.
    known = participants.assign(site=participants["site"].fillna(UNKNOWN))
    counts = pd.crosstab(known["site"], known["group"])
    found: dict[str, Any] = {
        "participants": len(participants),
        "without_site": int(participants["site"].isna().sum()),
        "sites": {str(site): {str(g): int(n) for g, n in row.items()} for site, row in counts.iterrows()},
        "label_from_site": None,
        "site_from_image": None,
        "limit_auc": MOST_AUC,
        "warning": None,
    }
    if len(counts) < 2 or counts.shape[1] < 2:
        return found
    found["label_from_site"] = label = label_from_site(known, seed=seed)
    found["site_from_image"] = site_from_image(features.loc[known.index], known["site"], seed=seed)
    if label["auc"] > MOST_AUC:
        found["warning"] = (
            f"the site alone predicts the group with an AUC of {label['auc']:.2f} (chi-square p = {label['p']:.2g})"
        )
    return found


def label_from_site(known: pd.DataFrame, *, seed: int) -> dict[str, float]:
    """Cross-validated AUC of the group given the site alone, and the chi-square test of their independence."""
    patient = (known["group"] == "tle").to_numpy()
    site = known["site"].astype(str).to_numpy()
    fold = _folds(known, seed)
    score = np.empty(len(known))
    for number in range(FOLDS):
        test = fold == number
        base = patient[~test].mean() if (~test).any() else 0.5
        for name in set(site[test]):
            there = patient[~test & (site == name)]
            # One pseudo-subject at the base rate: a site never seen in training says nothing.
            score[test & (site == name)] = (there.sum() + base) / (len(there) + 1)
    above = stats.mannwhitneyu(score[patient], score[~patient]).statistic
    square = stats.chi2_contingency(pd.crosstab(known["site"], known["group"]), correction=False)
    return {
        "auc": round(float(above / (patient.sum() * (~patient).sum())), 4),
        "chi_square": round(float(square.statistic), 3),
        "degrees_of_freedom": int(square.dof),
        "p": float(f"{square.pvalue:.3g}"),
        "cramers_v": round(float(np.sqrt(square.statistic / len(known))), 4),
    }


def site_from_image(features: pd.DataFrame, sites: pd.Series, *, seed: int) -> dict[str, Any] | None:
    """Cross-validated balanced accuracy of the site given image features; nothing where fewer than two sites have 5."""
    sizes = sites.value_counts()
    large = sites.isin(sizes.index[sizes >= FOLDS])
    used = features[large].dropna(axis=1)
    used = used.loc[:, used.nunique() > 1]
    if sites[large].nunique() < 2 or used.empty:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed_of(seed, "site audit") % 2**32)
    truth = sites[large].astype(str).to_numpy()
    guessed = cross_val_predict(model, used.to_numpy(float), truth, cv=folds)
    return {
        "balanced_accuracy": round(float(balanced_accuracy_score(truth, guessed)), 4),
        "chance": round(1 / sites[large].nunique(), 4),
        "sites": int(sites[large].nunique()),
        "features": list(map(str, used.columns)),
    }


def image_features(brains: np.ndarray, quality: pd.DataFrame | None, ids: list[str]) -> pd.DataFrame:
    """Simple numbers of each image: intensities of its thumbnail (N, 28, 34, 28) and, where known, its quality row."""
    rows = []
    for brain in brains:
        inside = brain[brain > 0]
        inside = inside if inside.size else np.zeros(1)
        rows.append([*np.percentile(inside, PERCENTILES), inside.std()])
    table = pd.DataFrame(rows, index=ids, columns=[*(f"intensity_p{p}" for p in PERCENTILES), "intensity_sd"])
    if quality is not None:
        there = [column for column in MEASURES if column in quality]
        table = table.join(quality[there].apply(pd.to_numeric, errors="coerce"))
    return table


def hold_out(
    participants: pd.DataFrame, settings: Split, site: str, *, seed: int, units: pd.Series | None = None
) -> pd.Series:
    """The split of each participant with ``site`` as the test set; whoever shares a unit with it is tested too.

    Raises:
        TlesynthError: DATA-010 if no participant is of that site.
    """
    there = participants["site"].astype(object) == site
    if not there.any():
        known = ", ".join(sorted(map(str, participants["site"].dropna().unique())))
        raise fail("DATA-010", "split.leave_one_site_out", f"no participant is of the site {site!r}, only of {known}")
    units = pd.Series(participants.index, index=participants.index) if units is None else units
    tested = units.isin(set(units[there[there].index]))
    rest = participants[~tested[participants.index]]
    split = pd.Series("test", index=participants.index, dtype=object)
    split[rest.index] = assign(rest, settings, seed=seed, units=units[rest.index], without="test")
    return split


def leave_one_site_out(participants: pd.DataFrame, settings: Split, seed: int) -> dict[str, pd.Series]:
    """For each site the split of every participant in which that site is the test set."""
    sites = sorted(map(str, participants["site"].dropna().unique()))
    return {site: hold_out(participants, settings, site, seed=seed) for site in sites}


def _folds(known: pd.DataFrame, seed: int) -> np.ndarray:
    """A fold for each row, dealt within site and group, so that a fold's own group does not betray it."""
    chance = generator(seed, "site audit").permutation(len(known))
    order = np.lexsort((chance, known["group"].astype(str), known["site"].astype(str)))
    fold = np.empty(len(known), dtype=int)
    fold[order] = np.arange(len(known)) % FOLDS
    return fold
