"""Scans that went wrong on purpose, so that quality control has something to find; the truth names them."""

from __future__ import annotations

import numpy as np

from tlesynth.data.simulate.subjects import Assignment
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator

KINDS = ("ghosting", "cropped", "noise")
GHOST = 0.35
"""Height of the strongest ghost as a share of the image."""
CUT = (0.35, 0.5)
"""Share of the brain's height that a cut field of view loses, from below: least, most."""
NOISE = 0.30
"""Rician sigma as a share of the brain's bright end."""


def choose(assignments: list[Assignment], settings: Simulate, seed: int) -> dict[str, str]:
    """Whose scan fails, and how: the same share of both groups, kinds in turn."""
    chosen: list[str] = []
    for group in ("hc", "tle"):
        ids = [a.participant_id for a in assignments if a.group == group]
        count = round(settings.failed_scans * len(ids))
        chosen += [ids[i] for i in generator(seed, "failed", group).permutation(len(ids))[:count]]
    return {name: KINDS[i % len(KINDS)] for i, name in enumerate(chosen)}


def spoil(voxels: np.ndarray, affine: np.ndarray, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The scan (X, Y, Z) int16 and its affine (4, 4) after a failure of ``kind`` (one of ``KINDS``)."""
    if kind == "cropped":
        used = np.flatnonzero(voxels.any(axis=(0, 1)))
        start = int(used[0] + rng.uniform(*CUT) * (used[-1] - used[0]))
        moved = np.array(affine, float)
        moved[:3, 3] += moved[:3, 2] * start
        return voxels[:, :, start:], moved
    if kind == "ghosting":
        return _whole(_ghosted(voxels.astype(np.float32), rng)), affine
    top = np.percentile(voxels[voxels > 0], 95)
    noise = NOISE * top * rng.standard_normal((2, *voxels.shape), dtype=np.float32)
    return _whole(np.hypot(voxels + noise[0], noise[1])), affine


def _ghosted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A head that moved: copies of itself along the phase-encoding axis (front to back), out of phase."""
    length = image.shape[1]
    out = image.copy()
    for number in (1, 2, 3):
        shift = round(length / 2 / number + rng.uniform(-3, 3))
        out += GHOST / number * rng.choice([-1, 1]) * (np.roll(image, shift, 1) + np.roll(image, -shift, 1)) / 2
    return np.abs(out)


def _whole(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 32000).astype(np.int16)
