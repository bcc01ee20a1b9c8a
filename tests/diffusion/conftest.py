"""A folder of made-up latents: each class has its own mean, and the mirror image of left TLE is right TLE."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable

SHAPE = (2, 4, 6, 4)
AUTOENCODER = "a" * 64
LOGVAR = -3.0
"""Of every posterior."""


@pytest.fixture
def latents(tmp_path: Path) -> Path:
    return write_latents(tmp_path)


def write_latents(root: Path, per_class: int = 4) -> Path:
    """``root``/latents and ``root``/splits.tsv: one of each class in val, the others in gen_train."""
    rng = np.random.default_rng(0)
    rows, values = [], []
    for group, side, shift in [("hc", None, 0.0), ("tle", "left", -2.0), ("tle", "right", 2.0)]:
        for i in range(per_class):
            value = 0.3 * rng.standard_normal(SHAPE)
            value[0, :2] += shift
            value[0, 2:] -= shift
            split = "val" if i == 0 else "gen_train"
            name = f"sub-{group}{side or ''}{i}"
            person = {"participant_id": name, "group": group, "side": side, "age": 20.0 + 4 * i, "split": split}
            rows.append({"row": len(rows)} | person)
            values.append(value)
    index, array = pd.DataFrame(rows), np.stack(values).astype(np.float32)
    folder = root / "latents"
    folder.mkdir(parents=True)
    views = np.stack([array, array[:, :, ::-1]], axis=1)  # (N, view, C, X, Y, Z)
    np.save(folder / "latents.npy", np.stack([views, np.full_like(views, LOGVAR)], axis=2).astype(np.float16))
    durable.write_table(folder / "index.tsv", index)
    durable.write_table(root / "splits.tsv", index[["participant_id", "group", "split"]])
    gate = {"verdict": "passed", "reasons": [], "loosened": []}
    about = {"autoencoder": AUTOENCODER, "grid": "mni-3mm", "shape": list(SHAPE), "gate": gate}
    durable.write_json(folder / "latents.json", about | {"posterior_noise": {"share": 0.05}})
    return folder
