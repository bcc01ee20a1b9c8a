"""Both conventions on a stand-in network: the caveat is always there, and few scans have a KID instead of a FID."""

import numpy as np
import pytest
import torch
from torch import nn

from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation import inception_sections as s
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.metrics.statistics import Resampling
from tlesynth.recipe import Evaluation

from .conftest import Run

HOW = Intervals(Evaluation(bootstrap=100, diversity_pairs=3), 1)
PROVENANCE = {"file": "stub", "sha256": "0"}
MISSING = {"not_computed": "weights missing: inception-v3", "command": "tlesynth weights fetch inception-v3"}


class Means(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        values = images.float() / 255
        return (torch.stack([values.mean((1, 2, 3)), values.amax((1, 2, 3)), values.std((1, 2, 3))], 1),)


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s.weights, "provenance", lambda _: PROVENANCE)


def inputs(run: Run) -> Inputs:
    real, made, copies = (read_cohort(f) for f in (run.derivatives, run.synthetic, run.reconstructions))
    members = {"gen_train": [i for i in real.ids if i[-1] in "012"], "test": [i for i in real.ids if i[-1] in "3456"]}
    return Inputs(real, copies, made, members)


def thrice(described: s.Described) -> s.Described:
    """Three times as many subjects, a little apart: enough to be compared as sets."""
    parts = (described.made, described.trained, described.reference)
    return s.Described(*({k: np.concatenate([f, f + 0.01, f - 0.01]) for k, f in part.items()} for part in parts))


def test_both_conventions_name_their_weights_and_their_limits(run: Run) -> None:
    few = s.describe(inputs(run), Means())
    assert s.papers_fid(few, HOW)["tle"]["value"]["not_computed"] == "3 scans; at least 8 are needed"
    described = {group: thrice(few[group]) for group in ("hc", "tle")}
    paper = s.papers_fid(described, HOW)
    assert paper["weights"] == PROVENANCE and "empty ones too" in paper["caveat"]
    assert paper["tle"]["value"]["n"] == 9 + 12 and paper["tle"]["n_real"] == 12 and "floor" in paper["hc"]
    proper = s.by_plane(described, HOW)
    for plane in ("axial", "coronal", "sagittal"):
        assert "value" in proper[plane]["hc"]["kid"]["value"] and "value" in proper[plane]["own_minus_cross"]["tle"]
        assert "below 100" in proper[plane]["hc"]["fid"]["not_computed"]
    assert set(proper["axial"]["cross"]) == {"hc_to_tle", "tle_to_hc"}


def test_a_hundred_scans_have_a_descriptive_fid() -> None:
    rng = np.random.default_rng(0)
    sets = [rng.normal(m, 1, (100, 2, 3)) for m in (1, 0, 0)]
    found = s.proper_fid(*sets, Resampling(100, 0.95, rng))
    assert found["ratio"] > 3 and "2048" in found["caveat"]
    assert found["infinity"]["value"] < found["value"]["value"]
    assert "99 scans" in s.proper_fid(sets[0], sets[1], sets[2][:99], Resampling(100, 0.95, rng))["not_computed"]


def test_copies_lie_near_their_originals(run: Run) -> None:
    cohorts = inputs(run)
    ids = [i for i in cohorts.real.ids if i[-1] in "456"]
    found = s.reconstruction_fid(cohorts, ids, Means(), HOW.of("x"))
    assert found["n"] == 12 and found["value"] < 0.01
    assert found["weights"] == PROVENANCE


def test_missing_weights_and_cohorts_say_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLESYNTH_WEIGHTS", str(run.splits.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(run.splits.parent))
    assert s.network() == s.describe(inputs(run), s.network()) == MISSING
    assert s.papers_fid(MISSING, HOW) == {"hc": MISSING, "tle": MISSING} and s.by_plane(MISSING, HOW) == MISSING
    alone = Inputs(read_cohort(run.derivatives), None, None, {})
    assert s.describe(alone, Means())["command"] == "tlesynth sample"
