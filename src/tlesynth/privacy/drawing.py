"""Which scans stand for all where only so many are asked: a draw by seed, in the mix of groups and sites.

A participant's place in the draw hangs on the seed and the name alone, so neither the order of the names nor who else
is there decides: cohorts list all controls first, and their first fifty hold no patient.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import pandas as pd

from tlesynth.seeds import seed_of


def drawn(ids: Sequence[str], most: int, participants: pd.DataFrame, seed: int, purpose: str) -> list[str]:
    """At most ``most`` of ``ids``, each group and site in its share (to within one), in an order that tells nothing.

    ``participants`` has the columns group and site by participant; a site that is not told is one of its own.
    """
    strata: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(ids, key=lambda i: seed_of(seed, purpose, i)):
        strata[_stratum(participants, name)].append(name)
    places = {name: (at + 0.5) / len(s) for s in strata.values() for at, name in enumerate(s)}
    return sorted(places, key=lambda i: (places[i], seed_of(seed, purpose, i)))[:most]


def drawn_alike(
    first: Sequence[str], second: Sequence[str], most: int, participants: pd.DataFrame, seed: int, purpose: str
) -> tuple[list[str], list[str]]:
    """At most ``most`` of either, with the same share of patients on both sides, so that a group is no tell-tale.

    ``second`` is drawn first and ``first`` follows its mix, as many as there are; a group or a site that only one side
    has is left out.
    """
    first, second = _at_shared(first, second, participants["site"].astype(str) if "site" in participants else None)
    groups = participants["group"]
    shared = set(groups.loc[list(first)]) & set(groups.loc[list(second)])
    second = drawn([i for i in second if groups[i] in shared], most, participants, seed, purpose)
    wanted, there = (Counter(groups.loc[list(side)]) for side in (second, first))
    times = min([there[g] / n for g, n in wanted.items()] + [most / max(len(second), 1)])
    chosen = [
        name
        for group, n in wanted.items()
        for name in drawn([i for i in first if groups[i] == group], int(times * n + 1e-9), participants, seed, purpose)
    ]
    return drawn(chosen, most, participants, seed, purpose), second


def _at_shared(
    first: Sequence[str], second: Sequence[str], sites: pd.Series | None
) -> tuple[Sequence[str], Sequence[str]]:
    """Those of either at sites that both have; a site held out whole is told by its scanner."""
    if sites is None:
        return first, second
    shared = set(sites.loc[list(first)]) & set(sites.loc[list(second)])
    return [i for i in first if sites[i] in shared], [i for i in second if sites[i] in shared]


def _stratum(participants: pd.DataFrame, name: str) -> tuple[str, str]:
    told = participants.loc[name]
    return str(told["group"]), str(told.get("site"))
