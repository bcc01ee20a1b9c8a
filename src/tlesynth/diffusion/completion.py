"""What a request leaves open, completed as the training set has it: hippocampal volumes for a left TLE, say.

A generator that is told measured volumes learns from few scans what a diagnosis alone does not show it. Who asks for
``group=tle side=left`` names no volumes, though, so they are drawn: a Gaussian about a linear regression on the other
conditions, whose spread is that of the group asked for. Only these figures are kept, nobody's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tlesynth.diffusion.average_effects import centred, indicators, regressed
from tlesynth.diffusion.conditions import Conditions
from tlesynth.errors import fail

LEAST_SCANS, LEAST_OF_GROUP = 3, 10
"""Training scans that must tell the numbers; those from which a group has a spread of its own."""
EVERYBODY = ""


@dataclass(frozen=True)
class Completion:
    """How Q conditions lie in the training set given the others (F indicators); numbers are mapped to [0, 1]."""

    drawn: tuple[str, ...]
    centre: Tensor
    """(F,): the training scans' mean of each of the others' indicators."""
    mean: Tensor
    """(Q,)"""
    slopes: Tensor
    """(F, Q)"""
    spread: dict[str, Tensor]
    """Covariance (Q, Q) about the regression, by group and for everybody."""

    def completed(self, told: Tensor, conditions: Conditions, generator: torch.Generator) -> Tensor:
        """``told`` (K,) with what it leaves open drawn, given what it says; clamped to the training set's range."""
        columns = [conditions.names.index(name) for name in self.drawn]
        noise = torch.randn(len(columns), generator=generator, dtype=torch.float64)
        there = told[columns].double()  # (Q,)
        open_, known = torch.nonzero(there.isnan()).flatten(), torch.nonzero(~there.isnan()).flatten()
        about, spread = self.expected(told, conditions), self._spread(told, conditions)
        follow = torch.linalg.lstsq(spread[known][:, known], spread[known][:, open_]).solution  # (known, open)
        left = spread[open_][:, open_] - spread[open_][:, known] @ follow
        values, directions = torch.linalg.eigh(left)
        drawn = about[open_] + (there[known] - about[known]) @ follow
        drawn = drawn + directions @ (values.clamp_min(0).sqrt() * (directions.T @ noise[open_]))
        return self._with(told, columns, there.index_copy(0, open_, drawn))

    def moved(self, own: Tensor, asked: Tensor, conditions: Conditions) -> Tensor:
        """``asked`` (K,) whose drawn numbers lie as far from what is expected under it as those of ``own`` (K,)."""
        columns = [conditions.names.index(name) for name in self.drawn]
        change = self.expected(asked, conditions) - self.expected(own, conditions)
        return self._with(asked, columns, own[columns].double() + change)

    def expected(self, told: Tensor, conditions: Conditions) -> Tensor:
        """The mean (Q,) under the other conditions of ``told`` (K,)."""
        indicated = centred(_indicated(told[None], conditions, self.drawn), self.centre.float())  # (1, F)
        return self.mean + (indicated.double() @ self.slopes)[0]

    def described(self) -> dict[str, Any]:
        """As JSON; ``read_completion`` is the inverse."""
        spread = {name: covariance.tolist() for name, covariance in self.spread.items()}
        figures = {"centre": self.centre.tolist(), "mean": self.mean.tolist(), "slopes": self.slopes.tolist()}
        return {"drawn": list(self.drawn), "spread": spread} | figures

    def _spread(self, told: Tensor, conditions: Conditions) -> Tensor:
        return self.spread.get(_group_of(told, conditions, self.drawn), self.spread[EVERYBODY])

    def _with(self, told: Tensor, columns: list[int], numbers: Tensor) -> Tensor:
        out = told.clone()
        out[columns] = numbers.clamp(0, 1).to(told.dtype)
        return out


def fit_completion(told: Tensor, conditions: Conditions, drawn: tuple[str, ...]) -> Completion:
    """Regress the ``drawn`` conditions of training scans (N, K) on their others.

    Raises:
        TlesynthError: CFG-011 if fewer than three scans tell all of them.
    """
    y = told[:, [conditions.names.index(name) for name in drawn]].double()  # (N, Q)
    known = ~y.isnan().any(1)
    if int(known.sum()) < LEAST_SCANS:
        names = " and ".join(drawn)
        raise fail("CFG-011", f"conditions.{drawn[0]}.drawn", f"{int(known.sum())} training scans tell {names}")
    indicated = _indicated(told[known], conditions, drawn)  # (N, F)
    centre = indicated.nanmean(0).nan_to_num(nan=0.0)
    x, y = centred(indicated, centre).double(), y[known]
    mean = y.mean(0)
    slopes = regressed(x.T @ x, x.T @ (y - mean))
    rest = y - mean - x @ slopes
    groups = [_group_of(row, conditions, drawn) for row in told[known]]
    spread = {EVERYBODY: rest.T @ rest / len(rest)}
    for name in sorted(set(groups) - {EVERYBODY}):
        mine = rest[torch.tensor([group == name for group in groups])]
        if len(mine) >= LEAST_OF_GROUP:
            spread[name] = mine.T @ mine / len(mine)
    return Completion(drawn, centre.double(), mean, slopes, spread)


def read_completion(described: dict[str, Any]) -> Completion:
    """The completion that ``Completion.described`` wrote."""
    figures = {name: torch.tensor(described[name], dtype=torch.float64) for name in ("centre", "mean", "slopes")}
    spread = {name: torch.tensor(rows, dtype=torch.float64) for name, rows in described["spread"].items()}
    return Completion(tuple(described["drawn"]), spread=spread, **figures)


def _indicated(told: Tensor, conditions: Conditions, drawn: tuple[str, ...]) -> Tensor:
    """Indicators (N, F) of the conditions that are not drawn, of scans that are ``told`` (N, K)."""
    others = [column for column, item in enumerate(conditions.items) if item.name not in drawn]
    if not others:
        return torch.zeros(len(told), 0)
    return indicators(Conditions(tuple(conditions.items[column] for column in others)), told[:, others])


def _group_of(told: Tensor, conditions: Conditions, drawn: tuple[str, ...]) -> str:
    """The value of the first category that ``told`` (K,) names, as ``name=value``."""
    for number, item in zip(told, conditions.items, strict=True):
        if not item.quantity and item.name not in drawn:
            return EVERYBODY if number.isnan() else f"{item.name}={item.decode(float(number))}"
    return EVERYBODY
