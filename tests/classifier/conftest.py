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
from tlesynth.data.cohort import Cohort, CohortWriter
from tlesynth.data.volume_cache import VolumeCache
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


def cache_in_memory(name: str, hc: int, left: int, right: int, seed: int = 0) -> VolumeCache:
    """A cache that no file backs: noise, brighter in a corner of the side that a patient's seizures start on."""
    rng, rows, volumes = np.random.default_rng(seed), [], []
    for side, count in ((None, hc), ("left", left), ("right", right)):
        for k in range(count):
            volume = rng.uniform(0.2, 0.6, GRID.shape).astype(np.float16)
            if side is not None:
                x = slice(0, 16) if side == "left" else slice(16, 32)
                volume[x, :18, :16] += np.float16(0.3)
            group = "hc" if side is None else "tle"
            rows.append({"participant_id": f"sub-{name}{side or 'hc'}{k}", "group": group, "side": side})
            volumes.append(volume)
    people = pd.DataFrame(rows).set_index("participant_id").astype(object)
    people = people.where(people.notna(), None)
    return VolumeCache(Cohort(Path(name), GRID, "preproc", people), Path(name), f"{name}{seed}", np.stack(volumes))
