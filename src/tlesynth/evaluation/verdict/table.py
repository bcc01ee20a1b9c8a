"""The lights as a table: a row per figure."""

from __future__ import annotations

import pandas as pd

from tlesynth.metrics.statistics import Json

COLUMNS = ("question", "light", "light_colour", "figure", "colour", "value", "low", "high", "n", "floor", "limit_low")
COLUMNS += ("limit_high", "beside", "source", "not_computed")


def verdict_table(verdict: Json) -> pd.DataFrame:
    """Every figure of the section ``verdict`` with its colour, its limits and the place it was read from."""
    question_of = {name: key for key, asked in verdict["questions"].items() for name in asked["lights"]}
    rows = [
        {
            "question": question_of[name],
            "light": name,
            "light_colour": light["light"],
            "figure": figure["what"],
            "colour": figure["light"],
            "floor": figure.get("floor", {}).get("value"),
            "limit_low": figure.get("limits", [None])[0],
            "limit_high": figure.get("limits", [None])[-1],
            "beside": "yes" if "beside" in figure else "no",
            "source": figure["source"],
            "not_computed": figure.get("not_computed"),
        }
        | {key: figure.get(key) for key in ("value", "low", "high", "n")}
        for name, light in verdict["lights"].items()
        for figure in light["figures"]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
