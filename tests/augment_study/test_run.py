"""A study from its plan to its ledger on cohorts whose classes are plain to see; stopped, resumed, refused."""

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.augment_study import run as study
from tlesynth.augment_study import training
from tlesynth.augment_study.plan import Training
from tlesynth.augment_study.training import Task, Workplace
from tlesynth.data.simulate import subjects
from tlesynth.data.splits import make_splits
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Simulate, Split
from tlesynth.report import page
from tlesynth.sharing import backends

from .conftest import folders_of, small_recipe


@pytest.fixture(scope="module")
def finished(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole study, run once; tests that change it make a copy."""
    out = tmp_path_factory.mktemp("study")
    state = study.augment_study(folders_of(run), out, small_recipe())
    assert (state.trainings, state.done) == (6, 6)
    return out


def test_what_a_study_leaves(finished: Path) -> None:
    names = {f"efficientnet_{a}_split{s}_seed1" for a in ("real", "classical", "real+0.5") for s in (1, 2)}
    assert {folder.name for folder in (finished / "jobs").iterdir()} == names
    plan, ledger = (durable.read_json(finished / name) for name in ("plan.json", "ledger.json"))
    assert ledger["about"]["plan"] == plan["hash"] == ledger["opened"]["plan"]
    assert ledger["about"]["steps"] == {"efficientnet": 4}
    arms = ledger["networks"]["efficientnet"]["arms"]
    assert set(arms) == {"real", "classical", "real+0.5", "chosen"}
    assert arms["real"]["figures"]["auc_roc"]["n"] == ledger["about"]["judged"]["scans"]
    assert set(ledger["networks"]["efficientnet"]["chosen"]) == {"split1", "split2"}
    assert ledger["primary"]["rival"] == "classical" and ledger["primary"]["verdict"] in ledger["words"]["verdict"]
    table = durable.read_table(finished / "ledger.tsv")
    assert set(table["arm"]) == set(arms) and {"difference_low", "holm_p"} <= set(table.columns)


def test_a_second_study_of_the_run_is_told_to_be_the_second(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("splits_opened.json"))
    pretend(monkeypatch, [])
    found = []
    for name, ratio in (("elsewhere", 0.25), ("augmentation", 0.5)):
        out = tmp_path / "run" / name
        made = study.augment_study(folders_of(tmp_path / "run"), out, small_recipe(ratios=(ratio,))).ledger
        assert made is not None
        found.append(made["opened"]["study_of_run"])
    assert found == [1, 2]
    record = durable.read_json(tmp_path / "run" / "splits_opened.json")
    assert [one["study"] for one in record] == ["elsewhere", "augmentation"]
    assert record[1]["plan"] == durable.read_json(tmp_path / "run" / "augmentation" / "plan.json")["hash"]
    assert "for study number" in page.render(tmp_path / "run")


def test_only_tables_are_kept_of_a_finished_training(finished: Path) -> None:
    folder = finished / "jobs" / "efficientnet_real_split1_seed1"
    kept = {"validation.tsv", "probabilities.tsv", "synthetic.tsv", "settings.json", "metrics.csv", "done.json"}
    assert kept <= {f.name for f in folder.iterdir()}
    assert not {"checkpoints", "tensorboard", "model"} & {f.name for f in folder.iterdir()}


def test_every_arm_takes_as_many_steps(finished: Path) -> None:
    assert {durable.read_json(done)["steps"] for done in finished.glob("jobs/*/done.json")} == {4}


def test_the_same_again_trains_nothing_and_finds_the_same(
    finished: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (finished / "ledger.json").read_text()
    monkeypatch.setattr(training, "fit", lambda *_: pytest.fail("a finished training was done again"))
    study.augment_study(folders_of(run), finished, small_recipe())
    assert (finished / "ledger.json").read_text() == before


@pytest.mark.parametrize("change", [{"ratios": (0.25,)}, {"rival": "real"}, {"smallest_gain": 0.001}, {"seeds": 2}])
def test_a_declared_plan_cannot_be_changed(finished: Path, run: Path, change: dict[str, object]) -> None:
    with pytest.raises(TlesynthError, match="CFG-010"):
        study.augment_study(folders_of(run), finished, small_recipe(**change))


def test_how_it_is_run_is_no_part_of_the_plan(finished: Path, run: Path) -> None:
    study.augment_study(folders_of(run), finished, small_recipe(jobs=2, job_seconds=500.0))


def test_an_edited_plan_is_noticed(finished: Path, run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "study")
    plan = durable.read_json(finished / "plan.json")
    plan["primary"]["rival"] = "real"
    durable.write_json(tmp_path / "study" / "plan.json", plan)
    with pytest.raises(TlesynthError, match="edited after it was declared"):
        study.augment_study(folders_of(run), tmp_path / "study", small_recipe())


def pretend(monkeypatch: pytest.MonkeyPatch, broken: list[str]) -> list[str]:
    """Trainings and judgements that only write their tables, by chance; those in ``broken`` fail."""
    did: list[str] = []

    def table(task: Training, ids: tuple[str, ...]) -> pd.DataFrame:
        truth = ["tle" in i for i in ids]
        p = np.random.default_rng(len(did)).uniform(size=len(ids))
        known = {"network": task.network, "arm": task.arm, "split": task.split.name, "seed": task.seed}
        found = pd.DataFrame({"participant_id": ids, "truth": truth, "probability": p, "called": p > 0.5})
        return found.astype({"truth": int, "called": int}).assign(**known)

    def train(task: Training, at: Workplace, folder: Path) -> None:
        if task.name in broken:
            raise TlesynthError("NUM-001", task.name, "planted")
        did.append(task.name)
        durable.write_table(folder / training.VALIDATION, table(task, task.split.val))
        if task.arm == "real":
            durable.write_table(folder / training.MADE, table(task, task.split.val))

    def judge(task: Task) -> str:
        assert all(map(training.is_trained, [task]))
        durable.write_table(
            task.at.folder(task.training) / training.TEST, table(task.training, task.training.split.test)
        )
        return ""

    monkeypatch.setattr(training, "_train", train)
    monkeypatch.setattr(study, "JUDGE", study.Round("judging", judge, training.is_judged))
    return did


def test_test_is_opened_only_after_all_trainings(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One training fails: nothing is judged, the rest is kept, and the same command only does what is left."""
    broken = ["efficientnet_real+0.5_split2_seed1"]
    did = pretend(monkeypatch, broken)
    with pytest.raises(TlesynthError, match="OPS-030.*1 of 6: .*planted") as caught:
        study.augment_study(folders_of(run), tmp_path, small_recipe())
    assert caught.value.exit_status == 4 and str(caught.value).count("Do: ") == 1
    assert len(did) == 5
    assert not list(tmp_path.glob("jobs/*/probabilities.tsv")) and not (tmp_path / "opened.json").exists()
    did.clear()
    name = broken.pop()
    assert study.augment_study(folders_of(run), tmp_path, small_recipe()).ledger is not None
    assert did == [name]
    assert not list(tmp_path.glob("jobs/*/failed.json"))


def test_shards_share_the_work_and_the_last_one_counts(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = pretend(monkeypatch, [])
    first = study.augment_study(folders_of(run), tmp_path, small_recipe(sharing={"shard": "1/2"}))
    assert (first.trainings, first.done, first.ledger) == (6, 3, None)
    last = study.augment_study(folders_of(run), tmp_path, small_recipe(sharing={"shard": "2/2"}))
    assert last.done == 6 and last.ledger is not None
    assert len(did) == len(set(did)) == 6


def test_a_cluster_does_each_training_once_and_counts(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's own scheduler and workers, in threads of this process; test_backends has processes and job scripts."""
    distributed = pytest.importorskip("distributed", reason="tlesynth[cluster] is not installed")

    @contextmanager
    def client(*_: object) -> Generator[Any]:
        with distributed.Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as opened:
            yield opened

    monkeypatch.setattr(backends, "dask_client", client)
    monkeypatch.setattr(backends, "Apart", lambda work, *_: work)
    monkeypatch.setattr(backends, "POLL_S", 0.02)
    did = pretend(monkeypatch, [])
    state = study.augment_study(folders_of(run), tmp_path, small_recipe(sharing={"backend": "dask", "workers": 2}))
    assert (state.done, len(did), len(set(did))) == (6, 6, 6) and state.ledger is not None


def test_b16_a_confounded_cohort_is_warned_of_by_the_study_and_on_its_page(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The simulator's confounded scenario: two sites scan controls only."""
    shutil.copytree(run, tmp_path / "run")
    people = durable.read_table(run / "derivatives" / "participants.tsv")
    design = subjects.design(Simulate(n_hc=14, n_tle=14, sites=3, scenario="confounded"), 0)
    sites = {group: [f"site{a.site}" for a in design if a.group == group] for group in ("hc", "tle")}
    people["site"] = people["group"].map(lambda group: sites[group].pop())
    durable.write_table(tmp_path / "run" / "derivatives" / "participants.tsv", people)
    table = tmp_path / "run" / "splits.tsv"
    make_splits(tmp_path / "run" / "derivatives", table, Split(given=str(run / "splits.tsv")), seed=0)
    capsys.readouterr()
    pretend(monkeypatch, [])
    out = tmp_path / "run" / "augmentation"
    found = study.augment_study(folders_of(tmp_path / "run"), out, small_recipe()).ledger
    assert found is not None and "site alone predicts the group with an AUC of" in found["site_audit"]["warning"]
    assert "warning[DATA-012]" in capsys.readouterr().err
    told = page.render(tmp_path / "run")
    assert "site and group are confounded" in told and "learned the scanner instead of the disease" in told


def test_splits_made_elsewhere_are_said_not_to_be_audited(finished: Path) -> None:
    assert "not audited" in durable.read_json(finished / "ledger.json")["site_audit"]["not_computed"]


def test_test_opened_under_other_choices_is_refused(finished: Path, run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "study")
    opened = tmp_path / "study" / "opened.json"
    opened.write_text(json.dumps(durable.read_json(opened) | {"choices": "others"}))
    with pytest.raises(TlesynthError, match="test was opened under other choices"):
        study.augment_study(folders_of(run), tmp_path / "study", small_recipe())


def test_arms_of_a_split_and_seed_are_paired(finished: Path) -> None:
    """Equal initial weights and order: the arms real and real+0.5 share their seed, two splits do not."""
    seeds = {
        name: durable.read_json(finished / "jobs" / f"efficientnet_{name}_seed1" / "settings.json")["seed"]
        for name in ("real_split1", "real+0.5_split1", "real_split2")
    }
    assert seeds["real_split1"] == seeds["real+0.5_split1"] != seeds["real_split2"]
