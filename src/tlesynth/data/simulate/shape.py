"""A subject's anatomy: a flow of the template that gives every structure exactly the volume that was drawn.

v = v_random + sum_s k_s v_s, and the k_s solve  sum_x M_s(x) det D exp(v)(x) dx = target_s  on the template (M_s a soft
mask), so the truth is an integral and needs no segmentation. v_random is smooth and lives on a coarse grid over the
whole brain, the structures' fields on a fine one over the mesial temporal region, whatever the voxel size of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tlesynth.data import anatomy
from tlesynth.data.deformation import exponential, jacobian_determinant, random_field, sample
from tlesynth.data.simulate.subjects import FRAME, SOLVED, Latents
from tlesynth.data.template import load_template
from tlesynth.errors import fail
from tlesynth.volume import GRIDS, Grid

COARSE = GRIDS["mni-3mm"]
REGION = Grid("mesial temporal", (84, 58, 56), 1.5, (-62.25, -61.25, -53.25))
"""Every structure's field is zero on its border. At 2 mm a halved hippocampus would come out 3 % too large."""
BORDER = 4
"""Voxels over which the region's flow gives way to the coarse one."""
STRUCTURES = (*SOLVED, "temporal_horn")
NAMES = tuple(f"{name}_{where}" for name in STRUCTURES for where in FRAME)
N_SOLVED = len(FRAME) * len(SOLVED)
FRAME_SIDES = {"ipsi": "right", "contra": "left"}
REACH = {"hippocampus": 1.0, "amygdala": 0.8, "thalamus": 0.5, "temporal_horn": 1.0}
CLOSE = 8e-4
"""Largest relative error of a solved volume."""
MOST_SWEEPS = 20
MOST_PUSH = 0.9


@dataclass(frozen=True, eq=False)
class Shape:
    """One flow of the template, in the frame of the focus (ipsi on the right)."""

    coarse: np.ndarray
    """(3, X, Y, Z) mm on ``COARSE``: from a point of the subject to where in the template it comes from."""
    detail: np.ndarray
    """(3, X, Y, Z) mm on ``REGION``: what the structures add to it."""
    velocity: np.ndarray
    """(3, X, Y, Z) on ``REGION``."""
    volumes: dict[str, float]
    """mm3 in MNI space by name, ``hippocampus_ipsi`` ..."""
    pushes: dict[str, float]
    least_jacobian: float

    def came_from(self, points: np.ndarray) -> np.ndarray:
        """Where in the template points (3, ...) of the subject come from, both in MNI mm."""
        moved = points + sample(self.coarse, COARSE, points, outside="border") if self.coarse.any() else points
        return moved + sample(self.detail, REGION, points)

    def jacobian(self) -> np.ndarray:
        """The forward flow's local volume ratio on ``REGION``: (X, Y, Z)."""
        return jacobian_determinant(exponential(self.velocity, REGION), REGION)


def shape(latents: Latents, rng: np.random.Generator | None) -> Shape:
    """The shape with the volumes of ``latents``; without ``rng`` nothing but the structures moves.

    Raises:
        TlesynthError: NUM-007 if the volumes cannot be reached.
    """
    random = np.zeros((3, *COARSE.shape), np.float32)
    if rng is not None:
        random = random_field(rng, COARSE, sigma=15, amplitude=2.0) + random_field(rng, COARSE, sigma=6, amplitude=0.4)
    pulls = _pulls(latents.head_weight)
    horn = np.array([latents.horn_push[where] for where in FRAME], np.float32)
    start = sample(random, COARSE, _world()) - np.tensordot(horn, pulls[N_SOLVED:], 1)
    target = np.array([latents.ratio[name] for name in NAMES[:N_SOLVED]]) * _region().template[:N_SOLVED]
    solved, volumes, least = _solve(start, pulls[:N_SOLVED], target)
    velocity = start + np.tensordot(solved.astype(np.float32), pulls[:N_SOLVED], 1)
    coarse = exponential(-random, COARSE)
    detail = (exponential(-velocity, REGION) - sample(coarse, COARSE, _world())) * _region().weight
    elsewhere = 1 / float(jacobian_determinant(coarse, COARSE)[_brain()].max())
    pushes = dict(zip(NAMES, [*solved.tolist(), *(-horn).tolist()], strict=True))
    reached = dict(zip(NAMES, volumes.tolist(), strict=True))
    return Shape(coarse, detail, velocity, reached, pushes, min(least, elsewhere))


def sided(values: dict[str, float], side: str | None) -> dict[str, float]:
    """Rename ``..._ipsi`` and ``..._contra`` to left and right for a focus on ``side`` (none counts as right)."""
    ipsi, contra = ("left", "right") if side == "left" else ("right", "left")
    endings = {"ipsi": ipsi, "contra": contra}
    turned = {}
    for name, value in values.items():
        stem, _, ending = name.rpartition("_")
        turned[f"{stem}_{endings[ending]}" if ending in endings else name] = value
    return turned


def template_volumes() -> dict[str, float]:
    """mm3 of the template's structures, by name."""
    return dict(zip(NAMES, _region().template.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class _Region:
    masks: np.ndarray
    """(structures, X, Y, Z) on ``REGION``."""
    template: np.ndarray
    """mm3 each."""
    weight: np.ndarray
    """1 inside, falling to 0 over ``BORDER`` voxels at the border: (X, Y, Z)."""


@lru_cache(maxsize=1)
def _region() -> _Region:
    template = load_template(REGION)
    masks = [
        anatomy.structure_mask(name, template, REGION, FRAME_SIDES[where]) for name in STRUCTURES for where in FRAME
    ]
    stacked = np.stack(masks)
    edges = [np.minimum(i, n - 1 - i) for i, n in zip(np.indices(REGION.shape), REGION.shape, strict=True)]
    to_border = np.minimum.reduce(edges)
    weight = anatomy.smoothstep(to_border / BORDER).astype(np.float32)
    return _Region(stacked, stacked.sum(axis=(1, 2, 3), dtype=float) * REGION.spacing**3, weight)


@lru_cache(maxsize=1)
def _world() -> np.ndarray:
    return REGION.world()


@lru_cache(maxsize=1)
def _brain() -> np.ndarray:
    return load_template(COARSE).mask > 0


@lru_cache(maxsize=1)
def _plain_pulls() -> np.ndarray:
    return np.stack(
        [anatomy.pull(name, _world(), FRAME_SIDES[where], REACH[name]) for name in STRUCTURES for where in FRAME]
    )


def _pulls(head_weight: float) -> np.ndarray:
    """Unit fields (structures, 3, x, y, z); the focus's hippocampus shrinks more towards its head (anterior)."""
    pulls = _plain_pulls()
    if head_weight:
        y = _world()[1]
        pulls = pulls.copy()
        pulls[0] *= np.clip(1 + head_weight * (y + 21) / 20, 0.4, 1.4)
    return pulls


def _measure(velocity: np.ndarray) -> tuple[np.ndarray, float]:
    """Volumes in mm3 of every structure under exp(velocity), and the least Jacobian determinant on the region."""
    jacobian = jacobian_determinant(exponential(velocity, REGION), REGION)
    masks = _region().masks.reshape(len(NAMES), -1)
    volumes = (masks @ jacobian.ravel()).astype(float) * REGION.spacing**3
    return volumes, float(jacobian.min())


@lru_cache(maxsize=1)
def _gains() -> np.ndarray:
    """d ln(volume) / d(push) at rest: (solved, solved), the same for everyone."""
    region, pulls, step = _region(), _plain_pulls(), 0.05
    columns = [np.log(_measure(step * pulls[i])[0] / region.template)[:N_SOLVED] / step for i in range(N_SOLVED)]
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
