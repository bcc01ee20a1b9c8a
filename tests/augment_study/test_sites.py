"""A site at which synthetic scans harm is a warning, even where the mean over sites is fine."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from tlesynth.augment_study.plan import Design
from tlesynth.augment_study.sites import by_site
from tlesynth.augment_study.splits import StudySplit
from tlesynth.metrics.statistics import Resampling
from tlesynth.recipe import AugmentStudy

Table = Callable[..., pd.DataFrame]
HOW = Resampling(100, 0.95, np.random.default_rng(0))


def design(*sites: str) -> Design:
    held_out = tuple(StudySplit(f"site{k}", (), (), (), name) for k, name in enumerate(sites, 1))
    return Design(("cnn3d",), ("real", "classical", "real+1"), {}, (), held_out, AugmentStudy())


def test_the_worst_site_warns(table: Table) -> None:
    fine = table({"real": 2.0, "classical": 2.0, "real+1": 6.0}, splits=1, seeds=1).assign(split="site1")
    harmed = table({"real": 2.0, "classical": 2.0, "real+1": 0.0}, splits=1, seeds=1, seed=1).assign(split="site2")
    test = pd.concat([fine, harmed])
    people = pd.DataFrame(index=pd.Index(sorted(set(test["participant_id"]))))
    choices = {"cnn3d": {name: {"arm": "real+1"} for name in ("site1", "site2")}}
    found = by_site(test, "cnn3d", "classical", design("North", "South"), choices, people, HOW)
    first, second = found["rows"]
    assert (first["site"], second["site"]) == ("North", "South")
    assert first["difference"]["value"] > 0.05 and second["difference"]["value"] < -0.05
    assert found["warning"] and found["limit"] == 0.05 and found["worst"] == second["difference"]["value"]
    mean = (first["difference"]["value"] + second["difference"]["value"]) / 2
    assert abs(found["mean"]["difference"]["value"] - mean) < 1e-5


def test_no_site_says_why() -> None:
    empty = pd.DataFrame(columns=["network", "split"])
    assert "no site was held out" in by_site(empty, "cnn3d", "real", design(), {}, empty, HOW)["not_computed"]
