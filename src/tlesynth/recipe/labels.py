"""What the columns and values of a cohort's tables mean: by hand, by the name of a ready mapping, or by a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, field_validator, model_validator

from tlesynth.recipe.section import Section

READY = Path(__file__).parents[1] / "recipes" / "labels"
LARGEST = 100_000
"""Bytes of a mapping file."""
RANGE = re.compile(r"^(\d+)-(\d+)$")

Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: _texts(value))]


class Labels(Section):
    """Which tables and columns mean what, and which values name the groups.

    A recipe may say ``labels: ds004469`` (a ready mapping), ``labels: my_labels.yaml`` (a file), or list the keys;
    with ``like: ds004469`` the keys listed change that mapping. Values are compared as they are written; one with
    ``*`` stands for any text there.
    """

    about: str = ""
    """What a reader of the cohort should know; shown by ``inspect``."""
    table: Texts = ("participants.tsv",)
    """Tables (TSV or CSV) relative to the BIDS folder; rows of several are put together."""
    id_column: str = "participant_id"
    id_prefix: str = ""
    """Put before an id of the table that consists of digits alone, after ``sub-``."""
    id_width: Annotated[int, Field(ge=0, le=20)] = 0
    """Digits to which an id of digits alone is filled with zeros: 3 makes ``7`` ``007``."""
    session_column: str = "session_id"
    """Where a participant has several rows, the one of the chosen scan's session counts; else the first."""
    session: str = ""
    """The one session to read (``pre`` or ``ses-pre``); empty takes the first by the rule in ``sources/scans.py``."""
    group_column: str = "group"
    hc: Texts = ("hc", "HC", "control", "Control", "healthy", "Healthy")
    tle: Texts = ("tle", "TLE", "patient", "Patient")
    ignore: dict[str, str] = {}
    """Group values left out on purpose, each with its reason."""
    group_by_id: dict[Literal["hc", "tle"], Texts] = {}
    """Ids (``4001-4100``, ``C*``) whose group the id tells, where no table has a group for anybody among them."""
    side_column: str = "side"
    left: Texts = ("left", "Left", "L", "l", "Left-TLE")
    right: Texts = ("right", "Right", "R", "r", "Right-TLE")
    side_unknown: Texts = ("bilateral", "Bilateral", "Bi-TLE", "unknown", "Unknown", "Unknown-TLE", "B", "U")
    """Values of patients whose side is not one of the two; any other value is reported."""
    hs_column: str = "hs"
    hs_yes: Texts = ("yes", "Yes", "1", "hs", "HS")
    hs_no: Texts = ("no", "No", "0")
    hs_unknown: Texts = ("unknown", "Unknown")
    age_column: str = "age"
    age_bins: bool = False
    """Read ``25 to 29`` as 27, its middle; ``Over 40`` and ``40+`` as 40, ``Less than 1`` as 0.5, half the bound."""
    sex_column: str = "sex"
    female: Texts = ("f", "F", "female", "Female", "FEMALE")
    male: Texts = ("m", "M", "male", "Male", "MALE")
    site_column: str = "site"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: Any) -> Any:
        if isinstance(value, str):
            return mapping(value)
        if isinstance(value, dict) and "like" in value:
            own = {key: item for key, item in value.items() if key != "like"}
            return mapping(str(value["like"])) | own
        return value

    @field_validator("table")
    @classmethod
    def _inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"{name!r} must lie inside the BIDS folder")
        if not value:
            raise ValueError("name at least one table")
        return value

    @model_validator(mode="after")
    def _one_meaning(self) -> Labels:
        for kinds in (("hc", "tle", "ignore"), ("left", "right", "side_unknown"), ("hs_yes", "hs_no", "hs_unknown")):
            seen: dict[str, str] = {}
            for kind in kinds:
                for text in getattr(self, kind):
                    if text in seen:
                        raise ValueError(f"{text!r} stands in {seen[text]} and in {kind}")
                    seen[text] = kind
        return self


def ready_mappings() -> list[str]:
    """The names of the mappings that come with tlesynth."""
    return sorted(path.stem for path in READY.glob("*.yaml"))


def mapping(name: str) -> dict[str, Any]:
    """The keys of a ready mapping, or of a YAML file where ``name`` is a path.

    Raises:
        ValueError: if there is no such mapping or file, or it is not a mapping of keys.
    """
    is_path = "/" in name or name.endswith((".yaml", ".yml"))
    if not is_path and name not in ready_mappings():
        known = ", ".join(ready_mappings())
        raise ValueError(f"no ready mapping is called {name!r}; there are {known}; a file's name ends in .yaml")
    path = Path(name) if is_path else READY / f"{name}.yaml"
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{name} is larger than {LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError(f"{name}: YAML aliases are not allowed")
        values = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or "like" in values:
        raise ValueError(f"{name} is not a plain mapping of label keys")
    return values


def _texts(value: Any) -> Any:
    """YAML reads 0, 1, yes and no as numbers and truth values; a table holds text."""
    items = value if isinstance(value, list | tuple) else [value]
    words = {True: "yes", False: "no"}
    return tuple(words[i] if isinstance(i, bool) else str(i) if isinstance(i, int | float) else i for i in items)
