"""What each reader did, whatever the question: time on task, display, confidence, agreement with themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlesynth.metrics.statistics import FEWEST, Flags, Json, Resampling, proportion, rounded, too_few
from tlesynth.reader_study import raters
from tlesynth.reader_study.study import CONFIDENCES


def conduct(cases: pd.DataFrame) -> Json:
    """How a reader read the ``cases``: seconds, displays, confidences, marks, scans known from elsewhere, as JSON."""
    return {
        "answered": len(cases),
        "seconds": seconds(cases["seconds"]),
        "display": {str(k): int(v) for k, v in cases["display"].value_counts().sort_index().items()},
        "confidence": {str(o): histogram(rows["confidence"]) for o, rows in cases.groupby("origin")},
        "suspicions": int(cases["suspicions"].sum()),
        "recognised": int(cases["recognised"].sum()),
    }


def seconds(values: pd.Series) -> Json:
    """Median and quartiles of the time on task, as JSON."""
    if len(values) < FEWEST:
        return too_few(len(values))
    low, median, high = np.quantile(values.to_numpy(float), [0.25, 0.5, 0.75])
    return {"median": rounded(float(median)), "quartile_1": rounded(float(low)), "quartile_3": rounded(float(high))}


def histogram(confidences: pd.Series) -> list[int]:
    """How often each confidence 1 to 6 was given."""
    return [int((confidences == c).sum()) for c in CONFIDENCES]


def points(scores: np.ndarray, positive: Flags) -> Json:
    """The empirical ROC curve: false and true positive rates as the threshold falls through the six confidences."""
    steps = [CONFIDENCES[-1] + 1, *reversed(CONFIDENCES)]
    rates = {"false": scores[~positive], "true": scores[positive]}
    return {
        name: [rounded(float((part >= s).mean())) if len(part) else 0.0 for s in steps] for name, part in rates.items()
    }


def with_oneself(table: pd.DataFrame, kinds: tuple[str, ...], how: Resampling) -> Json:
    """Whether a reader said the same of a case shown again, as JSON: the share, and the agreement beyond chance.

    Of pairs the scan that was named counts, not its place, since the second showing is the other way round.
    """
    first = table[table["kind"] == "case"].set_index("trial")
    again = table[(table["kind"] == "repeat") & table["first"].isin(first.index)]
    answers = [[_named(first.loc[row["first"]]), _named(row)] for _, row in again.iterrows()]
    if len(answers) < FEWEST:
        return too_few(len(answers))
    same = sum(a == b for a, b in answers)
    kinds = kinds if table["origin"].iloc[0] != "pair" else ("right", "wrong")
    return {
        "same": proportion(same, len(answers), how.confidence),
        **raters.agreement(raters.counts_of(answers, kinds), how),
    }


def with_each_other(cases: pd.DataFrame, kinds: tuple[str, ...], how: Resampling) -> Json:
    """The agreement of the readers on the cases, as JSON; of pairs, whether the synthetic one was named."""
    pairs = cases["origin"].iloc[0] == "pair"
    answers = [[_named(row) for _, row in rows.iterrows()] for _, rows in cases.groupby("case")]
    return raters.agreement(raters.counts_of(answers, ("right", "wrong") if pairs else kinds), how)


def _named(row: pd.Series) -> str:
    if row["origin"] != "pair":
        return str(row["called"])
    return "right" if row["right"] else "wrong"
