"""Parts that are too small say so; an effect that only one side has shows on that side alone."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from tlesynth.augment_study.resampling import draw
from tlesynth.augment_study.subgroups import parts_of, subgroups
from tlesynth.augment_study.verdicts import Subjects, subjects_of, verdicts_of
from tlesynth.metrics.statistics import Json, Resampling

Table = Callable[..., pd.DataFrame]


def people(table: pd.DataFrame) -> pd.DataFrame:
    truth = table.drop_duplicates("participant_id").set_index("participant_id")["truth"].sort_index()
    side = [("left", "right")[k % 2] if sick else None for k, sick in enumerate(truth)]
    return pd.DataFrame({"side": side, "age": np.arange(len(truth)) + 20.0}, index=truth.index)


def judged(table: pd.DataFrame, least: int) -> tuple[dict[tuple[str, str], Json], Subjects]:
    subjects = subjects_of(table, people(table))
    how = Resampling(100, 0.95, np.random.default_rng(0))
    draws = draw(subjects, zip(table["split"], table["seed"], strict=True), how)
    verdicts = {str(arm): verdicts_of(rows, subjects) for arm, rows in table.groupby("arm")}
    rows = subgroups(verdicts, subjects, draws, how, least=least, untouched={"sub-000"})
    return {(row["part"], row["value"]): row for row in rows}, subjects


def test_a_gain_on_one_side_shows_there(table: Table) -> None:
    made = table({"real": 1.0, "rival": 1.0, "chosen": 1.0}, per_class=60)
    side = made["participant_id"].map(people(made)["side"])
    lifted = (made["arm"] == "chosen") & (side == "left")
    made.loc[lifted, "probability"] = made.loc[lifted, "probability"] * 0.1 + 0.9
    rows, _ = judged(made, least=5)
    assert rows["side", "left"]["difference"]["low"] > 0
    assert rows["side", "right"]["difference"]["low"] < 0 < rows["side", "right"]["difference"]["high"]


def test_what_is_too_small_says_so(table: Table) -> None:
    rows, subjects = judged(table({"real": 1.0, "rival": 1.0, "chosen": 1.0}, per_class=12, splits=1), least=6)
    untouched = rows["untouched", "by any choice of the generator"]
    assert "at least 6 of each are needed" in untouched["not_computed"]
    bands = [part for part in parts_of(subjects, set()) if part.column == "age"]
    assert sum(int(part.chosen.sum()) for part in bands) == len(subjects), "every age stands in one band"
