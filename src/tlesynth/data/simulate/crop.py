"""A simulated subject drawn directly on a grid of MNI space: its mesial temporal lobes, or the whole head.

Calibration trains on the lobes. It stands in for scan, preprocessing and cropping, which would cost ten times as much.
Kept: the anatomy, the disease, the site's contrast, gamma and point spread, Rician noise, and what preprocessing leaves
behind (bias field, a small error of the affine registration). Left out: brain extraction, N4, the registration itself,
and its interpolation.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from tlesynth.data.deformation import random_field, sample
from tlesynth.data.simulate import scan
from tlesynth.data.simulate.shape import Shape
from tlesynth.data.simulate.subjects import Latents
from tlesynth.data.template import load_template
from tlesynth.volume import Grid

CROP = Grid("mesial temporal lobes", (40, 24, 20), 2.0, (-39.0, -42.0, -34.0))
"""Both sides, from the tail of the hippocampus to the amygdala; 2 mm, since calibration must run on a processor."""
SIDE = (16, *CROP.shape[1:])
"""Of each side only what lies more than 8 mm from the midline."""
PAINTED = Grid("around the crop", (74, 54, 50), 1.5, (-54.75, -57.75, -51.75))
"""Wide enough for what deformation and registration error bring in."""
RESIDUAL_BIAS = 0.02
"""Standard deviation of the log bias field that N4 leaves."""
TURN_DEGREES, SHIFT_MM, STRETCH = 0.7, 0.5, 0.01
"""Standard deviations of the registration's error."""
PERCENTILES = (0.5, 99.5)


def render_crop(
    latents: Latents, made: Shape, site: scan.Site, voxel_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """The side of the focus and the mirrored other side, (2, X, Y, Z) float32 in [0, 1], lateral to +x in both.

    ``voxel_mm`` is the scanner's: a voxel of the crop averages as many of its noise draws as it covers.
    """
    scaled = _rendered(latents, made, site, voxel_mm, rng, CROP, PAINTED)
    return np.stack([scaled[-SIDE[0] :], scaled[SIDE[0] - 1 :: -1]])


def render_head(
    latents: Latents, made: Shape, site: scan.Site, voxel_mm: float, rng: np.random.Generator, grid: Grid
) -> np.ndarray:
    """The whole head as preprocessing would leave it on ``grid``, (X, Y, Z) float32 in [0, 1], the focus to the right.

    Background is exactly 0; of a ``grid`` that is its own mirror image a left focus is the mirrored volume.
    """
    return _rendered(latents, made, site, voxel_mm, rng, grid, scan.painting_grid(1.5))


def _rendered(  # noqa: PLR0913 (whom, by which scanner, and from which grid onto which)
    latents: Latents,
    made: Shape,
    site: scan.Site,
    voxel_mm: float,
    rng: np.random.Generator,
    onto: Grid,
    painting: Grid,
) -> np.ndarray:
    template = load_template(painting)
    painted = scan.paint(latents, painting, site.tissue * (1 + 0.015 * rng.standard_normal(3)))
    points = _mislaid(onto.world(), rng)
    image, mask = sample(np.stack([painted, template.mask]), painting, made.came_from(points), outside="border")
    brain = mask >= 0.5
    image = np.clip(image, 0, None) ** site.gamma
    sigma = site.blur_mm / 2.355 / onto.spacing
    if sigma > 0.1:
        weight = gaussian_filter(brain.astype(np.float32), sigma, truncate=3, mode="nearest")
        image = gaussian_filter(image * brain, sigma, truncate=3, mode="nearest") / np.maximum(weight, 0.1)
    image = image * np.exp(random_field(rng, onto, site.bias_mm, RESIDUAL_BIAS, channels=1)[0])
    noise = site.noise * min(voxel_mm / onto.spacing, 1) ** 1.5 * rng.standard_normal((2, *onto.shape), np.float32)
    image = np.hypot(image + noise[0], noise[1])
    low, high = np.percentile(image[brain], PERCENTILES)
    return np.where(brain, np.clip((image - low) / (high - low), 0, 1), 0).astype(np.float32)


def _mislaid(world: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``world`` (3, X, Y, Z) as an affine registration with a small error finds it."""
    turn = Rotation.from_euler("xyz", TURN_DEGREES * rng.standard_normal(3), degrees=True).as_matrix()
    matrix = turn @ np.diag(np.exp(STRETCH * rng.standard_normal(3)))
    centre = scan.BRAIN_CENTRE
    shift = centre - matrix @ centre + SHIFT_MM * rng.standard_normal(3)
    moved = np.tensordot(matrix.astype(np.float32), world, 1)
    return moved + shift.astype(np.float32).reshape(3, 1, 1, 1)
