"""A model is fitted to measured volumes; its strength is chosen on validation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.classifier.fitting import Fitting
from tlesynth.classifier.scan_set import ScanSet, examples_of
from tlesynth.classifier.table_fit import fit_table
from tlesynth.classifier.validating import validation_figures
from tlesynth.data.structures import NAMES
from tlesynth.data.volume_cache import VolumeCache
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Classifier, Figures

from .conftest import cache_in_memory


def measured(folder: Path, seed: int, lost: int = 0) -> VolumeCache:
    """A cache whose structures were measured before: a patient's hippocampus has lost two fifths, on its side."""
    cache = cache_in_memory(f"s{seed}", 12, 8, 8, seed)
    cache = replace(cache, folder=folder / f"s{seed}")
    rng, people = np.random.default_rng(seed), cache.cohort.participants
    sizes = pd.DataFrame(rng.normal(3000, 150, (len(people), len(NAMES))), columns=list(NAMES))
    for row, side in enumerate(people["side"]):
        if side is not None:
            sizes.loc[row, f"hippocampus_{side}"] *= 0.6
    sizes.iloc[:lost] = np.nan
    table = sizes.assign(participant_id=cache.cohort.ids)
    durable.write_table(folder / f"s{seed}-structures.tsv", table)
    return cache


def sets(folder: Path, task: str, lost: int = 0) -> tuple[ScanSet, ScanSet]:
    caches = measured(folder, 0, lost), measured(folder, 1)
    training, validation = (ScanSet(f"{k}", examples_of(c, c.cohort.ids, task)) for k, c in enumerate(caches))
    return training, validation


@pytest.mark.parametrize("task", ["tle", "side"])
@pytest.mark.parametrize("model", ["logistic", "svm"])
@pytest.mark.parametrize("structures", ["hippocampus", "all"])
def test_a_lost_hippocampus_is_seen(tmp_path: Path, task: str, model: str, structures: str) -> None:
    figures = Figures.model_validate({"model": model, "structures": structures})
    settings = Classifier.model_validate({"kind": "volumes", "task": task, "figures": figures})
    training, validation = sets(tmp_path, task)
    fitted = fit_table(training, validation, Fitting(settings, 10, 10, seed=0))
    assert validation_figures(fitted.logits, validation.positive)["auc"] > 0.97
    assert fitted.best_step == 0 and fitted.cost["unmeasured"] == 0


def test_scans_that_could_not_be_measured_are_left_out_and_counted(tmp_path: Path) -> None:
    settings = Classifier(kind="volumes")
    training, validation = sets(tmp_path, "tle", lost=5)
    assert fit_table(training, validation, Fitting(settings, 10, 10, seed=0)).cost["unmeasured"] == 5
    training, validation = sets(tmp_path, "tle", lost=11)
    with pytest.raises(TlesynthError, match="DATA-008"):
        fit_table(training, validation, Fitting(settings, 10, 10, seed=0))
