"""Validation chooses the better ratio in each split, the smaller of equals, and no other arm."""

from collections.abc import Callable

import pandas as pd

from tlesynth.augment_study.choosing import choose

Table = Callable[..., pd.DataFrame]


def test_the_better_ratio_is_chosen_and_controls_are_not(table: Table) -> None:
    found = choose(table({"real": 9.0, "classical": 9.0, "real+0.5": 0.0, "real+2": 3.0}))
    assert set(found) == {"cnn3d"} and set(found["cnn3d"]) == {"split1", "split2", "split3"}
    assert {told["arm"] for told in found["cnn3d"].values()} == {"real+2"}


def test_the_smaller_of_equal_ratios(table: Table) -> None:
    made = table({"real+0.5": 1.0})
    found = choose(pd.concat([made.assign(arm="real+10"), made, made.assign(arm="real+2")]))
    assert {told["arm"] for told in found["cnn3d"].values()} == {"real+0.5"}
