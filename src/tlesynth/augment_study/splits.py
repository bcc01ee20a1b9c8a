"""Whom each training of the study learns from, who chooses, who judges; a judge that was learned from is refused.

The generator learned from gen_train, all of it. So the real training scans of every classifier are gen_train, whole:
on a part of it, synthetic scans would carry over what the plain arm may not see. Val and test are dealt out anew for
each split among the run's val and test, in the same numbers and strata; audit_holdout takes no part. Nor does anybody
whom the task does not ask about: controls, and patients of unknown side, where the task is the side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.classifier.scan_set import CLASSES, classes_of
from tlesynth.data.cohort import GROUPS, Cohort
from tlesynth.data.splits import assign, read_splits
from tlesynth.data.splits.making import beside
from tlesynth.data.splits.units import read_patients, units_of
from tlesynth.errors import fail
from tlesynth.metrics.statistics import FEWEST
from tlesynth.recipe import AugmentStudy, Split
from tlesynth.seeds import seed_of

LEARNED, CHOSE, JUDGED, SPARE = "gen_train", "val", "test", "audit_holdout"


@dataclass(frozen=True)
class StudySplit:
    """Participants that train, choose and judge; ``site`` is the one that is held out, where one is."""

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    site: str = ""


def study_splits(
    splits: Path, cohort: Cohort, settings: AugmentStudy, split: Split, *, seed: int, task: str = "tle"
) -> list[StudySplit]:
    """The repeated splits of the study, of the scans that ``task`` is about; each class is dealt out by itself.

    Raises:
        TlesynthError: CFG-002 if val and test are to be dealt out anew though a site is held out as test; DATA-008 if
            a class of the task is missing in a split; DATA codes if the table does not fit the cohort.
    """
    words = classes_of(cohort, task)
    members = _asked(read_splits(splits, cohort.ids), words)
    train, val, test = (tuple(members[name]) for name in (LEARNED, CHOSE, JUDGED))
    if settings.judges == "fixed":
        own = StudySplit("own", train, val, test)
        _require_both_classes(own, words, task, splits)
        return [own]
    if split.leave_one_site_out:
        why = "test is one site, which must not be mixed with val: set it to fixed"
        raise fail("CFG-002", "augment_study.judges", why)
    pool = sorted([*val, *test])
    if not (val and test):
        raise fail("DATA-008", splits, f"val has {len(val)} and test {len(test)} scans that the task {task} is about")
    # Each class gets its shares as a group does in the split stage.
    groups = [GROUPS[CLASSES[task].index(word)] for word in words[pool]]
    people, units = cohort.participants.loc[pool].assign(group=groups), _units(splits, cohort, split)[pool]
    units = pd.Series(pool, index=pool).groupby(units).transform("min")  # named by one of the pool
    shares = {"gen_train": 0.0, "audit_holdout": 0.0, "val": len(val) / len(pool), "test": len(test) / len(pool)}
    dealing = split.model_copy(update=shares)
    found = []
    for number in range(1, settings.splits + 1):
        dealt = assign(people, dealing, seed=seed_of(seed, "augment study", "split", number), units=units)
        chose, judged = (tuple(dealt.index[dealt == name]) for name in (CHOSE, JUDGED))
        found.append(StudySplit(f"split{number}", train, chose, judged))
        _require_both_classes(found[-1], words, task, splits)
    return found


def site_splits(
    splits: Path, cohort: Cohort, split: Split, task: str = "tle"
) -> tuple[list[StudySplit], dict[str, str]]:
    """One split for each site: no training or validation scan is of it, its held-out scans are the test.

    Returns the splits and, by site, why it has none. The generator did see the site: only a run of its own with
    ``split.leave_one_site_out`` holds a site out of that too.
    """
    words = classes_of(cohort, task)
    members = _asked(read_splits(splits, cohort.ids), words)
    site = cohort.participants["site"].fillna("").astype(str)
    units = _units(splits, cohort, split)
    found, left_out = [], {}
    sites = sorted(set(site) - {""})
    if len(sites) < 2:
        return [], {name: "it is the only site" for name in sites}
    for number, name in enumerate(sites, 1):
        there = units.isin(set(units[site == name]))
        pool = sorted([*members[CHOSE], *members[JUDGED]])
        test = tuple(i for i in pool if site[i] == name)
        val = tuple(i for i in pool if not there[i])
        train = tuple(i for i in members[LEARNED] if not there[i])
        fewest = min(_fewest(words, ids, task) for ids in (train, val, test))
        if fewest < FEWEST:
            left_out[name] = f"{fewest} scans of a class where {FEWEST} are needed"
        else:
            found.append(StudySplit(f"site{number}", train, val, test, name))
    return found, left_out


def require_unseen(found: Iterable[StudySplit], learned: Iterable[str], where: Path) -> None:
    """Refuse a split in which someone chooses or judges whom the generator, or the classifier itself, learned from.

    Raises:
        TlesynthError: DATA-030 naming the first.
    """
    learned = set(learned)
    for split in found:
        for role, ids in (("judges", split.test), ("chooses", split.val)):
            if leaked := sorted(set(ids) & learned):
                raise fail("DATA-030", where, f"{leaked[0]} {role} in {split.name}, and the generator learned from it")
            if leaked := sorted(set(ids) & set(split.train)):
                raise fail("DATA-030", where, f"{leaked[0]} {role} in {split.name}, and trains there")
        if both := sorted(set(split.val) & set(split.test)):
            raise fail("DATA-030", where, f"{both[0]} both chooses and judges in {split.name}")


def generator_learned_from(index: Path, splits: Path) -> set[str]:
    """Whose scans the generator was trained on: by the index of its latents, and by the splits as they now are.

    The index is needed: it alone remembers whom a generator learned from whose splits were changed since.

    Raises:
        TlesynthError: DATA-011 if a table is missing, DATA-001 if one is damaged.
    """
    learned: set[str] = set()
    for path in (index, splits):
        table = durable.read_table(path)
        if missing := [column for column in ("participant_id", "split") if column not in table]:
            raise fail("DATA-001", path, f"it has no column {missing[0]}")
        learned |= set(table["participant_id"][table["split"] == LEARNED])
    return learned


def _units(splits: Path, cohort: Cohort, split: Split) -> pd.Series:
    """Who must not be parted: ids of one patient, and ids of one scan that the split stage found."""
    path = beside(splits, "duplicates.tsv")
    together: list[tuple[str, str]] = []
    if path.is_file():
        table = durable.read_table(path)
        present = set(cohort.ids)
        pairs = zip(table["first"], table["second"], strict=True)
        together += [(str(a), str(b)) for a, b in pairs if a in present and b in present]
    if split.patients:
        together += read_patients(Path(split.patients), cohort.ids)
    return units_of(cohort.ids, together)


def _asked(members: dict[str, list[str]], words: pd.Series) -> dict[str, list[str]]:
    """Those of each split that the task is about."""
    asked = set(words.index)
    return {name: [i for i in ids if i in asked] for name, ids in members.items()}


def _fewest(words: pd.Series, ids: tuple[str, ...], task: str) -> int:
    """How many of ``ids`` are of the smaller class of the task."""
    here = words[list(ids)]
    return min(int((here == word).sum()) for word in CLASSES[task])


def _require_both_classes(split: StudySplit, words: pd.Series, task: str, where: Path) -> None:
    for role, ids in (("trains", split.train), ("chooses", split.val), ("judges", split.test)):
        if missing := [word for word in CLASSES[task] if word not in set(words[list(ids)])]:
            raise fail("DATA-008", where, f"in {split.name} no scan of {missing[0]} {role}")
