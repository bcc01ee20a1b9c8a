"""The benchmark of a whole training: its settings are the documented ones, its goals hold for their size alone."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from tlesynth import recipe

Load = Callable[[str], ModuleType]
DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_it_trains_what_the_docs_name_but_for_the_weights_it_starts_from(part: Load) -> None:
    whole = part("classifier/whole")
    words = next(line for line in DOCS.read_text().splitlines() if line.startswith("`--set classifier.batch_size"))
    named = set(words.split("`")[1].split()[1:])
    assert named - set(whole.SETTINGS) == {"classifier.pretrained=true"}
    classifier = recipe.load("paper", list(whole.SETTINGS)).classifier
    steps = classifier.epochs * -(-whole.SUBJECTS // classifier.scans_a_step)
    assert steps == 260 and "260 steps" in words and not classifier.pretrained


def test_ten_minutes_are_asked_of_the_size_they_are_about(part: Load) -> None:
    goals = part("classifier/whole").goals
    assert goals(400, 599.0, 900.0, 0.1) == {
        "minutes": {"wall": 9.98, "cores": 7.5, "most": 10.0, "met": True},
        "loading": {"most": 0.5, "met": True},
    }
    assert not goals(400, 601.0, 900.0, 0.1)["minutes"]["met"] and not goals(400, 1.0, 1.0, 0.6)["loading"]["met"]
    assert "met" not in goals(60, 10.0, 10.0, 0.1)["minutes"]


def test_nobody_who_judges_was_taught_or_chose(part: Load) -> None:
    whole = part("classifier/whole")
    splits = ("gen_train", "val", "test", "audit_holdout")
    people = pd.DataFrame({"split": splits}, index=[f"sub-{s}" for s in splits])
    judges = whole.ids_in(people, whole.HELD_OUT)
    assert judges == ["sub-test", "sub-audit_holdout"]
    assert not set(judges) & set(whole.ids_in(people, (whole.TRAINED, whole.CHOOSE)))


@pytest.mark.parametrize(("n", "cell"), [(400, "yes"), (60, "")])
def test_its_row_of_the_table(part: Load, n: int, cell: str) -> None:
    goals = part("classifier/whole").goals(n, 300.0, 500.0, 0.02)
    result = {"scans": {"training": n}, "steps": 260, "loading_share": 0.02} | goals
    time, loading = part("classifier/table")._whole(result)
    assert time == [f"2D classifier on {n} scans, 260 steps", "5.0 min", "", "", "under 10 min", cell]
    assert loading[1] == "2.0 %" and loading[-1] == "yes"
