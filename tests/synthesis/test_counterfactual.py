"""What if: a known model changes what it knows the disease to change, nothing else, and finds its way back.

The model is exact: brains are the template with a little noise, and in left TLE the left hippocampus is smaller.
"""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from tlesynth import durable
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.anatomy import pull
from tlesynth.data.cohort import CohortWriter, read_cohort, volume_path
from tlesynth.data.deformation import exponential, sample
from tlesynth.data.template import load_template
from tlesynth.diffusion.completion import fit_completion
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.model import Diffusion
from tlesynth.diffusion.process import process_of
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Noise, Sample
from tlesynth.synthesis.counterfactual import DIFFERENCES, TABLE, change_of, counterfactuals, mesial_temporal
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import GRIDS, read_on

GRID = GRIDS["mni-3mm"]
SPREAD, STRENGTH = 0.02, 0.25
CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right")),
        Condition("age", low=20.0, high=60.0),
        Condition("hippocampus_left_mni_mm3", low=1000.0, high=5000.0),
    )
)
PROCESS = process_of(Noise(process="flow"))
TEMPLATE = load_template(GRID)
BRAIN = TEMPLATE.t1 > 0.1
WORLD = GRID.world()
SHRUNK = sample(TEMPLATE.t1[None], GRID, WORLD + exponential(-STRENGTH * pull("hippocampus", WORLD, "left"), GRID))[0]
LOSS = np.where(BRAIN, TEMPLATE.t1 - SHRUNK, 0).astype(np.float32)
"""What left TLE takes from the template."""


class Exact(nn.Module):
    """The best prediction for voxels N(m, SPREAD^2), where m is the template, less ``LOSS`` in left TLE."""

    def __init__(self) -> None:
        super().__init__()
        self.healthy = torch.from_numpy(np.where(BRAIN, TEMPLATE.t1, 0).astype(np.float32))[None]
        self.loss = torch.from_numpy(LOSS)[None]
        self.asked: list[list[float]] = []

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        self.asked += conditions.tolist()
        a, b = PROCESS.scales(times)
        ill = (conditions[:, 0] == 1) & (conditions[:, 1] == 0)
        mean = self.healthy - self.loss * ill.float().reshape(-1, 1, 1, 1, 1)
        unit = (z - a * mean) / (a**2 * SPREAD**2 + b**2)
        return PROCESS.target(mean + a * SPREAD**2 * unit, b * unit, times)


def models(sampler: str = "heun", guidance: float = 1.0) -> Synthesizer:
    """The volume itself is the latent."""
    coder = SimpleNamespace(grid=GRID, to_latents=lambda x: x, from_latents=lambda z: z.clamp(0, 1))
    diffusion = Diffusion(
        Exact(), PROCESS, CONDITIONS, (1, *GRID.shape), GRID.name, "a" * 64, {"hc": 1, "tle-left": 1}, "f" * 64, False
    )
    settings = Sample(sampler=cast(Any, sampler), steps=12, guidance=guidance)
    return Synthesizer(cast(Autoencoder, coder), diffusion, settings, 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cohort")
    writer = CohortWriter(root, GRID, "preproc", "Scans", "Scans.")
    people = pd.DataFrame(
        {"group": ["hc", "tle"], "side": [None, "left"], "age": [70, 30], "site": ["a", "b"]},
        index=["sub-hc", "sub-left"],
    )
    for seed, (name, side) in enumerate(people["side"].items()):
        noise = np.random.default_rng(seed).normal(0, SPREAD, GRID.shape)
        clean = TEMPLATE.t1 - LOSS * (side == "left")
        writer.write(str(name), (np.clip(clean + noise, 0.06, 1) * BRAIN).astype(np.float32), {})
    writer.finish(people)
    durable.write_table(
        root / "volumes.tsv",
        pd.DataFrame({"participant_id": list(people.index), "hippocampus_left_mni_mm3": [3000.0, 2000.0]}),
    )
    return root


@pytest.fixture(scope="module")
def asked(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("asked") / "what_if"
    return out, counterfactuals(models(), cohort, ["sub-hc"], {"group": "tle", "side": "left"}, {}, out)


def test_only_what_the_disease_changes_is_changed(asked: tuple[Path, pd.DataFrame]) -> None:
    row = asked[1].iloc[0]
    effect = np.abs(LOSS)[mesial_temporal(GRID) & BRAIN].mean()
    assert effect > 0.01 and row["change_inside"] == pytest.approx(effect, rel=0.3)
    assert row["change_outside"] < 0.005 and row["identity"] > 0.998
    assert row["round_trip"] < SPREAD / 2  # 12 steps there and 12 back
    assert row["left_change_percent"] < -8 and abs(row["right_change_percent"]) < 2
    assert row["asymmetry_change"] > 3  # positive where the left is smaller


def test_it_leaves_a_cohort_with_its_differences_and_its_table(asked: tuple[Path, pd.DataFrame], cohort: Path) -> None:
    out, table = asked
    made = read_cohort(out)
    assert made.desc == "counterfactual" and made.ids == ["sub-hc"]
    assert made.participants.loc["sub-hc", ["group", "side"]].tolist() == ["tle", "left"]
    written = durable.read_table(out / TABLE)
    assert written["participant_id"].tolist() == ["sub-hc"] and set(written) == set(table)
    path = volume_path(out / DIFFERENCES, "sub-hc", GRID, "counterfactual", "difference")
    difference = read_on(path, GRID)
    assert np.corrcoef(difference[BRAIN], -LOSS[BRAIN])[0, 1] > 0.9
    before, after = read_cohort(cohort).volume("sub-hc"), made.volume("sub-hc")
    rebuilt = after - difference
    # A drawn brain loses corners of its rim, where noise brings them near the background.
    kept = BRAIN & (after > 0.01) & (rebuilt > 0.01)
    assert kept.sum() > 0.98 * BRAIN.sum() and np.abs(rebuilt - before)[kept].max() < 2e-3
    facts = durable.read_json(made.volume_path("sub-hc").with_name(path.name.replace("difference.nii.gz", "T1w.json")))
    assert facts["Counterfactual"]["To"]["group"] == "tle" and facts["Counterfactual"]["From"]["group"] == "hc"


def test_a_scan_is_told_as_in_training(asked: tuple[Path, pd.DataFrame]) -> None:
    """An age beyond the range is the range's end, volumes come from volumes.tsv, an unknown column is left out."""
    facts = durable.read_json(next((asked[0] / "sub-hc/anat").glob("*.json")))["Counterfactual"]
    assert facts["From"] == {"group": "hc", "age": "60", "hippocampus_left_mni_mm3": "3000"}
    assert facts["To"] == facts["From"] | {"group": "tle", "side": "left"}


def test_the_scans_own_cohort_is_left_alone(cohort: Path) -> None:
    before = (cohort / "participants.tsv").read_bytes()
    with pytest.raises(TlesynthError, match="CFG-005"):
        counterfactuals(models(), cohort, [], {"group": "tle"}, {}, cohort)
    assert (cohort / "participants.tsv").read_bytes() == before


def test_the_counterfactuals_of_others_are_left_alone(asked: tuple[Path, pd.DataFrame], cohort: Path) -> None:
    with pytest.raises(TlesynthError, match=r"CFG-010.*sub-hc, who is not asked for"):
        counterfactuals(models(), cohort, ["sub-left"], {"group": "hc"}, {}, asked[0])


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_same_conditions_change_nothing(guidance: float, cohort: Path, tmp_path: Path) -> None:
    row = counterfactuals(models(guidance=guidance), cohort, ["sub-left"], {"group": "tle"}, {}, tmp_path / "out").iloc[
        0
    ]
    assert row["change_inside"] < 0.003 and row["change_outside"] < 0.003 and row["identity"] > 0.999


def test_the_healthy_have_no_side_and_given_conditions_win(cohort: Path, tmp_path: Path) -> None:
    made = models()
    counterfactuals(made, cohort, ["sub-left"], {"group": "hc"}, {"age": "40"}, tmp_path / "out")
    facts = durable.read_json(next((tmp_path / "out/sub-left/anat").glob("*.json")))["Counterfactual"]
    assert facts["From"]["side"] == "left" and facts["From"]["age"] == "40" and "side" not in facts["To"]
    told = {tuple(row) for row in np.nan_to_num(cast(Exact, made.diffusion.network).asked, nan=-1).tolist()}
    assert told == {(1, 0, 0.5, 0.25), (0, -1, 0.5, 0.25)}


def test_drawn_conditions_move_as_those_asked_for_bring_it(cohort: Path, tmp_path: Path) -> None:
    """A left hippocampus that is as expected of the healthy is asked to be as expected in left TLE, and no other."""
    name = "hippocampus_left_mni_mm3"
    rows = [{"group": "hc", name: 3000 + d} for d in (-200, 0, 200)]
    rows += [{"group": "tle", "side": "left", name: 2000 + d} for d in (-200, 0, 200)]
    completion = fit_completion(CONDITIONS.asked(rows, "test"), CONDITIONS, (name,))
    made = models()
    made = replace(made, diffusion=replace(made.diffusion, completion=completion))
    wishes = {"moved": {}, "named": {name: "2600"}, "back": {}}
    for wish, more in wishes.items():
        start, to = ("sub-left", {"group": "hc"}) if wish == "back" else ("sub-hc", {"group": "tle", "side": "left"})
        counterfactuals(made, cohort, [start], to | more, {}, tmp_path / wish)
    facts = {w: durable.read_json(next((tmp_path / w).glob("sub-*/anat/*.json")))["Counterfactual"] for w in wishes}
    assert float(facts["moved"]["To"][name]) == pytest.approx(2000, abs=5)
    assert facts["named"]["To"][name] == "2600"
    assert float(facts["back"]["To"][name]) == pytest.approx(3000, abs=5) and facts["back"]["From"][name] == "2000"


@pytest.mark.parametrize(
    ("subjects", "to", "code"),
    [
        (["sub-nobody"], {"group": "tle"}, "DATA-022"),
        ([], {"sex": "F"}, "CFG-011"),
        ([], {"side": "both"}, "CFG-011"),
        ([], {"age": "90"}, "CFG-011"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    cohort: Path, tmp_path: Path, subjects: list[str], to: dict[str, str], code: str
) -> None:
    with pytest.raises(TlesynthError) as caught:
        counterfactuals(models(), cohort, subjects, to, {}, tmp_path / "out")
    assert caught.value.code == code
    assert not list((tmp_path / "out").glob("sub-*")) if (tmp_path / "out").exists() else True


def test_a_sampler_without_a_way_back_gives_its_place_to_one_that_has(cohort: Path, tmp_path: Path) -> None:
    tables = []
    for sampler in ("dpm++", "heun"):
        tables.append(counterfactuals(models(sampler), cohort, ["sub-hc"], {"group": "tle"}, {}, tmp_path / sampler))
    pd.testing.assert_frame_equal(*tables)


def test_another_grid_is_refused(cohort: Path, tmp_path: Path) -> None:
    made = models()
    coder = SimpleNamespace(grid=GRIDS["mni-1.5mm"])
    with pytest.raises(TlesynthError) as caught:
        counterfactuals(replace(made, autoencoder=cast(Autoencoder, coder)), cohort, [], {}, {}, tmp_path / "out")
    assert caught.value.code == "NII-030"


def test_a_scan_of_which_nothing_is_left_is_refused(cohort: Path, tmp_path: Path) -> None:
    made = models()
    coder = SimpleNamespace(grid=GRID, to_latents=lambda x: x, from_latents=torch.zeros_like)
    with pytest.raises(TlesynthError, match="sub-hc") as caught:
        counterfactuals(
            replace(made, autoencoder=cast(Autoencoder, coder)), cohort, [], {"group": "tle"}, {}, tmp_path / "out"
        )
    assert caught.value.code == "NUM-006"


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_change_is_counted_where_it_is() -> None:
    before = np.where(BRAIN, TEMPLATE.t1, 0).astype(np.float32)
    lobes = mesial_temporal(GRID)
    found = change_of(before, before + np.float32(0.1) * (lobes & BRAIN), before, GRID)
    assert found.change_inside == pytest.approx(0.1, rel=1e-4) and found.change_outside == 0
    assert found.identity == pytest.approx(1) and found.round_trip == 0
    same = change_of(before, before, before, GRID)
    assert same.left_change_percent == same.right_change_percent == same.asymmetry_change == 0
    empty = change_of(np.where(BRAIN, 0.5, 0).astype(np.float32), before, before, GRID)
    assert empty.left_mm3 is None and empty.left_change_percent is None
