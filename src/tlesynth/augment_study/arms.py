"""What each arm of the study learns from: a list of scans with their origin and the label they are taught with.

::

    real          the real training scans, nothing else
    classical     the same, varied anew each time (mirrored, moved, brighter): what every lab already does
    duplicated    each real scan twice: as many scans as real + synthetic 1:1, and nothing new
    reconstructed each real scan and its reconstruction by the autoencoder: what the generator's decoder does to scans
    real+R        R synthetic scans for each real one, in the real classes' ratio
    synthetic     synthetic scans alone, as many as there are real ones
    shuffled      real + synthetic 1:1 with the synthetic scans' labels shuffled: must not help
    permuted      the real scans with their labels shuffled, those of validation too: must guess
    more-real     real scans that the generator never saw beside them (simulated cohorts only)
    real-nN       N real scans: the learning curve
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth.classifier.arms import first_of
from tlesynth.recipe import AugmentStudy
from tlesynth.seeds import generator

REAL, CLASSICAL, CHOSEN = "real", "classical", "chosen"
SYNTHETIC, SHUFFLED, PERMUTED, DUPLICATED, RECONSTRUCTED, MORE = (
    "synthetic",
    "shuffled",
    "permuted",
    "duplicated",
    "reconstructed",
    "more-real",
)
CURVE = "real-n"


@dataclass(frozen=True)
class Item:
    """One scan of a training set: where it comes from (a cohort's name), whose it is, what it is taught as."""

    origin: str
    participant_id: str
    positive: bool


@dataclass(frozen=True)
class Pools:
    """Labels by participant_id of all scans that an arm may draw from."""

    real: pd.Series
    synthetic: pd.Series
    spare: pd.Series

    def counts(self, series: pd.Series) -> dict[bool, int]:
        """How many scans of each class."""
        return {positive: int((series == positive).sum()) for positive in (False, True)}


def ratio_arm(ratio: float) -> str:
    """The name of real + synthetic at ``ratio``."""
    return f"real+{ratio:g}"


def ratio_of(arm: str) -> float | None:
    """The ratio that ``arm`` is named after, if it is."""
    return float(arm.removeprefix("real+")) if arm.startswith("real+") else None


def wanted_arms(settings: AugmentStudy, pools: Pools, *, reconstructed: bool) -> tuple[list[str], dict[str, str]]:
    """The arms that can be made of ``pools``, and why each of the others cannot.

    ``reconstructed`` says whether the training scans' reconstructions are there.
    """
    names = [REAL, *(ratio_arm(r) for r in settings.ratios), *settings.controls]
    curve = [f"{CURVE}{n}" for n in settings.learning_curve]
    made, missing = [], {}
    for name in [*names, *curve]:
        if name == RECONSTRUCTED and not reconstructed:
            missing[name] = "there are no reconstructions of the training scans"
        elif why := _why_not(name, pools):
            missing[name] = why
        else:
            made.append(name)
    return made, missing


def _why_not(name: str, pools: Pools) -> str:
    real, made = pools.counts(pools.real), pools.counts(pools.synthetic)
    ratio = 1.0 if name in (SYNTHETIC, SHUFFLED) else ratio_of(name)
    if ratio is not None:
        short = [g for g in real if made[g] < round(ratio * real[g])]
        if short:
            asked = sum(round(ratio * n) for n in real.values())
            return f"{asked} synthetic scans are asked for in the real classes' ratio; there are {len(pools.synthetic)}"
    if name == MORE and not len(pools.spare):
        return "only a simulated cohort may spend the scans that its privacy audit holds back"
    if name.startswith(CURVE) and int(name.removeprefix(CURVE)) >= len(pools.real):
        return f"there are {len(pools.real)} real training scans"
    return ""


def compose(name: str, pools: Pools, seed: int) -> tuple[Item, ...]:
    """The training set of the arm ``name``; draws are prefixes of one permutation of each class under ``seed``."""
    real = _items(REAL, pools.real)
    if name in (REAL, CLASSICAL):
        return real
    if name == PERMUTED:
        return _shuffled(real, seed, PERMUTED)
    if name == DUPLICATED:
        return (*real, *real)
    if name == RECONSTRUCTED:
        return (*real, *_items(RECONSTRUCTED, pools.real))
    if name == MORE:
        return (*real, *_items(REAL, pools.spare))
    counts = pools.counts(pools.real)
    if name.startswith(CURVE):
        share = int(name.removeprefix(CURVE)) / len(pools.real)
        return _drawn(REAL, pools.real, {g: max(1, round(share * n)) for g, n in counts.items()}, seed)
    ratio = ratio_of(name) or 1.0
    made = _drawn(SYNTHETIC, pools.synthetic, {g: round(ratio * n) for g, n in counts.items()}, seed)
    if name == SHUFFLED:
        made = _shuffled(made, seed, SHUFFLED)
    return made if name == SYNTHETIC else (*real, *made)


def counts_of(items: tuple[Item, ...]) -> dict[str, int]:
    """How many scans of each origin."""
    found: dict[str, int] = {}
    for item in items:
        found[item.origin] = found.get(item.origin, 0) + 1
    return found


def _items(origin: str, labels: pd.Series) -> tuple[Item, ...]:
    return tuple(Item(origin, str(i), bool(positive)) for i, positive in labels.sort_index().items())


def _drawn(origin: str, labels: pd.Series, wanted: Mapping[bool, int], seed: int) -> tuple[Item, ...]:
    items: list[Item] = []
    for positive, n in wanted.items():
        chosen = first_of(labels, positive, n, seed, origin, int(positive))
        items += [Item(origin, i, positive) for i in chosen]
    return tuple(items)


def _shuffled(items: tuple[Item, ...], seed: int, purpose: str) -> tuple[Item, ...]:
    """The same scans with each other's labels."""
    labels = generator(seed, "arm", purpose).permutation(np.array([item.positive for item in items]))
    return tuple(Item(i.origin, i.participant_id, bool(p)) for i, p in zip(items, labels, strict=True))
