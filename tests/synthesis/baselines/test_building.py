"""A rival's cohort: as many of each group as the recipe says, fitted to the training scans of its own autoencoder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.autoencoder.model import load_autoencoder
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Recipe, load
from tlesynth.synthesis.baselines.building import write_baseline
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
RECIPE = load("tiny", ["sample.n_hc=2", "sample.n_tle=2"])


@pytest.fixture(scope="module")
def material(models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Six scans, four of them to train on, and their made-up latents."""
    root, coder = tmp_path_factory.mktemp("material"), load_autoencoder(models[0])
    people = pd.DataFrame({"group": ["hc", "tle"] * 3, "side": [None, "left", None, "right", None, "left"]})
    people.index = pd.Index([f"sub-{i}" for i in range(6)])
    splits = ["gen_train"] * 4 + ["val", "test"]
    writer, random = CohortWriter(root / "derivatives", GRID, "preproc", "Scans", "Scans."), np.random.default_rng(0)
    brain = np.where(load_template(GRID).t1 > 0.1, load_template(GRID).t1, 0).astype(np.float32)
    for name in people.index:
        writer.write(name, brain, {})
    writer.finish(people)
    index = people.rename_axis("participant_id").reset_index()
    index["split"] = splits
    for side in ("left", "right"):
        index[f"hippocampus_{side}_mni_mm3"] = random.normal(4000, 400, 6)
    durable.write_table(root / "splits.tsv", index[["participant_id", "group", "split"]])
    index.insert(0, "row", range(6))
    durable.write_table(root / "latents" / "index.tsv", index)
    np.save(root / "latents" / "latents.npy", random.standard_normal((6, 2, 2, *coder.latent_shape)).astype(np.float16))
    about = {"autoencoder": coder.fingerprint, "grid": GRID.name, "shape": list(coder.latent_shape)}
    durable.write_json(root / "latents" / "latents.json", about)
    return {"autoencoder": models[0], **{name: root / name for name in ("latents", "derivatives")}} | {
        "splits": root / "splits.tsv"
    }


def written(kind: str, material: dict[str, Path], out: Path, recipe: Recipe = RECIPE) -> Path:
    write_baseline(kind, *material.values(), out, recipe)
    return out


@pytest.mark.parametrize("kind", ["pca", "prior", "deformation"])
def test_a_rival_draws_what_sample_would(kind: str, material: dict[str, Path], tmp_path: Path) -> None:
    cohort = read_cohort(written(kind, material, tmp_path / "out"))
    assert cohort.ids == ["sub-synHC0001", "sub-synHC0002", "sub-synTLE0001", "sub-synTLE0002"]
    assert set(cohort.participants["side"][2:]) == {"left", "right"}
    facts = durable.read_json(next((cohort.root / "sub-synTLE0001/anat").glob("*.json")))
    assert facts["Generator"] == f"baseline {kind}" and facts["Synthetic"] is True
    assert ("person's" in facts["Description"]) == (kind == "deformation")
    before = durable.manifest_of(cohort.root)
    assert durable.manifest_of(written(kind, material, tmp_path / "out")) == before
    with pytest.raises(TlesynthError, match="CFG-010"):
        written(kind, material, tmp_path / "out", RECIPE.model_copy(update={"seed": 9}))


def test_latents_of_another_autoencoder_are_refused(material: dict[str, Path], tmp_path: Path) -> None:
    about = durable.read_json(material["latents"] / "latents.json")
    for file in material["latents"].iterdir():
        (tmp_path / "latents").mkdir(exist_ok=True)
        (tmp_path / "latents" / file.name).write_bytes(file.read_bytes())
    durable.write_json(tmp_path / "latents" / "latents.json", about | {"autoencoder": "0" * 64})
    with pytest.raises(TlesynthError, match="CKP-009"):
        written("pca", material | {"latents": tmp_path / "latents"}, tmp_path / "out")
