"""Bad scans fail alone with their code, the ledger adds up, and neither jobs nor restarts change a byte."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.cohort import read_cohort, write_dataset_description
from tlesynth.data.preprocess.run import Counts, preprocess
from tlesynth.recipe import Labels, Preprocess
from tlesynth.volume import Volume

pytestmark = pytest.mark.end_to_end  # real processes, 10 s and more

BAD = {
    "sub-cut": "NII-002",
    "sub-nan": "NII-021",
    "sub-series": "NII-016",
    "sub-empty": "NII-022",
}


def settings(jobs: int) -> Preprocess:
    return Preprocess(grid="mni-3mm", registration_mm=6.0, n4=False, jobs=jobs, subject_seconds=0)


def place(root: Path, name: str) -> Path:
    path = root / name / "anat" / f"{name}_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    return path


def write_bad(root: Path, good: Volume) -> None:
    volume.write(place(root, "sub-cut"), good.voxels, good.affine)
    whole = (root / "sub-cut/anat/sub-cut_T1w.nii.gz").read_bytes()
    (root / "sub-cut/anat/sub-cut_T1w.nii.gz").write_bytes(whole[: len(whole) // 2])
    arrays = {
        "sub-nan": np.where(good.voxels > 0, np.nan, good.voxels),
        "sub-series": np.stack([good.voxels] * 2, axis=-1),
        "sub-empty": np.zeros_like(good.voxels),
    }
    for name, array in arrays.items():
        image = nib.Nifti1Image(array.astype(np.float32), good.affine)
        image.set_sform(good.affine, 1)
        place(root, name).write_bytes(gzip.compress(image.to_bytes(), 1))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory, brain: Callable[..., Volume]) -> Path:
    root = tmp_path_factory.mktemp("bids")
    rows = []
    for n in range(4):
        to_native = np.diag([1.0 + 0.01 * n, 1.0, 0.98, 1.0])
        to_native[:3, 3] = (n, -2 * n, 5)
        scan = brain(to_native, spacing=3.5, shape=(56, 62, 54))
        name = f"sub-{n}"
        volume.write(place(root, name), scan.voxels, scan.affine)
        rows.append((name, "tle" if n % 2 else "hc", "left" if n % 2 else None))
    write_bad(root, scan)
    rows += [(name, "hc", None) for name in BAD] + [("sub-ghost", "tle", "right")]
    durable.write_table(root / "participants.tsv", pd.DataFrame(rows, columns=["participant_id", "group", "side"]))
    write_dataset_description(root, "Test", "raw", "Scans for a test.")
    return root


@pytest.fixture(scope="module")
def derivatives(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "derivatives"
    counts = preprocess(cohort, out, settings(jobs=2), Labels(), seed=3)
    assert counts == Counts(discovered=9, ok=4, skipped=1, failed=4, not_run=0)
    return out


def test_bad_scans_fail_alone_with_their_code(derivatives: Path) -> None:
    ledger = durable.read_table(derivatives / "outcomes.tsv").set_index("participant_id")
    assert len(ledger) == 9
    assert ledger.loc[list(BAD), "code"].to_dict() == BAD
    assert ledger.loc["sub-ghost", ["status", "code"]].tolist() == ["skipped", "DATA-006"]
    found = read_cohort(derivatives)
    assert found.ids == [f"sub-{n}" for n in range(4)]
    assert found.participants["side"].tolist() == [None, "left"] * 2
    mask = volume.read_on(
        derivatives / "sub-1/anat/sub-1_space-MNI152NLin2009aSym_res-3_desc-brain_mask.nii.gz",
        found.grid,
        least_values=1,
    )
    assert found.volume("sub-1")[mask == 0].max() == 0
    assert mask.sum() * 27 / 1000 == pytest.approx(1880, rel=0.06)
    maps = json.loads((derivatives / "sub-1/anat/sub-1_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.json").read_text())
    assert np.allclose(np.array(maps["NativeToMNI"]) @ np.array(maps["MNIToNative"]), np.eye(4), atol=1e-3)
    quality = durable.read_table(derivatives / "qc.tsv")
    assert quality["dice"].astype(float).min() > 0.95
    assert quality["seconds"].astype(float).min() > 0


def test_one_job_gives_the_bytes_of_two_and_does_only_what_is_missing(
    cohort: Path, derivatives: Path, tmp_path: Path
) -> None:
    out = tmp_path / "derivatives"
    shutil.copytree(derivatives, out)
    shutil.rmtree(out / "sub-2")
    kept = {f: f.stat().st_mtime_ns for f in sorted((out / "sub-3").rglob("*.nii.gz"))}
    counts = preprocess(cohort, out, settings(jobs=1), Labels(), seed=3)
    assert counts.ok == 4
    assert {f: f.stat().st_mtime_ns for f in kept} == kept
    for file in sorted((derivatives / "sub-2").rglob("*.*")):
        assert file.read_bytes() == (out / file.relative_to(derivatives)).read_bytes(), file.name
