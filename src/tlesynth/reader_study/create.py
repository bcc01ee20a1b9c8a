"""Making a study: scans drawn by the seed, canonical copies, a list for each reader, the key beside it, the audit.

Nothing is published that the audit finds a leak in.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tlesynth import durable
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.errors import fail
from tlesynth.progress import say, track
from tlesynth.reader_study import audit, canonical, separation
from tlesynth.reader_study.key import Key, Truth, commitment, encoded, key_beside, write_key
from tlesynth.reader_study.power import power_of
from tlesynth.reader_study.protocol import PROTOCOL, protocol
from tlesynth.reader_study.selection import LEAST, Chosen, choose, largest, pool_of, require_numbers
from tlesynth.reader_study.study import (
    ANATOMY,
    CHOICES,
    CONVENTIONS,
    DESIGNS,
    QUESTIONS,
    SCALES,
    Convention,
    Design,
    Study,
    item_path,
    seal,
    write_study,
)
from tlesynth.reader_study.trial_lists import Lists, Question, lists_of, most_repeats, random_id
from tlesynth.seeds import generator, seed_of

MOST_READERS, MOST_USUAL_REPEATS = 64, 6
NAMES_SORTED, LISTS_SORTED = 10 * audit.ALPHA, 2 * audit.ALPHA
"""Names and lists that look more ordered than all but this share are drawn again: the audit then doubts none."""


@dataclass(frozen=True)
class Plan:
    """The size of a study: ``n`` questions to each of ``readers`` readers, besides warm-ups and repeats."""

    design: Design = "yes-no"
    n: int = 48
    readers: int = 3
    warm_ups: int = 4
    repeats: int = 6
    seed: int = 0
    convention: Convention = "neurological"
    anatomy: bool = False
    """Whether readers also score the anatomy of each scan, 1 to 5."""
    foreseeable: bool = False
    """Names and orders follow from the seed, so that it can be made again: only where nobody is to read it."""


@dataclass(frozen=True)
class Sources:
    """Where the scans come from; ``splits`` and ``from_split`` keep those out that the generator learnt from."""

    real: Path
    synthetic: Path
    splits: Path | None = None
    from_split: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A new study."""

    study: Study
    folder: Path
    key: Path


def create(sources: Sources, plan: Plan, out: Path, key: Path | None = None) -> Made:
    """Make the study ``plan`` of ``sources`` in ``out``; the truth goes to ``key``, beside it.

    Raises:
        TlesynthError: STUDY-002, -003, -004 or -007, CFG-005 if ``out`` or the key is there already, or what the
            cohorts raise.
    """
    out, key = Path(out), Path(key) if key else key_beside(out)
    _require_possible(plan, out, key)
    cohorts = {"real": read_cohort(sources.real), "synthetic": read_cohort(sources.synthetic)}
    pool = pool_of(cohorts["real"], cohorts["synthetic"], sources.splits, sources.from_split, plan.design)
    chosen = choose(pool, plan.design, plan.n, plan.warm_ups, plan.seed)
    if sources.splits is None:
        say("note: without --splits, scans that the generator learnt from may be among the real ones")
    readers = tuple(f"reader-{number}" for number in range(1, plan.readers + 1))
    lists, truth = _drawn(plan, chosen, readers)
    with durable.publishing(out) as folder:
        white = _write_items(folder, cohorts, truth)
        study = _study(folder, cohorts["real"], plan, truth, readers, _about(sources, plan, chosen, white))
        truth = replace(truth, seal=seal(study, lists.trials))
        study = replace(study, key_sha256=commitment(encoded(truth)))
        _write(folder, study, lists, truth)
        write_key(key, encoded(truth))
    return Made(study, out, key)


def possible(sources: Sources, design: Design, n: int, readers: int, warm_ups: int, seed: int) -> Plan:
    """A plan for a rehearsal, of ``n`` questions or as many as there are scans for, with what is usual for the rest.

    Raises:
        TlesynthError: STUDY-002 if there are too few scans for any, or what ``pool_of`` raises.
    """
    real, synthetic = read_cohort(sources.real), read_cohort(sources.synthetic)
    pool = pool_of(real, synthetic, sources.splits, sources.from_split, design)
    n = max(LEAST, min(n, largest(pool, design, warm_ups)))
    return Plan(design, n, readers, warm_ups, usual_repeats(n), seed, foreseeable=True)


def usual_repeats(n: int) -> int:
    """How many of ``n`` cases come again unless someone says otherwise."""
    return min(MOST_USUAL_REPEATS, n // 8)


def _require_possible(plan: Plan, out: Path, key: Path) -> None:
    if plan.design not in DESIGNS:
        raise fail("STUDY-003", f"--design {plan.design}", f"it is one of {', '.join(DESIGNS)}")
    if plan.convention not in CONVENTIONS:
        raise fail("STUDY-003", f"--convention {plan.convention}", f"it is one of {', '.join(CONVENTIONS)}")
    if plan.anatomy and plan.design == "2afc":
        raise fail("STUDY-003", "--anatomy", "a pair has two scans, and one score would be of neither")
    require_numbers(plan.design, plan.n, plan.warm_ups)
    if not 1 <= plan.readers <= MOST_READERS:
        raise fail("STUDY-003", f"--readers {plan.readers}", f"1 to {MOST_READERS} can take part")
    if not 0 <= plan.repeats <= most_repeats(plan.n):
        raise fail("STUDY-003", f"--repeats {plan.repeats}", f"of {plan.n}, 0 to {most_repeats(plan.n)} can come again")
    if out.resolve() in [key.resolve(), *key.resolve().parents]:
        raise fail("STUDY-003", "--key", "the key must not lie in the study, which readers' server can read")
    for path in (out, key):
        if path.exists():
            raise fail("CFG-005", path, "it is there already, and a study is never overwritten")


def _drawn(plan: Plan, chosen: Chosen, readers: tuple[str, ...]) -> tuple[Lists, Key]:
    """Lists and names from a new secret; one whose orders or names happen to look sorted is drawn again."""
    draws = generator(plan.seed, "study", "orders")
    attempt = 0
    while True:
        secret = _foreseen(plan.seed, attempt) if plan.foreseeable else secrets.token_hex(32)
        names = {t: random_id(secret, "item", t.origin, t.source) for question in _all(chosen) for t in question}
        lists = lists_of(secret, plan.design, readers, *_questions(chosen, names), plan.repeats)
        items = {item: truth for truth, item in sorted(names.items(), key=_id)}
        key = Key(random_id(secret, "study")[:16], secret, items, lists.repeats)
        names_look = separation.in_order(np.array([t.origin == "synthetic" for t in items.values()]), draws)
        lists_look = audit.orders(plan.design, lists.trials, key, draws)
        if names_look > NAMES_SORTED and min(lists_look.values()) > LISTS_SORTED:
            return lists, key
        attempt += 1


def _foreseen(seed: int, attempt: int) -> str:
    return "".join(f"{seed_of(seed, 'study', 'secret', attempt, part):016x}" for part in range(4))


def _all(chosen: Chosen) -> list[tuple[Truth, ...]]:
    return [*chosen.warm_ups, *chosen.cases]


def _id(named: tuple[Truth, str]) -> str:
    return named[1]


def _questions(chosen: Chosen, names: dict[Truth, str]) -> tuple[list[Question], list[Question]]:
    """Warm-ups and cases with the names of their items."""
    warm_ups, cases = (
        [Question(tuple(names[t] for t in scans), scans) for scans in part] for part in (chosen.warm_ups, chosen.cases)
    )
    return warm_ups, cases


def _write_items(folder: Path, cohorts: dict[str, Cohort], key: Key) -> float:
    """Write every item, in the order of their random names; the share of the brain that is white."""
    scans = key.items.values()
    shares = []
    for truth in track(scans, "looking at scans", len(scans)):
        voxels = cohorts[truth.origin].volume(truth.source)
        shares.append(canonical.saturated(voxels, canonical.brain(voxels, truth.source)))
    white = canonical.ceiling(shares)
    for item, truth in track(key.items.items(), "writing copies", len(scans)):
        voxels = cohorts[truth.origin].volume(truth.source)
        shown = canonical.canonical(voxels, canonical.brain(voxels, truth.source), white)
        canonical.write_item(item_path(folder, item), shown, cohorts[truth.origin].grid)
    for item in key.items:
        os.utime(item_path(folder, item), (canonical.EPOCH, canonical.EPOCH))
    return white


def _about(sources: Sources, plan: Plan, chosen: Chosen, white: float) -> dict[str, Any]:
    """What the methods paragraph tells of how the study was made."""
    real = [t for scans in chosen.cases for t in scans if t.origin == "real"]
    return {
        "cases": plan.n,
        "warm_ups": plan.warm_ups,
        "repeats": plan.repeats,
        "strata": dict(sorted(Counter(t.stratum for t in real).items())),
        "held_out": sources.splits is not None,
        "from_split": list(sources.from_split),
        "white": round(white, 4),
        "power": power_of(plan.design, plan.n, plan.readers),
    }


def _study(folder: Path, real: Cohort, plan: Plan, key: Key, readers: tuple[str, ...], about: dict[str, Any]) -> Study:
    return Study(
        id=key.study,
        design=plan.design,
        seed=plan.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        grid=real.grid.name,
        shape=real.grid.shape,
        spacing_mm=real.grid.spacing,
        window=canonical.WINDOW,
        question=QUESTIONS[plan.design],
        scale=SCALES[plan.design],
        choices=CHOICES[plan.design],
        readers=readers,
        items={item: durable.sha256(item_path(folder, item)) for item in key.items},
        key_sha256="",  # of the key that seals all of this: filled in then
        made=about,
        convention=plan.convention,
        anatomy=ANATOMY if plan.anatomy else (),
    )


def _write(folder: Path, study: Study, lists: Lists, key: Key) -> None:
    """Write what is public, if nothing in it tells real from synthetic.

    Raises:
        TlesynthError: STUDY-007 if something does.
    """
    write_study(folder, study, lists.trials)
    durable.write_text(folder / PROTOCOL, protocol(study))
    found = audit.channels(folder, study, lists.trials, key)
    durable.write_json(folder / audit.AUDIT, found)
    audit.require_none(folder, found)
