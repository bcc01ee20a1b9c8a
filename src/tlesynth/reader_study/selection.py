"""Which scans a study shows: drawn by a seed within strata, never by hand, as many real as synthetic of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.errors import fail
from tlesynth.reader_study.key import Origin, Truth
from tlesynth.reader_study.study import Design
from tlesynth.seeds import generator

LEARNT = "gen_train"
LEAST = 2
"""Questions of the smallest study."""


@dataclass(frozen=True)
class Chosen:
    """Scans by question, real before synthetic: one scan each, or for 2afc a real and a synthetic one."""

    cases: list[tuple[Truth, ...]]
    warm_ups: list[tuple[Truth, ...]]


@dataclass(frozen=True)
class Pool:
    """Real scans that may be cases, those that may only be warm-ups, and synthetic scans."""

    real: list[Truth]
    reserve: list[Truth]
    synthetic: list[Truth]


def pool_of(real: Cohort, synthetic: Cohort, splits: Path | None, wanted: tuple[str, ...], design: Design) -> Pool:
    """Who may be shown. With ``splits`` only held-out real scans: those of the splits ``wanted``, or of all but one.

    Raises:
        TlesynthError: STUDY-003 if an option does not fit, STUDY-004 if gen_train is asked for, NII-030 if the cohorts
            lie on different grids.
    """
    if real.grid != synthetic.grid:
        raise fail("NII-030", synthetic.root, f"it is on {synthetic.grid.name}, the real scans on {real.grid.name}")
    if LEARNT in wanted:
        raise fail("STUDY-004", splits or "")
    if wanted and splits is None:
        raise fail("STUDY-003", "--from-split", "it needs --splits, the table that split wrote")
    held = _held_out(real, splits, wanted) if splits else None
    cases = [i for i in real.ids if held is None or i in held.cases]
    rest = [i for i in real.ids if held is not None and i in held.rest]
    sided = all(_sides_known(cohort, ids) for cohort, ids in ((real, [*cases, *rest]), (synthetic, synthetic.ids)))
    if design == "diagnosis" and not sided:
        raise fail("STUDY-003", "--design diagnosis", "a patient of one of the cohorts has no side")
    return Pool(
        _truths(real, cases, "real", sided),
        _truths(real, rest, "real", sided),
        _truths(synthetic, synthetic.ids, "synthetic", sided),
    )


def choose(pool: Pool, design: Design, n: int, warm_ups: int, seed: int) -> Chosen:
    """Draw the scans of ``n`` cases and of the warm-ups, no scan twice; both origins have the same strata.

    ``n`` counts questions: scans (half of them synthetic), or for 2afc pairs. The two of a pair are of one stratum.

    Raises:
        TlesynthError: STUDY-003 if a number is odd or too small, STUDY-002 if there are too few scans.
    """
    pairs = design == "2afc"
    require_numbers(design, n, warm_ups)
    if n > (most := largest(pool, design, warm_ups)):
        raise fail("STUDY-002", "", f"{_most(design, most, warm_ups)}. There are {_room(pool)}")
    each, each_warm = (n, warm_ups) if pairs else (n // 2, warm_ups // 2)
    drawn: dict[Origin, list[Truth]] = {
        "real": _shuffled(pool.real, seed),
        "synthetic": _shuffled(pool.synthetic, seed),
    }
    cases = _take(drawn, each)
    drawn["real"] = drawn["real"] + _shuffled(pool.reserve, seed)
    warm = _take(drawn, each_warm)
    return Chosen(_questions(cases, pairs), _questions(warm, pairs))


def require_numbers(design: Design, n: int, warm_ups: int) -> None:
    """Refuse numbers of questions that no study can have.

    Raises:
        TlesynthError: STUDY-003 if one is odd or too small.
    """
    if n < LEAST:
        raise fail("STUDY-003", f"--n {n}", f"a study asks at least {LEAST} questions")
    if warm_ups < 0:
        raise fail("STUDY-003", f"--warm-up {warm_ups}", "it is 0 or more")
    for name, count in (("--n", n), ("--warm-up", warm_ups)):
        if design != "2afc" and count % 2:
            raise fail("STUDY-003", f"{name} {count}", "half of the scans are synthetic: give an even number")


def largest(pool: Pool, design: Design, warm_ups: int) -> int:
    """The largest ``n`` for which ``choose`` finds scans, ``warm_ups`` given; 0 if there is none."""
    share = 1 if design == "2afc" else 2
    real, reserve, synthetic = (
        Counter(t.stratum for t in scans) for scans in (pool.real, pool.reserve, pool.synthetic)
    )
    room = {s: min(real[s], synthetic[s]) for s in real | synthetic}
    for each in range(sum(room.values()), 0, -1):
        given = allot(each, room)
        left = {s: min(real[s] + reserve[s], synthetic[s]) - given[s] for s in room}
        if sum(left.values()) >= warm_ups // share:
            return each * share
    return 0


def allot(n: int, room: dict[str, int]) -> dict[str, int]:
    """Share ``n`` among strata as evenly as ``room`` allows: first between the groups, then between the sides.

    Returns fewer than ``n`` where there is not enough room.
    """
    given = dict.fromkeys(room, 0)

    def load(stratum: str) -> tuple[int, int, str]:
        group = stratum.partition("-")[0]
        return sum(given[s] for s in given if s.partition("-")[0] == group), given[stratum], stratum

    for _ in range(n):
        if not (free := [s for s in room if given[s] < room[s]]):
            break
        given[min(free, key=load)] += 1
    return given


@dataclass(frozen=True)
class _HeldOut:
    cases: set[str]
    rest: set[str]


def _held_out(real: Cohort, splits: Path, wanted: tuple[str, ...]) -> _HeldOut:
    table = durable.read_table(splits)
    if missing := [c for c in ("participant_id", "split") if c not in table]:
        raise fail("DATA-001", splits, f"no column {missing[0]}")
    table = table[table["participant_id"].isin(real.ids)]
    held = table[table["split"] != LEARNT]
    if unknown := sorted(set(wanted) - set(held["split"])):
        raise fail("STUDY-003", "--from-split", f"no scan of {real.root.name} is in {unknown[0]!r}")
    cases = held[held["split"].isin(wanted)] if wanted else held
    return _HeldOut(set(cases["participant_id"]), set(held["participant_id"]) - set(cases["participant_id"]))


def _sides_known(cohort: Cohort, ids: Iterable[str]) -> bool:
    table = cohort.participants.loc[list(ids)]
    return bool(table.loc[table["group"] == "tle", "side"].notna().all())


def _truths(cohort: Cohort, ids: list[str], origin: Origin, sided: bool) -> list[Truth]:
    """The scans, without their sides where the other cohort does not know them: strata must fit both."""
    table = cohort.participants
    sides = {i: table.loc[i, "side"] if sided and table.loc[i, "group"] == "tle" else None for i in ids}
    return [Truth(origin, str(table.loc[i, "group"]), sides[i], i) for i in ids]


def _shuffled(scans: list[Truth], seed: int) -> list[Truth]:
    """In an order that depends on who is there, not on how a table lists them."""
    ordered = sorted(scans, key=lambda t: t.source)
    order = generator(seed, "study", ordered[0].origin).permutation(len(ordered)) if ordered else np.empty(0, int)
    return [ordered[place] for place in order]


def _take(drawn: dict[Origin, list[Truth]], each: int) -> dict[Origin, list[Truth]]:
    """Take ``each`` scans of both origins out of ``drawn``, stratum by stratum in one order."""
    strata = sorted({t.stratum for scans in drawn.values() for t in scans})
    room = {s: min(sum(t.stratum == s for t in scans) for scans in drawn.values()) for s in strata}
    given = allot(each, room)
    taken: dict[Origin, list[Truth]] = {}
    for origin, scans in drawn.items():
        taken[origin] = [t for s in strata for t in [t for t in scans if t.stratum == s][: given[s]]]
        drawn[origin] = [t for t in scans if t not in taken[origin]]
    return taken


def _most(design: Design, most: int, warm_ups: int) -> str:
    if most < LEAST:
        return f"not even --n {LEAST} is possible with --warm-up {warm_ups}"
    why = "the two of a pair are" if design == "2afc" else "half are synthetic, and both halves"
    return f"the largest possible is --n {most} with --warm-up {warm_ups}: {why} of the same groups and sides"


def _room(pool: Pool) -> str:
    """How many scans there are of each stratum, in words."""
    parts = {"real": pool.real, "real for warm-ups alone": pool.reserve, "synthetic": pool.synthetic}
    parts = {name: scans for name, scans in parts.items() if scans}
    strata = sorted({t.stratum for scans in parts.values() for t in scans})
    return "; ".join(
        f"{s}: {', '.join(f'{sum(t.stratum == s for t in scans)} {name}' for name, scans in parts.items())}"
        for s in strata
    )


def _questions(taken: dict[Origin, list[Truth]], pairs: bool) -> list[tuple[Truth, ...]]:
    if pairs:
        return list(zip(taken["real"], taken["synthetic"], strict=True))
    return [(t,) for t in [*taken["real"], *taken["synthetic"]]]
