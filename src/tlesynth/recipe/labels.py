"""What the columns and values of a participants table mean."""

from __future__ import annotations

from tlesynth.recipe.section import Section


class Labels(Section):
    """Which columns of participants.tsv mean what, and which values name the groups."""

    group_column: str = "group"
    hc: tuple[str, ...] = ("hc", "HC", "control", "Control", "healthy", "Healthy")
    tle: tuple[str, ...] = ("tle", "TLE", "patient", "Patient")
    side_column: str = "side"
    left: tuple[str, ...] = ("left", "Left", "L", "l", "Left-TLE")
    right: tuple[str, ...] = ("right", "Right", "R", "r", "Right-TLE")
    hs_column: str = "hs"
    hs_yes: tuple[str, ...] = ("yes", "Yes", "1", "hs", "HS")
    hs_no: tuple[str, ...] = ("no", "No", "0")
    age_column: str = "age"
    sex_column: str = "sex"
    site_column: str = "site"
