"""Answers without a database: a frame as ``read_answers`` gives it, filled by a rule."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tlesynth.reader_study.create import Made
from tlesynth.reader_study.study import Trial, read_trials

Said = tuple[str, int]
"""Choice and confidence."""


def answers_by(made: Made, says: Callable[[str, Trial], Said | None]) -> pd.DataFrame:
    """Every trial answered as ``says(reader, trial)``; nothing is left out."""
    rows = []
    for reader, asked in read_trials(made.folder).items():
        for place, trial in enumerate(asked):
            if (said := says(reader, trial)) is not None:
                rows.append((reader, trial.trial, *said, 10.0 + place, "webgl", [], ""))
    columns = ["reader", "trial", "choice", "confidence", "seconds", "display", "regions", "comment"]
    return pd.DataFrame(rows, columns=columns)
