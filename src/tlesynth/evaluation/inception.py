"""FID on slices: the Frechet distance of Inception-V3 features, and nothing else is called by that name.

Two conventions: the paper's takes every coronal slice as it is, empty ones too; the proper one a few fixed slices of
each plane that hold brain, padded to a square and enlarged once by an antialiased bicubic filter.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tlesynth.evaluation.slices import PLANES, all_coronal, as_images, enlarged, slices_of
from tlesynth.metrics.infinity import at_infinity
from tlesynth.metrics.statistics import (
    FEWEST,
    LEAST_SET,
    Json,
    Resampling,
    not_computed,
    rounded,
    spread_interval,
    too_few,
)
from tlesynth.volume import Grid

Features = dict[str, NDArray[np.float32]]
"""By plane and ``ALL``: (subjects, slices, 2048)."""

ALL = "all"
"""Every coronal slice: the paper's convention."""

FID_RESAMPLES = 25
"""Bootstrap draws behind a FID's interval; each takes a decomposition of thousands of slices."""


@torch.inference_mode()
def inception_features(volumes: Iterable[NDArray[np.floating]], grid: Grid, network: nn.Module) -> Features:
    """Pool-3 features of each volume's slices; ``network`` maps uint8 (B, 3, H, W) to a tuple of one (B, F) tensor."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (*PLANES, ALL)}
    for volume in volumes:
        images = {plane: enlarged(as_images(slices_of(volume, grid, plane))) for plane in PLANES}
        for name, stack in (images | {ALL: as_images(all_coronal(volume))}).items():
            found[name].append(network((stack * 255).round().to(torch.uint8).to(device))[0].cpu().numpy())
    return {name: np.stack(rows) for name, rows in found.items() if rows}


def fid(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
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


def fid_interval(
    a: NDArray[np.floating], b: NDArray[np.floating], n: int, how: Resampling, *, paired: bool = False
) -> Json:
    """FID of ``n`` subjects of ``a`` to all of ``b``, each (subjects, slices, F), as JSON; resamples are of subjects.

    ``paired`` sets (a head and its reconstruction) are resampled together; no chance sets them apart, so three will do.
    """
    n, least = min(n, len(a)), FEWEST if paired else LEAST_SET
    if min(n, len(b)) < least:
        return too_few(min(n, len(b)), least)
    chosen, draws = np.sort(how.generator.permutation(len(a))[:n]), []
    for _ in range(FID_RESAMPLES):
        rows = how.generator.integers(0, len(a), n)
        others = rows if paired else how.generator.integers(0, len(b), len(b))
        draws.append(fid(_flat(a[rows]), _flat(b[others])))
    return spread_interval(fid(_flat(a[chosen]), _flat(b)), np.array(draws), n + len(b), how)


def fid_against_floor(
    synthetic: NDArray[np.floating], training: NDArray[np.floating], reference: NDArray[np.floating], how: Resampling
) -> Json:
    """FID of the synthetic subjects to the reference beside that of as many real training subjects."""
    n = min(len(synthetic), len(training))
    value, floor = (fid_interval(f, reference, n, how) for f in (synthetic, training))
    known = "value" in value and "value" in floor and floor["value"] > 0
    ratio = rounded(value["value"] / floor["value"]) if known else not_computed("the FID or its floor is missing")
    return {"value": value, "floor": floor, "ratio": ratio, "n_real": len(reference), "n_synthetic": n}


def fid_at_infinity(a: NDArray[np.floating], b: NDArray[np.floating], whole: Json, how: Resampling) -> Json:
    """FID of two sets (subjects, slices, F) freed of its bias; ``whole`` is their FID with its interval."""
    if "value" not in whole:
        return whole
    error = (whole["high"] - whole["value"]) / how.z
    return at_infinity(lambda rows, others: fid(_flat(a[rows]), _flat(b[others])), (len(a), len(b)), error, how)


def _flat(features: NDArray[np.floating]) -> NDArray[np.float64]:
    return features.reshape(-1, features.shape[-1]).astype(np.float64)
