"""Draws hold every group in its share, whatever the names are and however they are sorted."""

from collections import Counter

import numpy as np
import pandas as pd

from tlesynth.privacy.drawing import drawn, drawn_alike

CONTROLS, PATIENTS = [f"sub-C{n:03d}" for n in range(60)], [f"sub-P{n:03d}" for n in range(40)]
PEOPLE = pd.DataFrame(
    {"group": ["hc"] * 60 + ["tle"] * 40, "site": ["a", "b", "b"] * 33 + ["a"]}, index=pd.Index(CONTROLS + PATIENTS)
)


def mix(ids: list[str], column: str = "group") -> dict[str, int]:
    return dict(Counter(PEOPLE.loc[ids, column]))


def test_a_draw_has_the_mix_of_all() -> None:
    found = drawn(CONTROLS + PATIENTS, 50, PEOPLE, 1, "test")
    assert len(set(found)) == 50 and mix(found) == {"hc": 30, "tle": 20}
    assert abs(mix(found, "site")["a"] - 17) <= 2
    assert 5 <= mix(found[:10])["hc"] <= 7


def test_neither_order_nor_who_else_is_there_decides() -> None:
    mixed = list(np.random.default_rng(0).permutation(CONTROLS + PATIENTS))
    assert drawn(mixed, 50, PEOPLE, 1, "test") == drawn(CONTROLS + PATIENTS, 50, PEOPLE, 1, "test")
    together = [i for i in drawn(CONTROLS + PATIENTS, 100, PEOPLE, 1, "test") if i in CONTROLS]
    assert together == drawn(CONTROLS, 60, PEOPLE, 1, "test")


def test_another_seed_or_purpose_draws_others() -> None:
    one, two, three = (set(drawn(CONTROLS, 20, PEOPLE, *key)) for key in ((1, "a"), (2, "a"), (1, "b")))
    assert one != two and one != three


def test_everyone_is_drawn_equally_often() -> None:
    counts = Counter(i for seed in range(300) for i in drawn(CONTROLS + PATIENTS, 50, PEOPLE, seed, "test"))
    assert len(counts) == 100 and all(110 <= n <= 190 for n in counts.values())  # 150, sd 8.7


def test_both_sides_have_the_same_share_of_patients() -> None:
    first, second = CONTROLS[:20] + PATIENTS[:30], CONTROLS[20:50] + PATIENTS[30:]
    one, other = drawn_alike(first, second, 200, PEOPLE, 1, "test")
    assert mix(other) == {"hc": 30, "tle": 10} and mix(one) == {"hc": 20, "tle": 6}
    one, other = drawn_alike(first, second, 12, PEOPLE, 1, "test")
    assert mix(other) == mix(one) == {"hc": 9, "tle": 3}


def test_a_site_that_one_side_lacks_is_left_out() -> None:
    here, there = ([i for i in CONTROLS if PEOPLE["site"][i] == site] for site in "ab")
    one, other = drawn_alike(here[:10], there + here[10:], 200, PEOPLE, 1, "test")
    assert set(one) == set(here[:10]) and set(other) == set(here[10:])
    assert drawn_alike(here, there, 50, PEOPLE, 1, "test") == ([], [])


def test_a_group_that_one_side_lacks_is_left_out() -> None:
    one, other = drawn_alike(CONTROLS[:30], CONTROLS[30:] + PATIENTS, 50, PEOPLE, 1, "test")
    assert mix(one) == mix(other) == {"hc": 30}
    assert drawn_alike(CONTROLS, PATIENTS, 50, PEOPLE, 1, "test") == ([], [])
    assert drawn_alike([], PATIENTS, 50, PEOPLE, 1, "test") == ([], [])
