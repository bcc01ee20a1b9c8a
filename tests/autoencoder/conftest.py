"""A small cohort on a coarse grid and an autoencoder trained on it, made once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, recipe
from tlesynth.autoencoder.train import train_autoencoder
from tlesynth.data.cohort import CohortWriter
from tlesynth.volume import GRIDS, Grid

GRID = Grid("test-6mm", (20, 24, 20), 6.0, (-57.0, -75.0, -51.0))
"""A coarse grid of our own: the networks are the same and a step takes milliseconds."""
SPLIT_OF = {"01": "gen_train", "02": "gen_train", "03": "gen_train", "04": "val", "05": "test", "06": "audit_holdout"}
SETTINGS = recipe.Autoencoder.model_validate(
    {
        "network": {"channels": [4, 8, 8], "norm_groups": 2},
        "perceptual": "ssim3d",
        "reconstruction": {"steps": 3, "batch_size": 2, "restart_epochs": 1},
        "adversarial_phase": {
            "rounds": 2,
            "discriminator_steps": 1,
            "autoencoder_steps": 2,
            "discriminator_channels": 4,
            "discriminator_layers": 1,
        },
        "validate_every": 2,
        "checkpoint_every": 2,
    }
)


@pytest.fixture(scope="session", autouse=True)
def coarse_grid() -> Iterator[None]:
    """The coarse grid among the known ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GRIDS, GRID.name, GRID)
        yield


@pytest.fixture(scope="session")
def cohort(coarse_grid: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Six volumes of smooth noise in an ellipsoid, and their splits."""
    root = tmp_path_factory.mktemp("cohort")
    writer = CohortWriter(root / "derivatives", GRID, "preproc", "test", "six random volumes")
    x, y, z = (np.linspace(-1, 1, n) for n in GRID.shape)
    inside = x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2 < 0.8
    for label in SPLIT_OF:
        rng = np.random.default_rng(int(label))
        coarse = rng.random(tuple(n // 4 for n in GRID.shape)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
        writer.write(f"sub-{label}", (coarse * inside).astype(np.float32), {})
    ids = [f"sub-{label}" for label in SPLIT_OF]
    groups = {"group": ["hc", "tle"] * 3, "side": [None, "left", None, "right", None, "left"]}
    writer.finish(pd.DataFrame(groups, index=ids))
    table = pd.DataFrame({"participant_id": ids, "group": groups["group"], "split": list(SPLIT_OF.values())})
    durable.write_table(root / "splits.tsv", table)
    return root / "derivatives", root / "splits.tsv"


@pytest.fixture(scope="session")
def settings() -> recipe.Autoencoder:
    """What ``run`` was trained with."""
    return SETTINGS


@pytest.fixture(scope="session")
def run(cohort: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short training with both phases."""
    out = tmp_path_factory.mktemp("run") / "autoencoder"
    train_autoencoder(*cohort, out, SETTINGS, seed=1, device="cpu", precision="32-true")
    return out
