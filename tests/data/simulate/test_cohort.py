"""The simulated cohort: the mirror law, determinism, resume, BIDS, and a disease that is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.simulate import cohort, scan, simulate_cohort, subjects
from tlesynth.data.simulate.shape import shape
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator

SETTINGS = Simulate(n_hc=4, n_tle=4, voxel_mm=4.0, sites=2, severity_scale=1.5, sclerosis_share=1.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    simulate_cohort(SETTINGS, out, seed=3, jobs=1)
    return out


@pytest.fixture(scope="module")
def truth(made: Path) -> pd.DataFrame:
    return pd.read_csv(made / cohort.TRUTH / "truth.tsv", sep="\t", index_col="participant_id")


def test_left_tle_is_the_mirror_of_right_tle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "RIGHT_OVER_LEFT", 0.0)
    right = subjects.Assignment("sub-sim0001", "tle", "right", "yes", 30.0, "M", 0)
    for who, name in ((right, "right"), (replace(right, side="left"), "left")):
        cohort.simulate_subject(who, [scan.draw_site(0, SETTINGS, 1)], SETTINGS, tmp_path / name, 1)
    scans = [volume.read(cohort.scan_path(tmp_path / name, "sub-sim0001")) for name in ("right", "left")]
    assert np.array_equal(scans[0].voxels, scans[1].voxels[::-1])
    assert np.array_equal(scans[0].affine, scans[1].affine)
    truths = [durable.read_json(cohort.truth_path(tmp_path / name, "sub-sim0001")) for name in ("right", "left")]
    assert truths[0]["hippocampus_right_mni_mm3"] == truths[1]["hippocampus_left_mni_mm3"]
    assert truths[0]["asymmetry_index"] == -truths[1]["asymmetry_index"] < 0


def test_the_folder_is_raw_bids(made: Path) -> None:
    people = durable.read_table(made / "participants.tsv")
    assert list(people) == ["participant_id", "group", "side", "hs", "age", "sex", "site"]
    assert people.group.value_counts().to_dict() == {"hc": 4, "tle": 4}
    first = made / "sub-sim0001" / "anat"
    assert sorted(p.name for p in first.iterdir()) == ["sub-sim0001_T1w.json", "sub-sim0001_T1w.nii.gz"]
    read = volume.read(first / "sub-sim0001_T1w.nii.gz")
    assert np.array_equal(read.voxels, np.rint(read.voxels)) and read.spacing == pytest.approx([4, 4, 4])
    assert not set(people.participant_id) - {p.name for p in made.glob("sub-*")}


def test_the_bids_validator_finds_no_error(made: Path) -> None:
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run([validator, made], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_patients_lose_the_hippocampus_of_their_side(truth: pd.DataFrame) -> None:
    index, side = truth.asymmetry_index, truth.side
    assert (index[side == "left"] > 0.1).all() and (index[side == "right"] < -0.1).all()
    assert index[truth.group == "hc"].abs().max() < 0.2
    left, right = truth.hippocampus_left_mni_mm3, truth.hippocampus_right_mni_mm3
    assert index.to_numpy() == pytest.approx((2 * (right - left) / (right + left)).to_numpy())


def test_the_drawn_truth_is_the_scanned_one(truth: pd.DataFrame) -> None:
    drawn = cohort.drawn_truth(SETTINGS, 3)
    for name in ("hippocampus_left", "hippocampus_right", "amygdala_left", "thalamus_right"):
        ratio = truth[f"{name}_native_mm3"] / drawn[f"{name}_native_mm3"]
        assert ratio.to_numpy() == pytest.approx(1, abs=1e-3)
    assert (truth.group == drawn.group).all() and truth.severity.to_numpy() == pytest.approx(drawn.severity.to_numpy())


def test_the_truth_names_preset_scenario_and_failures(truth: pd.DataFrame) -> None:
    assert set(truth.preset) == {"default"} and set(truth.scenario) == {"balanced"} and set(truth.failed) == {"no"}
    assert (truth.severity_scale == 1.5).all()


def test_the_mean_intensity_hardly_knows_the_disease() -> None:
    """Paired: the same people with and without it, against how much people and sites differ; AUC about 0.5."""
    who = [a for a in subjects.design(SETTINGS.model_copy(update={"n_tle": 10, "sites": 5}), 1) if a.group == "tle"]
    sites, means = [scan.draw_site(i, SETTINGS, 1) for i in range(5)], []
    for scale in (0.0, 1.0):
        settings = SETTINGS.model_copy(update={"severity_scale": scale})
        for a in who:
            latents, rng = subjects.draw(a, settings, 1), np.random.default_rng(int(a.participant_id[-4:]))
            made, pose = shape(latents, None), scan.draw_pose(latents.icv_ml, rng)
            voxels = scan.acquire(latents, made, pose, sites[a.site], settings, rng)
            means.append(voxels[voxels > 0].mean())
    healthy, sick = np.reshape(means, (2, -1))
    assert abs((sick - healthy).mean()) < 0.15 * healthy.std()


@pytest.mark.end_to_end  # 10 s and more
@pytest.mark.timeout(900)
def test_the_mean_intensity_of_rendered_images_does_not_tell_patients_from_controls() -> None:
    """AUC over pairs of different people, each of whom is scanned once healthy and once ill, which takes the chance of
    who is in which group out; as scanned, and scaled as preprocessing scales.
    """
    settings = Simulate(n_hc=2, n_tle=20, voxel_mm=4.0, sites=5)
    people = [a for a in subjects.design(settings, 1) if a.group == "tle"]
    healthy, ill = (
        np.array([levels(a, settings.model_copy(update={"severity_scale": scale})) for a in people])
        for scale in (0.0, 1.0)
    )
    for kind in (0, 1):
        assert 0.45 <= auc_of_strangers(ill[:, kind], healthy[:, kind]) <= 0.55, kind
    darker = auc_of_strangers(0.96 * ill[:, 0], healthy[:, 0])
    assert darker < 0.4, "a darkening of patients by 4 % would be seen"


def levels(who: subjects.Assignment, settings: Simulate) -> tuple[float, float]:
    """Mean intensity of the brain of one rendered scan: as scanned, and between the percentiles 0.5 and 99.5."""
    site = scan.draw_site(who.site, settings, 1)
    latents = subjects.draw(who, settings, 1, shifts=(site.severity_shift, site.volume_shift))
    made, rng = shape(latents, generator(1, "shape", who.participant_id)), generator(1, "scan", who.participant_id)
    voxels = scan.acquire(latents, made, scan.draw_pose(latents.icv_ml, rng), site, settings, rng)
    brain = voxels[voxels > 0].astype(float)
    low, high = np.percentile(brain, [0.5, 99.5])
    return float(brain.mean()), float(np.clip((brain - low) / (high - low), 0, 1).mean())


def auc_of_strangers(ill: np.ndarray, healthy: np.ndarray) -> float:
    """Chance that one person's ill value (N,) is above another's healthy one."""
    above = ill[:, None] > healthy[None]
    return float(above[~np.eye(len(ill), dtype=bool)].mean())


def test_the_truth_is_exact_and_native(truth: pd.DataFrame) -> None:
    template = 4335.0
    for side in ("left", "right"):
        reached = truth[f"hippocampus_{side}_mni_mm3"] / template
        assert reached.to_numpy() == pytest.approx(truth[f"ratio_hippocampus_{side}"].to_numpy(), rel=2e-3)
        native = truth[f"hippocampus_{side}_mni_mm3"] * truth.icv_ml / scan.TEMPLATE_BRAIN_ML
        assert native.to_numpy() == pytest.approx(truth[f"hippocampus_{side}_native_mm3"].to_numpy(), rel=1e-6)
    assert truth.least_jacobian.min() > 0.05 and truth.icv_ml.between(1000, 2000).all()


@pytest.mark.end_to_end  # real processes, 10 s and more
def test_jobs_and_interruptions_change_no_voxel(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(made, again)
    shutil.rmtree(again / "sub-sim0002")
    cohort.truth_path(again, "sub-sim0003").unlink()
    kept = cohort.scan_path(again, "sub-sim0001").stat().st_mtime_ns
    simulate_cohort(SETTINGS, again, seed=3, jobs=2)
    assert cohort.scan_path(again, "sub-sim0001").stat().st_mtime_ns == kept
    for name in (*(f"sub-sim000{i}/anat/sub-sim000{i}_T1w.nii.gz" for i in range(1, 9)), "participants.tsv"):
        assert (again / name).read_bytes() == (made / name).read_bytes(), name
    assert (again / cohort.TRUTH / "truth.tsv").read_bytes() == (made / cohort.TRUTH / "truth.tsv").read_bytes()


def test_another_simulation_is_refused(made: Path) -> None:
    with pytest.raises(TlesynthError, match="CFG-010"):
        simulate_cohort(SETTINGS, made, seed=4, jobs=1)


def test_other_peoples_folders_and_files_are_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "participants.tsv").write_text("participant_id\n")
    (tmp_path / "file").touch()
    for out in (theirs, tmp_path / "file"):
        with pytest.raises(TlesynthError, match="CFG-005"):
            simulate_cohort(SETTINGS, out, seed=3, jobs=1)
    assert (theirs / "participants.tsv").read_text() == "participant_id\n"
