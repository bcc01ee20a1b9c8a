"""Two small cohorts of phantoms, the second with written differences, and a film."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter, volume_path
from tlesynth.volume import GRIDS, write

GRID = GRIDS["mni-3mm"]
PEOPLE = {"sub-A1": ("hc", None), "sub-A2": ("tle", "left"), "sub-A3": ("tle", "right")}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: derivatives of three people, counterfactuals of one, a film of three moments."""
    root = tmp_path_factory.mktemp("run")
    _cohort(root / "derivatives", "preproc", list(PEOPLE), 0.5)
    _cohort(root / "changed", "counterfactual", ["sub-A1"], 0.7)
    path = volume_path(root / "changed" / "differences", "sub-A1", GRID, "counterfactual", "difference")
    write(path, _head(0.25) - 0.125, GRID.affine, dtype="float32", mni=True)
    frames = []
    for timestep in (0, 1000, 500):
        name = f"timestep-{timestep:04d}.nii.gz"
        write(root / "film" / name, _head(0.5 + timestep / 1000), GRID.affine, mni=True)
        frames.append({"timestep": timestep, "file": name, "condition": "tle-left"})
    durable.write_json(root / "film" / "film.json", {"frames": frames})
    return root


def _cohort(root: Path, desc: str, names: list[str], level: float) -> None:
    writer = CohortWriter(root, GRID, desc, desc, "Fabricated for tests.")
    for name in names:
        writer.write(name, _head(level), {})
    rows = {name: {"group": PEOPLE[name][0], "side": PEOPLE[name][1]} for name in names}
    writer.finish(pd.DataFrame.from_dict(rows, orient="index"))


def _head(level: float) -> np.ndarray:
    x, y, z = GRID.world()
    inside = (x / 66) ** 2 + ((y + 18) / 84) ** 2 + ((z - 12) / 62) ** 2 < 1
    # A volume of two values is refused as empty: the faint ramp makes more of them.
    return (inside * (level + 2e-5 * (x % 32))).astype(np.float32)
