"""Randomness keyed by (seed, purpose, epoch or subject), never by call order.

Resuming a run, changing the number of workers or the batch size therefore changes no draw.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_of(seed: int, *key: str | int) -> int:
    """A 63-bit seed for ``key`` under the run's ``seed``."""
    text = "/".join(str(part) for part in (seed, *key))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator(seed: int, *key: str | int) -> np.random.Generator:
    """A NumPy generator for ``key``."""
    return np.random.default_rng(seed_of(seed, *key))


def torch_generator(seed: int, *key: str | int) -> torch.Generator:
    """A torch generator (on the CPU, so that devices agree) for ``key``."""
    import torch

    return torch.Generator().manual_seed(seed_of(seed, *key))
