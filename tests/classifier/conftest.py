"""Two small cohorts on a coarse grid whose classes differ by a bright corner, and their splits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.classifier.train import train_classifiers
from tlesynth.data.cohort import CohortWriter
from tlesynth.recipe import Classifier
from tlesynth.volume import GRIDS, Grid

GRID = Grid("test-5mm", (32, 36, 32), 5.0, (-77.5, -105.0, -65.0))
SETTINGS = Classifier(
    network="test_efficientnet", steps=24, batch_size=8, restart_epochs=4, validate_every=8, checkpoint_every=8
)
SPLIT_OF = ("gen_train",) * 8 + ("val",) * 3 + ("test",) * 2


@dataclass(frozen=True)
class Data:
    derivatives: Path
    synthetic: Path
    splits: Path


@pytest.fixture(scope="session", autouse=True)
def coarse_grid() -> Iterator[None]:
    """The coarse grid among the known ones; one thread, as the machine is shared."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GRIDS, GRID.name, GRID)
        yield


def write_cohort(root: Path, prefix: str, hc: int, tle: int, seed: int) -> None:
    """Noise in [0, 1]; TLE is brighter in one octant."""
    writer, rng, people = CohortWriter(root, GRID, prefix, prefix, "noise"), np.random.default_rng(seed), []
    for group, count in (("hc", hc), ("tle", tle)):
        for k in range(count):
            volume = rng.uniform(0.2, 0.6, GRID.shape).astype(np.float32)
            volume[:16, :18, :16] += 0.3 * (group == "tle")
            identity = f"sub-{prefix}{group}{k:02d}"
            writer.write(identity, volume, {})
            people.append({"participant_id": identity, "group": group})
    writer.finish(pd.DataFrame(people).set_index("participant_id"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Eight real training scans per class, three for val, two for test, and five synthetic scans per class."""
    root = tmp_path_factory.mktemp("data")
    write_cohort(root / "derivatives", "real", len(SPLIT_OF), len(SPLIT_OF), 1)
    write_cohort(root / "synthetic", "syn", 5, 5, 2)
    rows = [(f"sub-real{g}{k:02d}", g, s) for g in ("hc", "tle") for k, s in enumerate(SPLIT_OF)]
    durable.write_table(root / "splits.tsv", pd.DataFrame(rows, columns=["participant_id", "group", "split"]))
    return Data(root / "derivatives", root / "synthetic", root / "splits.tsv")


def train(data: Data, out: Path, settings: Classifier = SETTINGS, seed: int = 3) -> None:
    """The stage as the pipeline calls it."""
    folders = (data.derivatives, data.synthetic, data.splits, out)
    train_classifiers(*folders, settings, seed=seed, device="cpu", precision="32-true")


@pytest.fixture(scope="session")
def trained(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every arm, trained once."""
    out = tmp_path_factory.mktemp("classifier")
    train(data, out)
    return out
