"""Which scans a study shows: drawn by a seed within strata, never by hand, as many real as synthetic of each."""

from __future__ import annotations

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
    if n < 2 or warm_ups < 0 or (not pairs and (n % 2 or warm_ups % 2)):
        raise fail("STUDY-003", "--n and --warm-up", "half of the scans are synthetic: give even numbers")
    each, each_warm = (n, warm_ups) if pairs else (n // 2, warm_ups // 2)
    drawn: dict[Origin, list[Truth]] = {
        "real": _shuffled(pool.real, seed),
        "synthetic": _shuffled(pool.synthetic, seed),
    }
    cases = _take(drawn, each, "cases")
    drawn["real"] = drawn["real"] + _shuffled(pool.reserve, seed)
    warm = _take(drawn, each_warm, "warm-ups")
    return Chosen(_questions(cases, pairs), _questions(warm, pairs))


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


def _take(drawn: dict[Origin, list[Truth]], each: int, what: str) -> dict[Origin, list[Truth]]:
    """Take ``each`` scans of both origins out of ``drawn``, stratum by stratum in one order."""
    strata = sorted({t.stratum for scans in drawn.values() for t in scans})
    room = {s: min(sum(t.stratum == s for t in scans) for scans in drawn.values()) for s in strata}
    given = allot(each, room)
    if sum(given.values()) < each:
        have = "; ".join(f"{s}: " + " and ".join(_count(o, scans, s) for o, scans in drawn.items()) for s in strata)
        raise fail("STUDY-002", "", f"the {what} need {each} of each origin and the same groups. There are {have}")
    taken: dict[Origin, list[Truth]] = {}
    for origin, scans in drawn.items():
        taken[origin] = [t for s in strata for t in [t for t in scans if t.stratum == s][: given[s]]]
        drawn[origin] = [t for t in scans if t not in taken[origin]]
    return taken


def _count(origin: Origin, scans: list[Truth], stratum: str) -> str:
    return f"{sum(t.stratum == stratum for t in scans)} {origin}"


def _questions(taken: dict[Origin, list[Truth]], pairs: bool) -> list[tuple[Truth, ...]]:
    if pairs:
        return list(zip(taken["real"], taken["synthetic"], strict=True))
    return [(t,) for t in [*taken["real"], *taken["synthetic"]]]
