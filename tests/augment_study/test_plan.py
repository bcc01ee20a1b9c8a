"""The plan names what decides, and its hash moves with everything that could be bent to a result."""

from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.augment_study.plan import Design, declare, plan_of
from tlesynth.augment_study.splits import StudySplit
from tlesynth.errors import TlesynthError
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import AugmentStudy, Classifier, Evaluation

SPLITS = tuple(StudySplit(f"split{k}", ("a",), ("b",), ("c",)) for k in (1, 2))
SITES = (StudySplit("site1", ("a",), ("b",), ("c",), "Hospital"),)
ARMS = ("real", "classical", "real+0.5", "shuffled")


def design(networks: tuple[str, ...] = ("cnn3d",), **settings: object) -> Design:
    study = AugmentStudy(**{"ratios": (0.5,), "seeds": 3, "site_seeds": 1, **settings})
    return Design(networks, ARMS, {}, SPLITS, SITES, study)


def plan(of: Design | None = None, seed: int = 1) -> Json:
    return plan_of(of or design(), Classifier(), Evaluation(), seed=seed, steps={"cnn3d": 9}, inputs={"splits": "x"})


def test_every_arm_seed_and_split_is_one_training_and_sites_have_the_compared_arms_alone() -> None:
    names = [training.name for training in design().trainings()]
    assert len(names) == len(set(names)) == 4 * 3 * 2 + 3
    assert [n for n in names if "site1" in n] == [f"cnn3d_{a}_site1_seed1" for a in ("real", "classical", "real+0.5")]


def test_volumes_have_nothing_to_vary_and_are_compared_with_real_scans() -> None:
    both = design(("cnn3d", "volumes"))
    assert both.arms_of("volumes") == ("real", "real+0.5", "shuffled")
    assert (both.rival_of("cnn3d"), both.rival_of("volumes")) == ("classical", "real")


def test_the_primary_comparison_is_in_the_plan() -> None:
    primary = plan()["primary"]
    assert (primary["network"], primary["rival"], primary["figure"]) == ("cnn3d", "classical", "auc_roc")


@pytest.mark.parametrize("change", [{"rival": "real"}, {"seeds": 4}, {"smallest_gain": 0.05}, {"power": 0.9}])
def test_the_hash_moves_with_what_decides(change: dict[str, object]) -> None:
    assert plan(design(**change))["hash"] != plan()["hash"] != plan(seed=2)["hash"]


def test_the_hash_does_not_move_with_how_it_is_run() -> None:
    assert plan(design(jobs=7, job_seconds=9.0))["hash"] == plan()["hash"]


def test_what_differs_is_named(tmp_path: Path) -> None:
    stands = declare(plan(), tmp_path)
    assert declare(plan(), tmp_path) == stands == durable.read_json(tmp_path / "plan.json")
    with pytest.raises(TlesynthError, match="these differ: seed, trainings|these differ: study, trainings") as caught:
        declare(plan(design(seeds=4)), tmp_path)
    assert caught.value.code == "CFG-010"
