"""Mean heads lie where they should, and differences show where patients differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import volume
from tlesynth.data.cohort import CohortWriter
from tlesynth.data.template import load_template
from tlesynth.report import simulation_figures as figures
from tlesynth.volume import GRIDS

NATIVE = GRIDS["mni-3mm"]


def truth(groups: list[str]) -> pd.DataFrame:
    identity = {f"to_mni_{i}{j}": float(i == j) for i in range(3) for j in range(4)}
    rows = [{"participant_id": f"sub-{i:02d}", "shown": g} | identity for i, g in enumerate(groups)]
    return pd.DataFrame(rows).set_index("participant_id")


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    """One control, one head moved by 12 mm whose pose says so."""
    template = load_template(NATIVE)
    head = (1000 * template.t1 * template.mask).astype(np.int16)
    for name, moved in (("sub-00", 0), ("sub-01", 4)):
        path = tmp_path / name / "anat" / f"{name}_T1w.nii.gz"
        volume.write(path, np.roll(head, moved, axis=1), NATIVE.affine, description="head")
    return tmp_path


def test_raw_scans_are_laid_over_the_template_by_their_pose(heads: Path) -> None:
    table = truth(["hc", "tle-left"])
    table.loc["sub-01", "to_mni_13"] = -12.0
    means, levels = figures.mean_heads(heads, table, None)
    assert set(means) == {"hc", "tle-left"} and means["hc"].shape == NATIVE.shape
    assert np.abs(means["hc"] - means["tle-left"]).mean() < 1e-3
    assert levels["sub-00"] == pytest.approx(levels["sub-01"], abs=1e-3) and 0.3 < levels["sub-00"] < 0.9


def test_derivatives_are_averaged_in_blocks(tmp_path: Path) -> None:
    grid = GRIDS["mni-1.5mm"]
    writer = CohortWriter(tmp_path, grid, "preproc", "test", "test")
    ramp = np.linspace(0, 1, grid.shape[0], dtype=np.float32)[:, None, None]
    writer.write("sub-00", np.broadcast_to(ramp, grid.shape), {})
    people = pd.DataFrame({"group": ["hc"]}, index=pd.Index(["sub-00"], name="participant_id"))
    writer.finish(people)
    means, levels = figures.mean_heads(tmp_path, truth(["hc"]), tmp_path)
    assert means["hc"].shape == NATIVE.shape and levels["sub-00"] == pytest.approx(0.5, abs=1e-3)
    assert means["hc"][10, 5, 5] == pytest.approx((ramp[20, 0, 0] + ramp[21, 0, 0]) / 2, abs=1e-3)


def test_every_group_and_plane_has_a_picture() -> None:
    means = {g: np.full(NATIVE.shape, 0.5, np.float32) for g in figures.GROUPS}
    assert len(figures.mean_pictures(means)) == 6 and len(figures.difference_pictures(means)) == 4
    assert figures.difference_pictures({"hc": means["hc"]}) == []


def test_distributions_cope_with_a_missing_group() -> None:
    table = truth(["hc", "hc", "tle-left"]).assign(asymmetry_index=[0.0, 0.02, 0.3], site=["site01", "site02", None])
    for name in ("hippocampus", "thalamus"):
        for side in ("left", "right"):
            table[f"{name}_{side}_native_mm3"] = [4000.0, 4100.0, 3000.0]
    assert [p.alt.split(" by ")[0] for p in figures.volume_pictures(table)] == [
        "True volumes of the hippocampus",
        "True volumes of the thalamus",
    ]
    assert figures.asymmetry_picture(table).dark and figures.site_picture(table).dark
