"""Row 0 is the data as they are; a class that is not drawn gives nothing; parts are parts of the same draws."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tlesynth.augment_study.resampling import FIGURES, draw, figures
from tlesynth.augment_study.verdicts import subjects_of, verdicts_of
from tlesynth.metrics.statistics import Resampling

Table = Callable[..., pd.DataFrame]


def test_the_first_row_is_the_mean_over_trainings(table: Table) -> None:
    made = table({"real": 1.5})
    people = pd.DataFrame(index=pd.Index(sorted(set(made["participant_id"]))))
    subjects = subjects_of(made, people)
    draws = draw(
        subjects, zip(made["split"], made["seed"], strict=True), Resampling(20, 0.95, np.random.default_rng(0))
    )
    found = figures(verdicts_of(made, subjects), subjects, draws)
    aucs = [roc_auc_score(part["truth"], part["probability"]) for _, part in made.groupby(["split", "seed"])]
    assert tuple(found) == FIGURES
    assert found["auc_roc"][0] == pytest.approx(np.mean(aucs))
    right = (made["truth"] == made["called"]).groupby([made["split"], made["seed"]]).mean()
    assert found["accuracy"][0] == pytest.approx(right.mean())
    assert (draws.subjects.sum(axis=1) == len(subjects)).all()
    alone = figures(verdicts_of(made, subjects), subjects, draws.among(subjects.positive), ("auc_roc",))
    assert np.isnan(alone["auc_roc"]).all()
