"""Affine registration (12 degrees of freedom) of a brain to the MNI template with ANTs.

An affine map keeps atrophy; a non-linear one would iron it out. ANTs sees only axis-aligned, isotropic images made
here, so shear, obliqueness and storage order of the input cannot reach it. ITK's world is LPS, ours RAS: the two are
exchanged in ``_ants_image`` and ``_matrix`` and nowhere else. ANTs alone is not repeatable: it gets a seed and a
single thread.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tlesynth.data.resampling import Working, resample, sample, working
from tlesynth.data.template import Template, load_template
from tlesynth.errors import fail
from tlesynth.volume import GRIDS, Grid, Volume

__all__ = ["register_affine", "resample", "template_correlation", "template_dice"]

LEAST_DICE = 0.80
LEAST_CORRELATION = 0.30
"""Pearson's r with the template inside its brain; real brains reached 0.47 to 0.59 here."""
TURNED = (0.88, 0.42)
"""Dice and correlation that a pose more than 45 degrees from the scan's own axes needs."""
MOST_STRETCH = 1.4
"""Largest over smallest size of a brain relative to the template; real brains had at most 1.2, half a brain more."""
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STARTS = 4
"""Poses followed to the end: the likeliest, and three more only where it fails."""
COARSE_MM = 8.0
NEAR = float(np.cos(np.radians(45)))
CLIMBS, CLIMB_DEGREES = 8, (30.0, 15.0)
TIE = 0.003
"""Correlation by which another orientation must beat the scan's own."""


def register_affine(
    scan: Volume, mask: np.ndarray, spacing_mm: float, *, seed: int = 0, least_dice: float = LEAST_DICE
) -> np.ndarray:
    """The (4, 4) matrix that takes MNI mm to the scan's native mm (both RAS).

    ``mask`` (X, Y, Z) bool is the brain on the scan's voxels; the registration runs at ``spacing_mm``. A wrong pose
    (Dice with the template's mask below ``least_dice``, or next to no correlation) is tried again from other rotations.

    Raises:
        TlesynthError: REG-001 if no pose matches the template, REG-003 if ANTs itself fails.
    """
    if not mask.any():
        raise fail("REG-001", "", "the brain mask is empty")
    grid = template_grid(spacing_mm)
    template = load_template(grid)
    brain = working(np.where(mask, scan.voxels, 0), scan.affine, spacing_mm, within=mask)
    moving = Working(normalised(brain.voxels), brain.origin, spacing_mm)
    placed = working(mask.astype(np.float32), scan.affine, spacing_mm, within=mask)
    fixed = Working(template.t1, np.array(grid.origin), grid.spacing)
    best, best_score = np.eye(4), -np.inf
    for start in _starts(moving, placed):
        pose = affine_registration(fixed, moving, start, within=None, seed=seed)
        score = _score(pose, template, grid, moving, placed, least_dice)
        if score > best_score:
            best, best_score = pose, score
        # A pose near the scan's own axes is taken at once; a turned one only after the others were tried.
        if best_score > 0 and _cosine(start[:3, :3], np.eye(3)) > NEAR:
            break
    if best_score <= 0:
        dice = _dice(template, resample(placed.voxels, placed.affine, best, grid) >= 0.5)
        correlation = _correlation(template, resample(moving.voxels, moving.affine, best, grid))
        needed = f"at least {least_dice:.2f} and {LEAST_CORRELATION:.2f} are needed, and no odd turn"
        raise fail("REG-001", "", f"Dice {dice:.2f} and correlation {correlation:.2f} with the template; {needed}")
    return best


def template_dice(mask: np.ndarray, grid: Grid) -> float:
    """Dice of a brain mask on ``grid`` with the template's, 0 to 1."""
    return _dice(load_template(grid), mask)


def template_correlation(voxels: np.ndarray, grid: Grid) -> float:
    """Pearson's r of a T1 on ``grid`` with the template's inside the template's brain, -1 to 1."""
    return _correlation(load_template(grid), voxels)


@lru_cache(maxsize=8)
def template_grid(spacing_mm: float) -> Grid:
    """The MNI box at any spacing: the grid on which a registration sees the template."""
    box = GRIDS["mni-1.5mm"]
    size = np.array(box.shape) * box.spacing
    shape = 2 * np.ceil(size / spacing_mm / 2).astype(int)
    centre = np.array(box.origin) + (np.array(box.shape) - 1) * box.spacing / 2
    origin = centre - (shape - 1) * spacing_mm / 2
    whole = (int(shape[0]), int(shape[1]), int(shape[2]))
    return Grid(f"template-{spacing_mm:g}mm", whole, float(spacing_mm), (origin[0], origin[1], origin[2]))


def ants_module(seed: int) -> ModuleType:
    """ANTs with one ITK thread and a seed; the thread count must be set before the first import."""
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    import ants
    import ants.config

    ants.config.set_ants_deterministic(True, seed_value=seed % 2**31 or 1)
    return ants


def ants_image(ants: ModuleType, volume: Working) -> Any:
    """An ANTs image (LPS) of an axis-aligned RAS volume."""
    return ants.from_numpy(
        np.ascontiguousarray(volume.voxels, np.float32),
        origin=[float(x) for x in LPS[:3, :3] @ volume.origin],
        spacing=[float(volume.spacing)] * 3,
        direction=LPS[:3, :3],
    )


def affine_registration(
    fixed: Working, moving: Working, start: np.ndarray, *, within: np.ndarray | None, seed: int
) -> np.ndarray:
    """ANTs' affine from fixed mm to moving mm, RAS (4, 4), begun at ``start`` (4, 4); ``within`` limits the metric.

    Raises:
        TlesynthError: REG-003 if ANTs fails.
    """
    ants = ants_module(seed)
    region = None if within is None else ants_image(ants, Working(within, fixed.origin, fixed.spacing))
    with tempfile.TemporaryDirectory(prefix="tlesynth-") as folder:
        begun = Path(folder) / "start.mat"
        ants.write_transform(_ants_transform(ants, start), str(begun))
        try:
            result = ants.registration(
                ants_image(ants, fixed),
                ants_image(ants, moving),
                "Affine",
                initial_transform=str(begun),
                outprefix=str(Path(folder) / "result-"),
                mask=region,
                mask_all_stages=region is not None,
                aff_iterations=(200, 50),
                aff_shrink_factors=(2, 1),
                aff_smoothing_sigmas=(1, 0),
                aff_random_sampling_rate=0.25,
            )
            return _matrix(ants.read_transform(result["fwdtransforms"][0]))
        except (RuntimeError, ValueError, OSError) as error:
            raise fail("REG-003", "", (str(error).strip() or type(error).__name__).splitlines()[-1]) from error


def _ants_transform(ants: ModuleType, to_moving: np.ndarray) -> Any:
    lps = LPS @ to_moving @ LPS
    return ants.create_ants_transform(
        transform_type="AffineTransform", precision="float", dimension=3, matrix=lps[:3, :3], translation=lps[:3, 3]
    )


def _matrix(transform: Any) -> np.ndarray:
    """ITK stores y = A (x - c) + c + t in LPS."""
    parameters, centre = np.asarray(transform.parameters, float), np.asarray(transform.fixed_parameters, float)
    matrix = np.eye(4)
    matrix[:3, :3] = parameters[:9].reshape(3, 3)
    matrix[:3, 3] = parameters[9:] + centre - matrix[:3, :3] @ centre
    return LPS @ matrix @ LPS


@dataclass(frozen=True, eq=False)
class _Coarse:
    """What judges a rotation: the blurred brain laid centre on centre with the template."""

    brain: Working
    points: np.ndarray
    reference: np.ndarray
    centre: np.ndarray
    target: np.ndarray

    def start(self, rotation: np.ndarray) -> np.ndarray:
        """The pose (4, 4) of ``rotation`` (3, 3) with the two centres together."""
        start = np.eye(4)
        start[:3, :3], start[:3, 3] = rotation, self.target - rotation @ self.centre
        return start

    def score(self, rotation: np.ndarray) -> float:
        """Correlation with the template; the scan's own orientation wins a tie, as its header is mostly right."""
        start = self.start(rotation)
        values = sample(self.brain.voxels, self.brain.affine, rotation @ self.points + start[:3, 3:])
        bonus = TIE if np.allclose(rotation, np.eye(3)) else 0.0
        return float(np.corrcoef(values, self.reference)[0, 1]) + bonus


def _starts(moving: Working, placed: Working) -> list[np.ndarray]:
    """Poses (4, 4) to begin from, best first: the likeliest of the cube's rotations, each turned further uphill."""
    grid = template_grid(COARSE_MM)
    template = load_template(grid)
    coarse = _Coarse(
        brain=working(moving.voxels, moving.affine, COARSE_MM),
        points=grid.world().reshape(3, -1),
        reference=template.t1.ravel(),
        centre=Working(template.mask, np.array(grid.origin), grid.spacing).centre_of_mass(),
        target=placed.centre_of_mass(),
    )
    likely = sorted(cube(), key=coarse.score, reverse=True)[:CLIMBS]
    turns = sorted((_climbed(coarse, turn) for turn in likely), key=coarse.score, reverse=True)
    return [coarse.start(turn) for turn in _apart(turns)]


def _climbed(coarse: _Coarse, rotation: np.ndarray) -> np.ndarray:
    """The best rotation near ``rotation``, by small turns about each axis for as long as they help."""
    for degrees in CLIMB_DEGREES:
        for _ in range(3):
            best = max((rotation, *(rotation @ tilt for tilt in _tilts(degrees))), key=coarse.score)
            if best is rotation:
                break
            rotation = best
    return rotation


def _apart(rotations: list[np.ndarray]) -> list[np.ndarray]:
    """The first ``STARTS`` rotations that are at least 45 degrees apart: nearer ones end in the same place."""
    kept: list[np.ndarray] = []
    for rotation in rotations:
        if all(_cosine(rotation, other) < NEAR for other in kept):
            kept.append(rotation)
    return kept[:STARTS]


def _cosine(rotation: np.ndarray, other: np.ndarray) -> float:
    """Cosine of the angle between two rotations (3, 3)."""
    return float(np.trace(rotation.T @ other) - 1) / 2


@lru_cache(maxsize=1)
def cube() -> tuple[np.ndarray, ...]:
    """A cube's 24 proper rotations, (3, 3) each. None mirrors: that would exchange left and right."""
    found = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        matrix = np.zeros((3, 3))
        matrix[range(3), order] = signs
        if np.linalg.det(matrix) > 0:
            found.append(matrix)
    return tuple(found)


def _tilts(degrees: float) -> tuple[np.ndarray, ...]:
    """Six small turns: to either side about each axis."""
    return tuple(_tilt(axis, angle) for axis in range(3) for angle in (-degrees, degrees))


def _tilt(axis: int, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = [a for a in range(3) if a != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def _score(
    pose: np.ndarray, template: Template, grid: Grid, moving: Working, placed: Working, least_dice: float
) -> float:
    """The correlation of a pose with the template, or -1 less the shortfall where the pose is plainly wrong."""
    dice = _dice(template, resample(placed.voxels, placed.affine, pose, grid) >= 0.5)
    correlation = _correlation(template, resample(moving.voxels, moving.affine, pose, grid))
    left, scales, right = np.linalg.svd(pose[:3, :3])
    sized = scales.min() > 0.6 and scales.max() < min(1.7, MOST_STRETCH * scales.min())
    # Half a brain can be laid into the template sideways: a turned pose has to match as whole brains do.
    turned = _cosine(left @ right, np.eye(3)) < NEAR
    needed = (max(least_dice, TURNED[0]), TURNED[1]) if turned else (least_dice, LEAST_CORRELATION)
    plausible = dice >= needed[0] and correlation >= needed[1] and sized
    return correlation if plausible and np.linalg.det(pose[:3, :3]) > 0 else -2 + dice


def _dice(template: Template, mask: np.ndarray) -> float:
    reference = template.mask > 0
    return float(2 * (mask & reference).sum() / max(mask.sum() + reference.sum(), 1))


def _correlation(template: Template, voxels: np.ndarray) -> float:
    inside = template.mask > 0
    if voxels[inside].std() == 0:
        return 0.0
    return float(np.corrcoef(voxels[inside], template.t1[inside])[0, 1])


def normalised(voxels: np.ndarray) -> np.ndarray:
    """Positive voxels scaled to [0, 1] by their 99.5 percentile: bright vessels and fat must not rule the histogram."""
    positive = voxels[voxels > 0]
    top = np.percentile(positive, 99.5) if positive.size else 1.0
    return np.clip(voxels / top, 0, 1).astype(np.float32)
