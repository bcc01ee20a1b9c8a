"""The study from its plan to its ledger: declare, train everything, choose on validation, open test once, count.

::

    plan.json      what was declared, before the first training
    jobs/          one folder for each training (``training``)
    choices.json   the ratio that validation chose in each split
    opened.json    when test was opened, under which plan and which choices; written once, before it is
    ledger.json    every figure; ledger.tsv has the same as a table

Beside the run's splits, ``splits_opened.json`` counts the studies that opened its test scans (``openings``).

The same command goes on where it stopped; several may work side by side (``sharing.shard``), and the one that ends last
chooses, opens and counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tlesynth import durable
from tlesynth.augment_study import ledger, training
from tlesynth.augment_study.arms import REAL
from tlesynth.augment_study.choosing import choose
from tlesynth.augment_study.openings import record
from tlesynth.augment_study.plan import declare, plan_of
from tlesynth.augment_study.preparing import STATE, Folders, Prepared, prepare
from tlesynth.augment_study.sites import site_audit
from tlesynth.augment_study.training import Task
from tlesynth.augment_study.verdicts import read_verdicts
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import fail
from tlesynth.metrics.statistics import Json
from tlesynth.progress import bar, warn
from tlesynth.recipe import Recipe
from tlesynth.sharing import backends
from tlesynth.sharing.claims import Claims, holding, one_at_a_time, share

CHOICES, OPENED, LEDGER, TABLE = "choices.json", "opened.json", "ledger.json", "ledger.tsv"


@dataclass(frozen=True)
class State:
    """How far a study is: trainings in all and done, and the ledger once it is written."""

    trainings: int
    done: int
    ledger: Json | None = None


@dataclass(frozen=True)
class Round:
    """Something to be done for every task: train, or judge test."""

    label: str
    work: Callable[[Task], str]
    done: Callable[[Task], bool]


TRAIN = Round("trainings of the study", training.do_training, training.is_trained)
JUDGE = Round("judging test", training.judge_test, training.is_judged)


def augment_study(folders: Folders, out: Path, recipe: Recipe) -> State:
    """Run a study into the folder ``out``, or go on with it.

    Raises:
        TlesynthError: CFG-010 if ``out`` holds a study with another plan, OPS-010 if another run holds it, OPS-030 if
            trainings failed (the others are done), OPS-075 after a stop request, and what ``prepare`` raises.
    """
    sites = site_audit(folders.splits)
    if why := sites.get("warning"):
        warn(fail("DATA-012", "", f"{why}: the classifiers may learn the scanner"))
    with one_at_a_time(out / STATE / "declare"):
        ready = prepare(folders, out, recipe)
        planned = plan_of(
            ready.design,
            recipe.classifier,
            recipe.evaluation,
            seed=recipe.seed,
            steps=ready.steps,
            inputs=ready.inputs,
        )
        plan = declare(planned, out)
    tasks = {t.name: Task(t, ready.at) for t in ready.design.trainings()}
    with holding(out / STATE, together=bool(recipe.augment_study.sharing.shard)):
        _each(TRAIN, tasks, out, ready)
        with one_at_a_time(out / STATE / "gather"):
            return _finish(plan, tasks, out, ready, sites, folders.splits)


def _each(what: Round, tasks: dict[str, Task], out: Path, ready: Prepared) -> None:
    """Do this process's share of what is left, each task by one process only."""
    study = ready.at.study
    mine = share(list(tasks), study.sharing.part)

    def done(name: str) -> bool:
        return what.done(tasks[name])

    left = [name for name in tasks if name in set(mine) and not done(name)]
    if not left:
        return
    crew = backends.crew(
        what.work,
        study.sharing,
        training.lost,
        training.late,
        jobs=study.jobs,
        seconds=study.job_seconds,
        logs=out / STATE / "logs",
    )
    failed = 0
    with (
        bar(what.label, len(mine), done=len(mine) - len(left)) as shown,
        Claims(out / STATE / "claims") as claims,
        closing(crew.each((name, tasks[name]) for name in claims.granted(left, done))) as results,
    ):
        for name, why in results:
            failed += bool(why)
            claims.release(name)
            shown.advance(note=f"{failed} failed" if failed else "")


def _finish(plan: Json, tasks: dict[str, Task], out: Path, ready: Prepared, sites: Json, splits: Path) -> State:
    """Once every training is done: choose, open test, count. A shard whose fellows are still at work leaves it."""
    left = {name: task for name, task in tasks.items() if not training.is_trained(task)}
    if left:
        failed = {name: why for name, task in left.items() if (why := training.why_failed(task))}
        if len(failed) == len(left):
            first, why = next(iter(failed.items()))
            raise fail("OPS-030", out / "jobs" / first, f"{len(failed)} of {len(tasks)}: {why}")
        return State(len(tasks), len(tasks) - len(left))
    jobs = [task.at.folder(task.training) for task in tasks.values()]
    choices = choose(read_verdicts(folder / training.VALIDATION for folder in jobs))
    opened = _open(plan, choices, out) | {"study_of_run": record(splits, out, plan["hash"])}
    everything = Prepared(ready.design, ready.at.alone(), ready.steps, ready.inputs)
    _each(JUDGE, tasks, out, everything)
    real, made = (read_cohort(ready.at.cohorts[origin]) for origin in (REAL, training.SYNTHETIC))
    tables = ledger.Tables(
        read_verdicts(folder / training.TEST for folder in jobs),
        read_verdicts(path for folder in jobs if (path := folder / training.MADE).is_file()),
        real.participants,
        made.participants,
    )
    found = ledger.build(plan, ready.design, choices, tables) | {"opened": opened, "site_audit": sites}
    durable.write_json(out / LEDGER, found)
    durable.write_table(out / TABLE, ledger.as_table(found))
    return State(len(tasks), len(tasks), found)


def _open(plan: Json, choices: Json, out: Path) -> Json:
    """Write down that test is opened now, unless it was before; the choices are fixed first.

    Raises:
        TlesynthError: CFG-010 if it was opened under another plan or other choices.
    """
    under = {"plan": plan["hash"], "choices": durable.hash_of(choices)}
    path = out / OPENED
    if path.is_file():
        opened = durable.read_json(path, "DATA-001")
        if differ := sorted(key for key in under if opened.get(key) != under[key]):
            raise fail("CFG-010", path, f"test was opened under other {' and '.join(differ)}")
        return opened
    durable.write_json(out / CHOICES, choices)
    opened = {"opened_at": time.strftime("%Y-%m-%d %H:%M:%S %z")} | under
    durable.write_json(path, opened)
    return opened
