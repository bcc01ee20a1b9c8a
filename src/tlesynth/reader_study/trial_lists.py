"""Each reader's own list: warm-ups, then the cases in an order of their own with some shown again later.

Everything here is drawn from the key's secret. A case comes again only after a fifth of the cases has gone by, so that
a reader judges it anew; the two of a pair then stand the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlesynth.reader_study.key import Truth
from tlesynth.reader_study.study import CHOICES, Design, Kind, Trial
from tlesynth.seeds import generator, seed_of

EARLY, LATE = 0.4, 0.6
"""Cases shown before the first share of the list may come again after the second."""


@dataclass(frozen=True)
class Lists:
    """Each reader's trials, and which trial shows which one again."""

    trials: dict[str, tuple[Trial, ...]]
    repeats: dict[str, str]


@dataclass(frozen=True)
class Question:
    """The items of one question, the real one first if there are two, and the answer that warm-ups give away."""

    items: tuple[str, ...]
    truths: tuple[Truth, ...]


def random_id(secret: str, *purpose: str | int) -> str:
    """32 hexadecimal digits (128 bits) that nobody can derive without the secret."""
    return "".join(f"{seed_of(int(secret, 16), *purpose, half):016x}" for half in range(2))


def lists_of(
    secret: str, design: Design, readers: tuple[str, ...], warm_ups: list[Question], cases: list[Question], repeats: int
) -> Lists:
    """The list of each reader; ``repeats`` cases are shown twice."""
    trials, again = {}, {}
    for reader in readers:
        draws = generator(int(secret, 16), "list", reader)
        practice = [_trial(secret, reader, "warm-up", q, swap, design) for q, swap in _mixed(warm_ups, design, draws)]
        first = [_trial(secret, reader, "case", q, swap, design) for q, swap in _mixed(cases, design, draws)]
        listed, shown_again = _with_repeats(secret, reader, first, repeats, draws)
        trials[reader] = (*practice, *listed)
        again |= shown_again
    return Lists(trials, again)


def most_repeats(n: int) -> int:
    """How many of ``n`` cases can be shown again at a distance."""
    return int(EARLY * n)


def _mixed(questions: list[Question], design: Design, draws: np.random.Generator) -> list[tuple[Question, bool]]:
    """The questions in random order; of pairs, every second is swapped, at random."""
    order = draws.permutation(len(questions))
    swaps = draws.permutation(np.arange(len(questions)) % 2 == 1) if design == "2afc" else np.zeros(len(order), bool)
    return [(questions[place], bool(swap)) for place, swap in zip(order, swaps, strict=True)]


def _trial(secret: str, reader: str, kind: Kind, question: Question, swap: bool, design: Design) -> Trial:
    items = question.items[::-1] if swap else question.items
    feedback = _feedback(question, swap, design) if kind == "warm-up" else None
    return Trial(random_id(secret, "trial", reader, kind, *question.items), kind, items, feedback)


def _feedback(question: Question, swap: bool, design: Design) -> str:
    truth = question.truths[0]
    if design == "yes-no":
        return "a person" if truth.origin == "real" else "made by a computer"
    if design == "2afc":
        return "the first was made by a computer" if swap else "the second was made by a computer"
    return CHOICES[design][str(truth.diagnosis)]


def _with_repeats(
    secret: str, reader: str, cases: list[Trial], repeats: int, draws: np.random.Generator
) -> tuple[list[Trial], dict[str, str]]:
    """The cases with some early ones shown again among the late ones."""
    early = draws.choice(most_repeats(len(cases)), repeats, replace=False)
    places = np.sort(draws.integers(int(np.ceil(LATE * len(cases))), len(cases) + 1, repeats))[::-1]
    listed, again = list(cases), {}
    for place, first in zip(places, early, strict=True):
        case = cases[first]
        name = random_id(secret, "trial", reader, "repeat", *sorted(case.items))
        listed.insert(int(place), Trial(name, "repeat", case.items[::-1]))
        again[name] = case.trial
    return listed, again
