"""A fitted model's numbers as named tensors and back: arrays and floats, as its dataclass declares them."""

from __future__ import annotations

from typing import Any, TypeVar, get_type_hints

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


def tensors_of(fitted: Any) -> dict[str, Tensor]:
    """Every field of a dataclass of arrays and floats, by name."""
    return {name: torch.from_numpy(np.atleast_1d(np.asarray(value))) for name, value in vars(fitted).items()}


def fitted_of(kind: type[T], tensors: dict[str, Tensor]) -> T:
    """The dataclass ``kind`` from what ``tensors_of`` gave of it.

    Raises:
        KeyError: if a field is missing.
    """
    return kind(
        **{
            name: float(tensors[name]) if declared is float else tensors[name].double().numpy()
            for name, declared in get_type_hints(kind).items()
        }
    )
