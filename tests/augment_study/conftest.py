"""A small run on a coarse grid, whose classes are plain to see, and a recipe whose study takes seconds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from made_study import made_table

from tlesynth import durable
from tlesynth.augment_study.preparing import Folders
from tlesynth.data.cohort import CohortWriter
from tlesynth.recipe import AugmentStudy, Classifier, Evaluation, Recipe
from tlesynth.volume import GRIDS, Grid

Table = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def table() -> Table:
    return made_table


GRID = Grid("test-5mm", (32, 36, 32), 5.0, (-77.5, -105.0, -65.0))
SPLIT_OF = ("gen_train",) * 6 + ("val",) * 3 + ("test",) * 4 + ("audit_holdout",)


@pytest.fixture(scope="session", autouse=True)
def coarse_grid() -> Iterator[None]:
    """A coarse grid among the known ones; one thread, as the machine is shared."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GRIDS, GRID.name, GRID)
        yield


def write_cohort(root: Path, prefix: str, per_class: int, seed: int) -> None:
    """Noise in [0, 1]; TLE is brighter in one octant. Sites and sides alternate."""
    writer, rng, people = CohortWriter(root, GRID, prefix, prefix, "noise"), np.random.default_rng(seed), []
    for group in ("hc", "tle"):
        for k in range(per_class):
            volume = rng.uniform(0.2, 0.6, GRID.shape).astype(np.float32)
            volume[:16, :18, :16] += 0.3 * (group == "tle")
            identity = f"sub-{prefix}{group}{k:02d}"
            writer.write(identity, volume, {})
            side = ("left", "right")[k % 2] if group == "tle" else None
            person = {"participant_id": identity, "group": group, "side": side, "site": f"site{k % 2}"}
            people.append(person | {"age": 20 + k, "sex": "FM"[k % 2]})
    writer.finish(pd.DataFrame(people).set_index("participant_id"))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to sample: two cohorts, their splits, and the index of the latents."""
    root = tmp_path_factory.mktemp("run")
    write_cohort(root / "derivatives", "real", len(SPLIT_OF), 1)
    write_cohort(root / "synthetic", "syn", 6, 2)
    rows = [(f"sub-real{g}{k:02d}", g, s) for g in ("hc", "tle") for k, s in enumerate(SPLIT_OF)]
    table = pd.DataFrame(rows, columns=["participant_id", "group", "split"])
    durable.write_table(root / "splits.tsv", table)
    durable.write_table(root / "latents" / "index.tsv", table)
    return root


def folders_of(root: Path, *, simulated: bool = True) -> Folders:
    return Folders(root / "derivatives", root / "synthetic", None, root / "splits.tsv", root / "latents", simulated)


def small_recipe(**study: Any) -> Recipe:
    """A recipe whose study takes seconds on the coarse grid."""
    wanted = {"ratios": (0.5,), "controls": ("classical",), "learning_curve": (), "seeds": 1, "splits": 2}
    wanted["classifiers"] = ("efficientnet",)
    classifier = Classifier(
        network="test_efficientnet", steps=4, batch_size=6, restart_epochs=4, validate_every=2, checkpoint_every=4
    )
    chosen = AugmentStudy(**(wanted | {"site_seeds": 0, "least_in_subgroup": 3} | study))
    return Recipe(
        seed=3, device="cpu", classifier=classifier, augment_study=chosen, evaluation=Evaluation(bootstrap=100)
    )
