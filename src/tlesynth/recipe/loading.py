"""Reading a recipe: YAML, over the one it is based on, then ``--set a.b=c``; unknown keys are errors.

Every fault is reported at once.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tlesynth.errors import TlesynthError, fail
from tlesynth.recipe.section import Section
from tlesynth.recipe.whole import Recipe

RECIPES = Path(__file__).parents[1] / "recipes"
SHIPPED = ("paper", "recommended", "fine", "demo", "tiny")
LARGEST_RECIPE = 1_000_000
"""Bytes; a recipe is a page of text."""


def load(name_or_path: str | Path, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """Read a recipe by its name (one of ``SHIPPED``) or from a YAML file, then apply ``a.b=c`` overrides.

    ``base: NAME`` in the file starts from a shipped recipe: sections are merged key by key, anything else replaces.

    Raises:
        TlesynthError: CFG-001 for an unknown key, CFG-002 for a refused value, CFG-004 for unreadable YAML.
    """
    values = _read(name_or_path)
    for override in overrides:
        _override(values, override)
    return parse(values, str(name_or_path))


def parse(values: dict[str, Any], where: str) -> Recipe:
    """Validate ``values``; every fault is named in one error."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise _recipe_error(error, where) from error


def dump(recipe: Section) -> str:
    """The resolved recipe as YAML: every value, defaults included."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, width=100)


def _read(name_or_path: str | Path) -> dict[str, Any]:
    path = Path(name_or_path)
    if not path.suffix and not path.is_file():
        path = RECIPES / f"{name_or_path}.yaml"
    values = _read_yaml(path, str(name_or_path))
    base = values.pop("base", None)
    if base is None:
        return values
    if base not in SHIPPED or RECIPES / f"{base}.yaml" == path:
        raise fail("CFG-002", str(name_or_path), f"base: {base!r} is none of {', '.join(SHIPPED)}")
    return _merged(_read(base), values)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(base[key], over[key]) for key in base if _sections(base[key], over.get(key))}
    return base | over | both


def _sections(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _read_yaml(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_RECIPE:
            raise fail("CFG-004", name, f"larger than {LARGEST_RECIPE:,} bytes")
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise fail("CFG-004", name, "YAML aliases are not allowed")
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise fail("CFG-004", name, "no such recipe") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise fail("CFG-004", name, " ".join(str(error).split())) from error
    if not isinstance(values, dict):
        raise fail("CFG-004", name, "it is not a mapping of keys to values")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise fail("CFG-002", f"--set {override}", "write it as section.key=value")
    *parents, last = key.strip().split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise fail("CFG-001", f"--set {override}", f"{parent} is not a section")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise fail("CFG-002", f"--set {override}", "the value is not YAML") from error


def _recipe_error(error: ValidationError, where: str) -> TlesynthError:
    faults = error.errors()
    unknown = [f for f in faults if f["type"] == "extra_forbidden"]
    lines = []
    for fault in unknown or faults:
        key = ".".join(str(part) for part in fault["loc"]) or "recipe"
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(fault["loc"][-1]), _keys_of(fault["loc"][:-1]), n=1)
            lines.append(key + (f" (did you mean {near[0]}?)" if near else ""))
        else:
            lines.append(f"{key}: {fault['msg'].removeprefix('Value error, ')}")
    return fail("CFG-001" if unknown else "CFG-002", where, "; ".join(lines))


def _keys_of(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for part in location:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)
