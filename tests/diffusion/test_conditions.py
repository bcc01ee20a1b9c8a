"""Conditions as numbers: null values, ranges, mirror images, dropout, and what the recipe leaves open."""

import math

import pandas as pd
import pytest
import torch

from tlesynth.diffusion.conditions import Condition, Conditions, conditions_of, read_conditions
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Category, Quantity

SIDE = Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left")))
LEFT = Condition("left_volume", low=2.0, high=4.0, mirror_of="right_volume")
RIGHT = Condition("right_volume", low=1.0, high=5.0, mirror_of="left_volume")
ALL = Conditions((Condition("group", ("hc", "tle")), SIDE, LEFT, RIGHT))


def plain(conditions: torch.Tensor) -> list[list[float | None]]:
    return [[None if math.isnan(v) else round(v, 6) for v in row] for row in conditions.tolist()]


def test_what_is_not_told_is_null() -> None:
    asked = ALL.asked([{"group": "tle", "side": "n/a", "left_volume": "3"}, {}], "here")
    assert plain(asked) == [[1, None, 0.5, None], [None] * 4]
    assert plain(ALL.null(1)) == [[None] * 4]


def test_scans_may_lie_outside_what_was_seen_wishes_may_not() -> None:
    table = pd.DataFrame({"group": ["ad"], "side": ["left"], "left_volume": [9.0]})
    assert plain(ALL.of_scans(table)) == [[None, 0, 1, None]]
    for wish in ({"group": "ad"}, {"left_volume": "9"}, {"left_volume": "big"}, {"size": "1"}):
        with pytest.raises(TlesynthError) as caught:
            ALL.asked([wish], "here")
        assert caught.value.code == "CFG-011"


def test_a_mirrored_scan_swaps_sides_and_volumes() -> None:
    table = pd.DataFrame({"side": ["left", "right", None], "left_volume": [3.0, 2, 4], "right_volume": [4.0, 3, 2]})
    mirrored = ALL.mirrored(ALL.of_scans(table))
    swapped = pd.DataFrame({"side": ["right", "left", None], "left_volume": [4.0, 3, 2], "right_volume": [3.0, 2, 4]})
    assert plain(mirrored) == plain(ALL.of_scans(swapped))
    assert plain(ALL.mirrored(mirrored)) == plain(ALL.of_scans(table))


def test_dropout_withholds_each_alone_and_all_together() -> None:
    some = Conditions((Condition("a", ("x", "y"), dropout=0.3), Condition("b", ("x", "y"))), unconditional=0.2)
    dropped = some.dropped(torch.zeros(40_000, 2), torch.Generator().manual_seed(0)).isnan().float()
    assert dropped[:, 1].mean() == pytest.approx(0.2, abs=0.01)
    assert dropped[:, 0].mean() == pytest.approx(0.2 + 0.8 * 0.3, abs=0.01)
    assert bool((dropped[:, 0] >= dropped[:, 1]).all())


def test_json_and_back() -> None:
    assert read_conditions(ALL.described()) == ALL


def test_the_training_set_fills_in_what_the_recipe_leaves_open() -> None:
    table = pd.DataFrame({"site": ["B", "A", None, "B"], "age": ["20", "n/a", "60", "31"], "one": [1, 1, 1, 1]})
    found = conditions_of({"site": Category(), "age": Quantity()}, table, 0.1, "index.tsv")
    assert found.items[0].values == ("A", "B") and (found.items[1].low, found.items[1].high) == (20, 60)
    declared = conditions_of({"age": Quantity(between=(0, 100))}, table, 0.1, "index.tsv")
    assert declared.items[0].encode("25", "here") == 0.25
    both = conditions_of({"side": Category(values=("l", "r"), mirror={"l": "r"})}, table.assign(side="l"), 0.1, "x")
    assert both.items[0].mirror == (("l", "r"), ("r", "l"))
    volumes = {"left": Quantity(mirror="right"), "right": Quantity(mirror="left")}
    pair = conditions_of(volumes, table.assign(left=range(len(table)), right=range(5, 5 + len(table))), 0.1, "x")
    assert {(item.low, item.high) for item in pair.items} == {(0, 4 + len(table))}
    for bad in ({"iq": Category()}, {"one": Quantity()}, {"site": Quantity()}):
        with pytest.raises(TlesynthError) as caught:
            conditions_of(bad, table, 0.1, "index.tsv")
        assert caught.value.code == "CFG-011"
