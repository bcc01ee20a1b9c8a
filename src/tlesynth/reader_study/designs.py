"""What each design measures: real or synthetic, which of two, or which diagnosis; each from the unblinded cases.

The unit is the scan (or pair): what several readers say of one scan is averaged before scans are counted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from tlesynth.metrics.statistics import (
    FEWEST,
    Floats,
    Json,
    Resampling,
    auc_interval,
    bootstrap,
    mean_interval,
    proportion,
    rounded,
    too_few,
)
from tlesynth.reader_study import by_reader, multireader
from tlesynth.reader_study.detection import Counts, detection, difference, papers_statistic
from tlesynth.reader_study.power import MARGIN
from tlesynth.reader_study.study import ANATOMY, Design
from tlesynth.reader_study.unblinding import CALLS

ORIGINS = ("real", "synthetic")


def yes_no(cases: pd.DataFrame, how: Resampling) -> Json:
    """Synthetic or real: each reader's detection and ROC curve, the readers together, by class, as JSON."""
    readers = {}
    for reader, rows in cases.groupby("reader"):
        positive, scores = (rows["origin"] == "synthetic").to_numpy(), rows["confidence"].to_numpy(float)
        said = (rows["called"] == "synthetic").to_numpy()
        counts = Counts(
            *(int(v) for v in (said[positive].sum(), positive.sum(), said[~positive].sum(), (~positive).sum()))
        )
        found = {"auc": auc_interval(scores, positive, how.confidence), "roc": by_reader.points(scores, positive)}
        readers[str(reader)] = detection(counts, how.confidence) | found
    shared = _crossed(cases, "confidence")
    positive = np.array([origin == "synthetic" for _, origin in shared.index])
    if (fewest := min(int(positive.sum()), int((~positive).sum()))) < FEWEST:
        together = too_few(fewest)
    else:
        readings = multireader.of_ratings(shared.to_numpy(float).T, positive, how.confidence)
        together = multireader.random_readers(readings, how.confidence)
    called = cases.assign(called_synthetic=cases["called"] == "synthetic")
    return {
        "readers": readers,
        "all": {
            "auc": together,
            "verdict": multireader.verdict(together, MARGIN),
            "hit_rate": _mean(called[called["origin"] == "synthetic"], "called_synthetic", how),
            "false_alarm_rate": _mean(called[called["origin"] == "real"], "called_synthetic", how),
        },
        "classes": {
            str(stratum): {
                "hit_rate": _mean(rows[rows["origin"] == "synthetic"], "called_synthetic", how),
                "false_alarm_rate": _mean(rows[rows["origin"] == "real"], "called_synthetic", how),
            }
            for stratum, rows in called.groupby("stratum")
        },
        "papers_statistic": papers_statistic(how.confidence),
    }


def forced_choice(cases: pd.DataFrame, how: Resampling) -> Json:
    """Which of two is synthetic: the share of right choices of each reader, together, by class, as JSON."""
    readers = {}
    for reader, rows in cases.groupby("reader"):
        right, n = int(rows["right"].sum()), len(rows)
        readers[str(reader)] = {
            "right": right,
            "pairs": n,
            "share": proportion(right, n, how.confidence),
            "p_against_half": rounded(float(stats.binomtest(right, n).pvalue)),
            "second_named": proportion(int((rows["called"] == "second").sum()), n, how.confidence),
        }
    shared = _crossed(cases, "right")
    if len(shared) < FEWEST:
        together = too_few(len(shared))
    else:
        readings = multireader.of_shares(shared.to_numpy(float).T, how.confidence)
        together = multireader.random_readers(readings, how.confidence)
    return {
        "readers": readers,
        "all": {"share": together, "verdict": multireader.verdict(together, MARGIN)},
        "classes": {str(s): {"share": _mean(rows, "right", how)} for s, rows in cases.groupby("stratum")},
        "papers_statistic": papers_statistic(how.confidence),
    }


def diagnosis(cases: pd.DataFrame, how: Resampling) -> Json:
    """Whether readers diagnose synthetic scans as well as real ones: accuracies and their difference, as JSON."""
    readers = {}
    for reader, rows in cases.groupby("reader"):
        counts = {o: _right_of(rows[rows["origin"] == o]) for o in ORIGINS}
        readers[str(reader)] = {o: proportion(*counts[o], how.confidence) for o in ORIGINS}
        if all(n >= FEWEST for _, n in counts.values()):
            both = difference(counts["synthetic"], counts["real"], how.confidence)
            readers[str(reader)]["difference"] = both.as_json()
    between = _difference(cases, how)
    return {
        "readers": readers,
        "all": {
            **{o: _mean(cases[cases["origin"] == o], "right", how) for o in ORIGINS},
            "difference": between,
            "verdict": _equivalence(between),
        },
        "classes": {
            str(s): {o: _mean(rows[rows["origin"] == o], "right", how) for o in ORIGINS}
            for s, rows in cases.groupby("stratum")
        },
        "confusion": {o: _confusion(cases[cases["origin"] == o]) for o in ORIGINS},
    }


MEASURES: dict[Design, Callable[[pd.DataFrame, Resampling], Json]] = {
    "yes-no": yes_no,
    "2afc": forced_choice,
    "diagnosis": diagnosis,
}


def anatomy(cases: pd.DataFrame, how: Resampling) -> Json:
    """The anatomy score 1 to 5, averaged over readers for each scan: of real and synthetic scans, their difference, of
    each class, and how often each score was given, as JSON."""
    parts = {o: cases[cases["origin"] == o] for o in ORIGINS}
    return {
        **{o: _mean(rows, "anatomy", how) for o, rows in parts.items()},
        "difference": _difference(cases, how, "anatomy"),
        "classes": {
            str(s): {o: _mean(rows[rows["origin"] == o], "anatomy", how) for o in ORIGINS}
            for s, rows in cases.groupby("stratum")
        },
        "counts": {
            o: [int((rows["anatomy"] == k + 1).sum()) for k in range(len(ANATOMY))] for o, rows in parts.items()
        },
    }


def _crossed(cases: pd.DataFrame, column: str) -> pd.DataFrame:
    """``column`` of the cases that every reader has answered: a row a case, a column a reader."""
    return cases.pivot_table(index=["case", "origin"], columns="reader", values=column, aggfunc="first").dropna()


def _by_case(rows: pd.DataFrame, column: str) -> Floats:
    return rows.groupby("case")[column].mean().to_numpy(float)


def _mean(rows: pd.DataFrame, column: str, how: Resampling) -> Json:
    """Mean over scans of what the readers said on average, with its bootstrap interval over scans, as JSON."""
    return mean_interval(_by_case(rows, column), how)


def _right_of(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows["right"].sum()), len(rows)


def _difference(cases: pd.DataFrame, how: Resampling, column: str = "right") -> Json:
    """Mean of ``column`` on synthetic minus that on real scans, resampling scans of both, as JSON."""
    made, real = (_by_case(cases[cases["origin"] == o], column) for o in ("synthetic", "real"))
    both = np.concatenate([made, real])
    if min(len(made), len(real)) < FEWEST:
        return too_few(min(len(made), len(real)))
    return bootstrap(
        lambda rows: both[rows[:, : len(made)]].mean(axis=1) - both[rows[:, len(made) :]].mean(axis=1),
        (len(made), len(real)),
        how,
    )


def _equivalence(found: Json) -> str:
    """``equivalent`` if the whole interval is within the margin of 0, else ``different`` if it leaves 0 out."""
    if "value" not in found:
        return "undecided"
    if found["low"] > -MARGIN and found["high"] < MARGIN:
        return "equivalent"
    return "undecided" if found["low"] <= 0 <= found["high"] else "different"


def _confusion(rows: pd.DataFrame) -> Json:
    """How often each truth was called what, by all readers: {truth: {called: n}}."""
    kinds = CALLS["diagnosis"]
    return {t: {c: int(((rows["truth"] == t) & (rows["called"] == c)).sum()) for c in kinds} for t in kinds}
