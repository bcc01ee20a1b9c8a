"""A cohort of brains that are as alike as real ones, and no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from tlesynth.data.cohort import CohortWriter
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


def head(seed: int) -> np.ndarray:
    """The template with folds of its own: correlates with another by about 0.7."""
    template = load_template(GRID)
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=GRID.shape), 1.5)
    brain = np.clip(template.t1 + 0.12 * noise / noise.std(), 0.01, 1) * template.mask
    return brain.astype(np.float32)


@pytest.fixture
def brain() -> Callable[[int], np.ndarray]:
    return head


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def cohort(people: pd.DataFrame, voxels: dict[str, np.ndarray] | None = None, **sidecars: Any) -> Path:
        root = tmp_path / "derivatives"
        writer = CohortWriter(root, GRID, "preproc", "Test", "Volumes for a test.")
        for seed, name in enumerate(people.index):
            writer.write(name, (voxels or {}).get(name, head(seed)), sidecars.get(name.removeprefix("sub-"), {}))
        writer.finish(people)
        return root

    return cohort


@pytest.fixture
def people() -> Callable[..., pd.DataFrame]:
    def table(n_hc: int, n_tle: int, sites: int = 3) -> pd.DataFrame:
        n = n_hc + n_tle
        return pd.DataFrame(
            {"group": ["hc"] * n_hc + ["tle"] * n_tle, "site": [f"s{i % sites}" for i in range(n)]},
            index=pd.Index([f"sub-{i:02d}" for i in range(n)], name="participant_id"),
        )

    return table
