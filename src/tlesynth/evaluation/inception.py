"""FID on slices: the Frechet distance of Inception-V3 features, and nothing else is called by that name.

Where the weights are missing it is not computed. The three planes are judged apart and averaged.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tlesynth.evaluation.slices import PLANES, as_images, slices_of
from tlesynth.metrics.statistics import (
    FEWEST,
    Json,
    Resampling,
    not_computed,
    rounded,
    spread_interval,
    too_few,
)
from tlesynth.volume import Grid

Features = dict[str, NDArray[np.float64]]
"""By plane: (subjects, slices, 2048)."""

FID_RESAMPLES = 25
"""Bootstrap draws behind a FID's interval; each takes a decomposition of thousands of slices."""


@torch.inference_mode()
def inception_features(volumes: Iterable[NDArray[np.floating]], grid: Grid, network: nn.Module) -> Features:
    """Pool-3 features of each volume's slices; ``network`` maps uint8 (B, 3, H, W) to a tuple of one (B, F) tensor."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device)
    found: dict[str, list[NDArray[np.float64]]] = {plane: [] for plane in PLANES}
    for volume in volumes:
        for plane in PLANES:
            images = (as_images(slices_of(volume, grid, plane)) * 255).round().to(torch.uint8)
            found[plane].append(network(images.to(device))[0].cpu().double().numpy())
    return {plane: np.stack(rows) for plane, rows in found.items() if rows}


def fid(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """FID of two sets of slice features (N, F) and (M, F), from sample means and covariances.

    The trace of the root of the product of two covariances is the nuclear norm of the cross-product of the centred
    features, which is exact and cheap where there are fewer slices than the 2048 features.
    """
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((len(a) - 1) * (len(b) - 1))
    if min(len(a), len(b)) > a.shape[1]:
        (p, vp), (q, vq) = np.linalg.eigh(x.T @ x), np.linalg.eigh(y.T @ y)
        crossed = (vp * np.sqrt(np.maximum(p, 0))).T @ (vq * np.sqrt(np.maximum(q, 0)))
    else:
        crossed = x @ y.T
    root = np.linalg.svd(crossed, compute_uv=False).sum() / scale
    spread = (x**2).sum() / (len(a) - 1) + (y**2).sum() / (len(b) - 1)
    return float(max(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + spread - 2 * root, 0.0))


def fid_interval(a: Features, b: Features, n: int, how: Resampling, *, paired: bool = False) -> Json:
    """Mean FID of the three planes between ``n`` subjects of ``a`` and all of ``b``, as JSON with each plane's value.

    ``paired`` sets (a head and its reconstruction) are resampled together.
    """
    size_a, size_b = (len(next(iter(f.values()))) for f in (a, b))
    n = min(n, size_a)
    if min(n, size_b) < FEWEST:
        return too_few(min(n, size_b))
    chosen = np.sort(how.generator.permutation(size_a)[:n])
    planes = {p: fid(_flat(a[p][chosen]), _flat(b[p])) for p in a}
    draws = []
    for _ in range(FID_RESAMPLES):
        rows = how.generator.integers(0, size_a, n)
        others = rows if paired else how.generator.integers(0, size_b, size_b)
        draws.append(np.mean([fid(_flat(a[p][rows]), _flat(b[p][others])) for p in a]))
    interval = spread_interval(float(np.mean(list(planes.values()))), np.array(draws), n + size_b, how)
    return interval | {"planes": {p: rounded(v) for p, v in planes.items()}}


def fid_against_floor(synthetic: Features, training: Features, reference: Features, how: Resampling) -> Json:
    """FID of the synthetic subjects to the reference beside that of as many real training subjects."""
    sizes = [len(next(iter(f.values()))) for f in (synthetic, training, reference)]
    n = min(sizes[:2])
    value, floor = (fid_interval(f, reference, n, how) for f in (synthetic, training))
    known = "value" in value and "value" in floor and floor["value"] > 0
    ratio = rounded(value["value"] / floor["value"]) if known else not_computed("the FID or its floor is missing")
    return {"value": value, "floor": floor, "ratio": ratio, "n_real": sizes[2], "n_synthetic": n}


def _flat(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return features.reshape(-1, features.shape[-1])
