"""What a latent is conditioned on: columns of the participants table as numbers, the mirror image, dropout.

Conditions of B scans are one tensor (B, K) float32, a column each: the index of a category's value, or a quantity
mapped to [0, 1] over its range. NaN is the null value, the paper's "class dropout" embedding: it stands for "not
told". A patient whose side nobody wrote down has it, every healthy control's side is it, and guidance needs it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from tlesynth.errors import fail
from tlesynth.recipe import Category, Quantity

NULL = math.nan
MISSING = {"", "n/a", "nan", "none"}


def is_missing(value: object) -> bool:
    """Whether ``value`` is how a table or a request says that nothing is known."""
    return str(value).strip().lower() in MISSING


@dataclass(frozen=True)
class Condition:
    """One column: a category with ``values``, or a quantity between ``low`` and ``high``."""

    name: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    dropout: float = 0.0
    mirror: tuple[tuple[str, str], ...] = ()
    """Of a category: pairs of a value and its name after the scan is mirrored."""
    mirror_of: str = ""
    """Of a quantity: the condition whose value it takes after the scan is mirrored."""

    @property
    def quantity(self) -> bool:
        """Whether it is a number."""
        return not self.values

    def encode(self, value: Any, where: str) -> float:
        """The number of ``value``; NaN if it is missing.

        Raises:
            TlesynthError: CFG-011 for a value that was never seen, or outside the range.
        """
        if is_missing(value):
            return NULL
        text = str(value).strip()
        if not self.quantity:
            if text not in self.values:
                raise fail("CFG-011", where, f"{self.name}={text} was not seen in training; {self.name} is {self.told}")
            return float(self.values.index(text))
        try:
            number = float(text)
        except ValueError:
            raise fail("CFG-011", where, f"{self.name}={text} is no number; {self.name} is {self.told}") from None
        slack = 1e-6 * (self.high - self.low)
        if not self.low - slack <= number <= self.high + slack:
            raise fail("CFG-011", where, f"{self.name}={text} is outside what was trained; {self.name} is {self.told}")
        return (number - self.low) / (self.high - self.low)

    def of_scan(self, value: Any) -> float:
        """The number of a scan's ``value``: what was never seen is null, a quantity is clamped to the range."""
        text = str(value).strip()
        if self.quantity:
            number = pd.to_numeric(pd.Series([text]), errors="coerce")[0]
            return NULL if math.isnan(number) else min(max((number - self.low) / (self.high - self.low), 0.0), 1.0)
        return float(self.values.index(text)) if text in self.values else NULL

    def decode(self, number: float) -> str:
        """The value that ``encode`` makes ``number`` of, as text."""
        if not self.quantity:
            return self.values[int(number)]
        value = self.low + number * (self.high - self.low)
        short = f"{value:.6g}"
        return short if self.low <= float(short) <= self.high else str(float(value))

    @property
    def told(self) -> str:
        """What may be asked for, in words."""
        return f"from {self.low:g} to {self.high:g}" if self.quantity else "one of " + ", ".join(self.values)


@dataclass(frozen=True)
class Conditions:
    """All conditions, in the order of their columns."""

    items: tuple[Condition, ...]
    unconditional: float = 0.1

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(item.name for item in self.items)

    def asked(self, rows: Iterable[Mapping[str, Any]], where: str) -> Tensor:
        """Conditions (N, K) float32 asked for in ``rows``; what a row does not name is null.

        Raises:
            TlesynthError: CFG-011 for a name that is no condition, a value never seen, or one outside the range.
        """
        table = []
        for row in rows:
            if strange := [name for name in row if name not in self.names]:
                raise fail("CFG-011", where, f"{strange[0]} is no condition of this model: {', '.join(self.names)}")
            table.append([item.encode(row.get(item.name, "n/a"), where) for item in self.items])
        return self._tensor(table)

    def of_scans(self, participants: pd.DataFrame) -> Tensor:
        """Conditions (N, K) float32 of the scans of a participants table; see ``Condition.of_scan``."""
        columns = {item.name: participants.get(item.name, pd.Series("n/a", participants.index)) for item in self.items}
        rows = zip(*columns.values(), strict=True)
        return self._tensor([[item.of_scan(v) for item, v in zip(self.items, row, strict=True)] for row in rows])

    def _tensor(self, table: list[list[float]]) -> Tensor:
        return torch.tensor(table, dtype=torch.float32).reshape(-1, len(self.items))

    def word(self, name: str, told: Tensor) -> str:
        """The value of the condition ``name`` in ``told`` (K,), as text."""
        column = self.names.index(name)
        return self.items[column].decode(float(told[column]))

    def null(self, n: int) -> Tensor:
        """Conditions (n, K) that tell nothing."""
        return torch.full((n, len(self.items)), NULL)

    def mirrored(self, conditions: Tensor) -> Tensor:
        """``conditions`` (N, K) after a left-right flip of the scans: left becomes right where the recipe says so."""
        out = conditions.clone()
        for column, item in enumerate(self.items):
            for value, other in item.mirror:
                mine = conditions[:, column] == item.values.index(value)
                out[mine, column] = float(item.values.index(other))
            if item.mirror_of:
                other = self.items[self.names.index(item.mirror_of)]
                # Each is mapped to [0, 1] over its own range: through millimetres, years or whatever it is counted in.
                number = other.low + conditions[:, self.names.index(item.mirror_of)] * (other.high - other.low)
                out[:, column] = ((number - item.low) / (item.high - item.low)).clamp(0, 1)
        return out

    def dropped(self, conditions: Tensor, generator: torch.Generator) -> Tensor:
        """``conditions`` (N, K) with some withheld: all of a row at once, and each on its own by its dropout."""
        n, k = conditions.shape
        everything = torch.rand(n, 1, generator=generator) < self.unconditional  # (N, 1)
        own = torch.rand(n, k, generator=generator) < torch.tensor([item.dropout for item in self.items])  # (N, K)
        return torch.where((everything | own).to(conditions.device), NULL, conditions)

    def described(self) -> list[dict[str, Any]]:
        """As JSON, for the model's config; ``read_conditions`` is the inverse."""
        return [asdict(item) for item in self.items]


def read_conditions(described: list[dict[str, Any]], unconditional: float = 0.1) -> Conditions:
    """The conditions that ``Conditions.described`` wrote."""
    return Conditions(tuple(_read(item) for item in described), unconditional)


def _read(described: dict[str, Any]) -> Condition:
    pairs = tuple((value, other) for value, other in described["mirror"])
    fields: dict[str, Any] = described | {"values": tuple(described["values"]), "mirror": pairs}
    return Condition(**fields)


def conditions_of(
    declared: Mapping[str, Category | Quantity], participants: pd.DataFrame, unconditional: float, where: str
) -> Conditions:
    """The declared conditions, what the recipe left open filled in from the training ``participants``.

    Raises:
        TlesynthError: CFG-011 if a column is not there, holds nothing, or a quantity does not vary.
    """
    return Conditions(tuple(_condition(n, d, participants, where) for n, d in declared.items()), unconditional)


def assumed(declared: Mapping[str, Category | Quantity]) -> Conditions:
    """The declared conditions before there is a training set, to plan with: open categories count two values."""
    items = (
        Condition(name, values=one.values or ("a", "b")) if isinstance(one, Category) else Condition(name)
        for name, one in declared.items()
    )
    return Conditions(tuple(items))


def _condition(name: str, declared: Category | Quantity, participants: pd.DataFrame, where: str) -> Condition:
    if name not in participants:
        there = ", ".join(participants.columns)
        why = f"no column {name}; there are {there}. Preprocess and encode by this recipe carry a raw table's column on"
        raise fail("CFG-011", where, why)
    told = participants[name].dropna().astype(str).str.strip()
    told = told[~told.str.lower().isin(MISSING)]
    if isinstance(declared, Category):
        values = declared.values or tuple(sorted(set(told)))
        if not values:
            raise fail("CFG-011", where, f"nobody in the training set has a {name}")
        pairs = {**declared.mirror, **{b: a for a, b in declared.mirror.items()}}
        return Condition(name, values, dropout=declared.dropout, mirror=tuple(sorted(pairs.items())))
    numbers = pd.to_numeric(told, errors="coerce").dropna()
    if numbers.empty:
        raise fail("CFG-011", where, f"nobody in the training set has a number as {name}")
    # What takes its value in the mirror has the same range, or a mirrored scan would be told another number.
    twin = pd.to_numeric(participants.get(declared.mirror, numbers), errors="coerce")
    low, high = declared.between or (float(min(numbers.min(), twin.min())), float(max(numbers.max(), twin.max())))
    if low >= high:
        raise fail("CFG-011", where, f"{name} is {low:g} for everybody: say conditions.{name}.between")
    return Condition(name, low=low, high=high, dropout=declared.dropout, mirror_of=declared.mirror)
