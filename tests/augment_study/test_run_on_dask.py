"""A study on a real dask scheduler, whose worker processes train each classifier once, finds what one process does."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.augment_study.preparing import Folders
from tlesynth.augment_study.run import augment_study
from tlesynth.data.cohort import CohortWriter
from tlesynth.recipe import AugmentStudy, Classifier, Cnn3d, Evaluation, Recipe
from tlesynth.volume import GRIDS

from .conftest import SPLIT_OF

pytest.importorskip("dask_jobqueue", reason="tlesynth[cluster] is not installed")
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]  # processes that import torch

GRID = GRIDS["mni-3mm"]
"""A grid that the workers know too."""
ON_DASK = {"backend": "dask", "cluster": "local", "workers": 2}


def write_cohort(root: Path, prefix: str, per_class: int) -> None:
    writer, rng, people = CohortWriter(root, GRID, prefix, prefix, "noise"), np.random.default_rng(per_class), []
    for group in ("hc", "tle"):
        for k in range(per_class):
            identity = f"sub-{prefix}{group}{k:02d}"
            writer.write(identity, rng.uniform(0.2, 0.6, GRID.shape).astype(np.float32), {})
            people.append({"participant_id": identity, "group": group, "site": "one"})
    writer.finish(pd.DataFrame(people).set_index("participant_id"))


def study(root: Path, out: Path, **sharing: object) -> pd.DataFrame:
    """The figures of a study of two arms and two seeds, four trainings of two steps."""
    settings = AugmentStudy.model_validate(
        {"ratios": (0.5,), "controls": (), "rival": "real", "learning_curve": (), "seeds": 2, "splits": 1, "steps": 2}
        | {"site_seeds": 0, "sharing": sharing}
    )
    classifier = Classifier(kind="cnn3d", cnn3d=Cnn3d(width=2, batch_size=4))
    recipe = Recipe(device="cpu", classifier=classifier, augment_study=settings, evaluation=Evaluation(bootstrap=100))
    folders = Folders(root / "real", root / "made", None, root / "splits.tsv", root / "latents", True)
    assert augment_study(folders, out, recipe).done == 4
    return durable.read_table(out / "ledger.tsv")


def test_the_workers_of_a_cluster_find_what_one_process_finds(tmp_path: Path) -> None:
    write_cohort(tmp_path / "real", "real", len(SPLIT_OF))
    write_cohort(tmp_path / "made", "syn", 4)
    rows = [(f"sub-real{g}{k:02d}", g, s) for g in ("hc", "tle") for k, s in enumerate(SPLIT_OF)]
    durable.write_table(tmp_path / "splits.tsv", pd.DataFrame(rows, columns=["participant_id", "group", "split"]))
    here = study(tmp_path, tmp_path / "here")
    there = study(tmp_path, tmp_path / "there", **ON_DASK)
    pd.testing.assert_frame_equal(here, there)
    for job in (tmp_path / "here" / "jobs").iterdir():
        judged = [path / "jobs" / job.name / "probabilities.tsv" for path in (tmp_path / "here", tmp_path / "there")]
        assert judged[0].read_bytes() == judged[1].read_bytes()
