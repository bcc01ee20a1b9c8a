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
    for column in ("site", "group"):
        if column in participants:
            first, second = _shared(first, second, participants[column].astype(str))
    groups = participants["group"]
    second = drawn(second, most, participants, seed, purpose)
    wanted, there = (Counter(groups.loc[list(side)]) for side in (second, first))
    times = min([there[g] / n for g, n in wanted.items()] + [most / max(len(second), 1)])
    chosen = [
        name
        for group, n in wanted.items()
        for name in drawn([i for i in first if groups[i] == group], int(times * n + 1e-9), participants, seed, purpose)
    ]
    return drawn(chosen, most, participants, seed, purpose), second


def _shared(first: Sequence[str], second: Sequence[str], told: pd.Series) -> tuple[list[str], list[str]]:
    """Those of either of whom is ``told`` what both sides have: a site held out whole is known by its scanner."""
    both = set(told.loc[list(first)]) & set(told.loc[list(second)])
    return [i for i in first if told[i] in both], [i for i in second if told[i] in both]


def _stratum(participants: pd.DataFrame, name: str) -> tuple[str, str]:
    told = participants.loc[name]
    return str(told["group"]), str(told.get("site"))
