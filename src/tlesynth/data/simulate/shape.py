"""A subject's anatomy: one velocity field whose exponential gives every structure exactly the volume that was drawn.

v = v_random + sum_s k_s v_s, and the k_s solve  sum_x M_s(x) det D exp(v)(x) dx = target_s  on the template (M_s a
soft mask), so the truth is an integral and needs no segmentation. All fields live on ``WORK``, whatever the voxel size
of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tlesynth.data import anatomy
from tlesynth.data.deformation import exponential, jacobian_determinant, mirrored, random_field
from tlesynth.data.simulate.subjects import FRAME, SOLVED, Latents
from tlesynth.data.template import load_template
from tlesynth.errors import fail
from tlesynth.volume import Grid

WORK = Grid("mni-2mm", (84, 102, 84), 2.0, (-83.0, -119.0, -71.0))
CROP = (slice(11, 73), slice(29, 73), slice(9, 51))
"""The mesial temporal region of ``WORK``: every structure's field is zero on its border."""
STRUCTURES = (*SOLVED, "temporal_horn")
NAMES = tuple(f"{name}_{where}" for name in STRUCTURES for where in FRAME)
REACH = {"hippocampus": 1.0, "amygdala": 0.8, "thalamus": 0.5, "temporal_horn": 1.0}
CLOSE = 4e-4
"""Largest relative error of a solved volume."""
MOST_SWEEPS = 20
MOST_PUSH = 0.9


@dataclass(frozen=True, eq=False)
class Shape:
    """One deformation of the template, in the frame of the focus (ipsi on the right) until ``sided`` turns it."""

    inverse: np.ndarray
    """(3, X, Y, Z) mm on ``WORK``: where in the template a point of the subject comes from."""
    velocity: np.ndarray
    volumes: dict[str, float]
    """mm3 in MNI space by name, ``hippocampus_ipsi`` ..."""
    pushes: dict[str, float]
    least_jacobian: float


def shape(latents: Latents, rng: np.random.Generator | None) -> Shape:
    """The shape with the volumes of ``latents``; without ``rng`` nothing but the structures moves.

    Raises:
        TlesynthError: NUM-007 if the volumes cannot be reached.
    """
    region = _region()
    random = np.zeros((3, *WORK.shape), np.float32)
    if rng is not None:
        random = random_field(rng, WORK, sigma=15, amplitude=2.0) + random_field(rng, WORK, sigma=6, amplitude=0.4)
    pulls = _pulls(latents.head_weight)
    cut = random[:, *CROP].copy()
    horn = np.array([-latents.horn_push[where] for where in FRAME], np.float32)
    cut += np.tensordot(horn, pulls[len(horn) * len(SOLVED) :], 1)
    target = np.array([latents.ratio[name] for name in NAMES[: 2 * len(SOLVED)]]) * region.template[: 2 * len(SOLVED)]
    solved, volumes, least = _solve(cut, pulls[: 2 * len(SOLVED)], target)
    velocity = random
    velocity[:, *CROP] = cut + np.tensordot(solved.astype(np.float32), pulls[: 2 * len(SOLVED)], 1)
    inverse = exponential(-velocity, WORK)
    elsewhere = 1 / float(jacobian_determinant(inverse, WORK)[_brain()].max())
    pushes = dict(zip(NAMES, [*solved.tolist(), *(-horn).tolist()], strict=True))
    return Shape(inverse, velocity, dict(zip(NAMES, volumes.tolist(), strict=True)), pushes, min(least, elsewhere))


def sided(values: dict[str, float], side: str | None) -> dict[str, float]:
    """Rename ``..._ipsi`` and ``..._contra`` to left and right for a focus on ``side`` (none counts as right)."""
    ipsi, contra = ("left", "right") if side == "left" else ("right", "left")
    return {name.replace("ipsi", ipsi).replace("contra", contra): value for name, value in values.items()}


def template_volumes() -> dict[str, float]:
    """mm3 of the template's structures, by name."""
    return dict(zip(NAMES, _region().template.tolist(), strict=True))


def seen_from(field: np.ndarray, side: str | None) -> np.ndarray:
    """A field of the focus's frame, in the world: mirrored for a left focus."""
    return mirrored(field) if side == "left" else field


@dataclass(frozen=True, eq=False)
class _Region:
    grid: Grid
    masks: np.ndarray
    """(structures, x y z) float32 on the crop."""
    template: np.ndarray
    """mm3 each."""


@lru_cache(maxsize=1)
def _region() -> _Region:
    origin = [WORK.origin[i] + WORK.spacing * CROP[i].start for i in range(3)]
    counts = [c.stop - c.start for c in CROP]
    grid = Grid("crop", (counts[0], counts[1], counts[2]), WORK.spacing, (origin[0], origin[1], origin[2]))
    # Twice as fine, then averaged: the volumes are those of the template at 1 mm.
    half = WORK.spacing / 4
    fine = Grid(
        "fine crop",
        (2 * counts[0], 2 * counts[1], 2 * counts[2]),
        WORK.spacing / 2,
        (origin[0] - half, origin[1] - half, origin[2] - half),
    )
    template = load_template(fine)
    sides = {"ipsi": "right", "contra": "left"}
    masks = [
        anatomy.structure_mask(name, template, fine, sides[where])
        .reshape(counts[0], 2, counts[1], 2, counts[2], 2)
        .mean(axis=(1, 3, 5))
        for name in STRUCTURES
        for where in FRAME
    ]
    stacked = np.stack(masks)
    return _Region(grid, stacked, stacked.sum(axis=(1, 2, 3), dtype=float) * WORK.spacing**3)


@lru_cache(maxsize=1)
def _brain() -> np.ndarray:
    return load_template(WORK).mask > 0


@lru_cache(maxsize=1)
def _plain_pulls() -> np.ndarray:
    world = _region().grid.world()
    sides = {"ipsi": "right", "contra": "left"}
    return np.stack([anatomy.pull(name, world, sides[where], REACH[name]) for name in STRUCTURES for where in FRAME])


def _pulls(head_weight: float) -> np.ndarray:
    """Unit fields (structures, 3, x, y, z); the focus's hippocampus shrinks more towards its head (anterior)."""
    pulls = _plain_pulls()
    if head_weight:
        y = _region().grid.world()[1]
        pulls = pulls.copy()
        pulls[0] *= np.clip(1 + head_weight * (y + 21) / 20, 0.4, 1.4)
    return pulls


def _measure(velocity: np.ndarray) -> tuple[np.ndarray, float]:
    """Volumes in mm3 of every structure under exp(velocity), and the least Jacobian determinant on the crop."""
    region = _region()
    jacobian = jacobian_determinant(exponential(velocity, region.grid), region.grid)
    volumes = np.tensordot(region.masks.astype(float), jacobian.astype(float), 3) * WORK.spacing**3
    return volumes, float(jacobian.min())


@lru_cache(maxsize=1)
def _gains() -> np.ndarray:
    """d ln(volume) / d(push) at rest: (solved, solved), the same for everyone."""
    region, pulls, step = _region(), _plain_pulls(), 0.05
    solved = 2 * len(SOLVED)
    columns = [np.log(_measure(step * pulls[i])[0] / region.template)[:solved] / step for i in range(solved)]
    return np.stack(columns, axis=1)


def _solve(cut: np.ndarray, pulls: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Broyden's method on log volumes: pushes (solved,), volumes (structures,) in mm3, least Jacobian."""
    gains = _gains().copy()
    pushes = np.zeros(len(target))
    volumes, least = _measure(cut)
    for _ in range(MOST_SWEEPS):
        error = np.log(target / volumes[: len(target)])
        if np.abs(error).max() < CLOSE:
            return pushes, volumes, least
        step = np.clip(np.linalg.solve(gains, error), -0.35, 0.35)
        pushes = np.clip(pushes + step, -MOST_PUSH, MOST_PUSH)
        before = np.log(volumes[: len(target)])
        volumes, least = _measure(cut + np.tensordot(pushes.astype(np.float32), pulls, 1))
        if least <= 0:
            break
        gained = np.log(volumes[: len(target)]) - before
        gains += np.outer(gained - gains @ step, step) / (step @ step)
    raise fail("NUM-007", why=f"still {100 * np.abs(error).max():.2f} % off, least Jacobian {least:.2f}")
