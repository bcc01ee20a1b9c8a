"""From a shape to a scan: tissue contrast, disease signal, pose, point spread, bias field, Rician noise, integers.

The image is a partial-volume model on the template, I = sum_k mu_k p_k + texture, pulled back once through pose and
deformation. Everything happens in the frame of the focus; a left focus is the mirror image of the finished scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from tlesynth.data import anatomy
from tlesynth.data.deformation import random_field, sample
from tlesynth.data.simulate.shape import Shape
from tlesynth.data.simulate.subjects import Latents
from tlesynth.data.template import Template, load_template
from tlesynth.recipe import Simulate
from tlesynth.recipe.simulate import CONTROL_SITES
from tlesynth.seeds import generator
from tlesynth.volume import Grid

BOX_MM = (168.0, 204.0, 168.0)
"""What of MNI space is painted: the box of the package's grids."""
BRAIN_CENTRE = np.array([0.0, -17.0, 5.0])
"""Of the template, RAS mm; the pose turns about it."""
FIELD_OF_VIEW = (172.0, 212.0, 180.0)
"""mm."""
TEMPLATE_BRAIN_ML = 1886.0
SHARPEN = 1.4
"""The template is an average of 152 brains: p^1.4 makes its tissue borders those of one."""
WHITE_LEVEL = 1000.0
THICKNESS_SD = 0.05
PLACES = {
    # Gaussian places of cortical thinning (RAS mm, right) and Cohen's d (ipsi, contra) there.
    (23, 0, -29): (0.45, 0.10),
    (35, 10, -31): (0.37, 0.10),
    (38, -14, 52): (0.47, 0.47),
    (9, -60, 40): (0.50, 0.50),
    (24, -58, 58): (0.47, 0.47),
    (7, -32, 60): (0.46, 0.46),
    (14, 30, 45): (0.40, 0.40),
    (56, -15, 0): (0.35, 0.25),
    (36, -48, -18): (0.36, 0.20),
}
CONTROL_SCANNER = ((0.92, 1.0, 0.80), 0.012, 0.2)
"""What the control-only sites of the confounded scenario share: tissue factors, noise, point spread (mm)."""
POLE, POLE_SIGMA = (35, 10, -31), 11.0


@dataclass(frozen=True)
class Site:
    """A scanner: what all its scans share."""

    name: str
    tissue: np.ndarray
    """Factors on grey, white and CSF intensity, (3,)."""
    noise: float
    """Rician sigma as a share of white matter."""
    blur_mm: float
    """Full width at half maximum of the point spread."""
    gamma: float
    bias_mm: float
    """Smoothness of the bias field."""
    severity_shift: float
    volume_shift: float


def draw_site(number: int, settings: Simulate, seed: int) -> Site:
    """The scanner of site ``number``."""
    rng = generator(seed, "site", number)
    drawn = Site(
        name=f"site{number + 1:02d}",
        tissue=1 + 0.03 * rng.standard_normal(3),
        noise=settings.noise_scale * rng.uniform(0.015, 0.04),
        blur_mm=rng.uniform(0, 2.2),
        gamma=rng.uniform(0.9, 1.1),
        bias_mm=rng.uniform(25, 40),
        severity_shift=0.05 * rng.standard_normal(),
        volume_shift=0.025 * rng.standard_normal(),
    )
    if settings.scenario == "confounded" and number < CONTROL_SITES:
        factors, noise, blur_mm = CONTROL_SCANNER
        tissue = drawn.tissue * np.array(factors)
        return replace(drawn, tissue=tissue, noise=settings.noise_scale * noise, blur_mm=blur_mm, gamma=1.0)
    return drawn


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a head lies: ``to_mni`` (4, 4) maps native to MNI mm, and its determinant is MNI over native volume."""

    to_mni: np.ndarray

    @property
    def scale(self) -> float:
        """Native volume of one MNI mm3."""
        return float(1 / np.linalg.det(self.to_mni[:3, :3]))

    def numbers(self, side: str | None) -> dict[str, float]:
        """The twelve numbers of ``to_mni`` for the scan as written (a left focus is a mirror image), by name."""
        turn = np.diag([-1.0, 1.0, 1.0, 1.0]) if side == "left" else np.eye(4)
        matrix = turn @ self.to_mni @ turn
        return {f"to_mni_{i}{j}": float(matrix[i, j]) for i in range(3) for j in range(4)}


def draw_pose(icv_ml: float, rng: np.random.Generator) -> Pose:
    """A small rotation and shift, and a head of ``icv_ml`` whose proportions vary by 2 %."""
    stretch = np.exp(0.02 * rng.standard_normal(3))
    stretch *= (icv_ml / TEMPLATE_BRAIN_ML / stretch.prod()) ** (1 / 3)
    turn = Rotation.from_euler("xyz", np.clip(rng.standard_normal(3), -2.5, 2.5) * [4.5, 2.5, 3.0], degrees=True)
    shift = 3 * np.clip(rng.standard_normal(3), -2, 2)
    to_native = np.eye(4)
    to_native[:3, :3] = turn.as_matrix() @ np.diag(stretch)
    to_native[:3, 3] = shift - to_native[:3, :3] @ BRAIN_CENTRE
    return Pose(np.linalg.inv(to_native))


def native_grid(voxel_mm: float) -> Grid:
    """The scanner's grid: centred on 0, so that its mirror image lies on itself."""
    shape = tuple(round(extent / voxel_mm) for extent in FIELD_OF_VIEW)
    origin = tuple(-voxel_mm * (n - 1) / 2 for n in shape)
    return Grid("native", (shape[0], shape[1], shape[2]), voxel_mm, (origin[0], origin[1], origin[2]))


def acquire(
    latents: Latents, made: Shape, pose: Pose, site: Site, settings: Simulate, rng: np.random.Generator
) -> np.ndarray:
    """The skull-stripped scan on ``native_grid``, (X, Y, Z) int16 with background 0, in the frame of the focus."""
    grid = native_grid(settings.voxel_mm)
    source = painting_grid(settings.voxel_mm)
    template = load_template(source)
    painted = np.stack([paint(latents, source, site.tissue * (1 + 0.015 * rng.standard_normal(3))), template.mask])
    image, mask = sample(painted, source, made.came_from(_transformed(grid.world(), pose.to_mni)))
    brain = mask >= 0.5
    image = WHITE_LEVEL * np.clip(image, 0, None) ** site.gamma
    # Blurring ends at the brain's edge: the scan is brain-extracted, and no darkness may leak in.
    sigma = site.blur_mm / 2.355 / settings.voxel_mm
    if sigma > 0.2:
        weight = gaussian_filter(brain.astype(np.float32), sigma, truncate=3)
        image = gaussian_filter(image * brain, sigma, truncate=3) / np.maximum(weight, 0.1)
    if settings.bias_field:
        image *= np.exp(random_field(rng, grid, site.bias_mm, settings.bias_field, channels=1)[0])
    noise = site.noise * WHITE_LEVEL * rng.standard_normal((2, *grid.shape), dtype=np.float32)
    image = np.hypot(image + noise[0], noise[1])
    return np.where(brain, np.clip(np.rint(image), 1, 32000), 0).astype(np.int16)


def paint(latents: Latents, grid: Grid, tissue: np.ndarray) -> np.ndarray:
    """The subject's T1 before deformation: (X, Y, Z) float32, white matter about 0.88; ``tissue`` are factors (3,)."""
    maps = _maps(grid)
    thin, blur = signs(latents, grid)
    lost, greyed = thin * maps.gm, blur * maps.wm
    means = maps.means * tissue
    image = (maps.gm - lost + greyed) * means[0] + (maps.wm - greyed) * means[1] + (maps.csf + lost) * means[2]
    image = image + maps.texture
    for where, change in latents.signal.items():
        image *= 1 + change * maps.hippocampus[where]
    return image.astype(np.float32)


def signs(latents: Latents, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Shares (X, Y, Z) of grey matter that thinning takes and of white matter that looks grey at the temporal poles."""
    places = _places(grid)
    thin = THICKNESS_SD * (latents.network * places.effect + latents.thinning * places.anywhere)
    blur = sum(share * places.pole[where] for where, share in latents.pole_blur.items())
    return thin, np.asarray(blur, np.float32)


def _transformed(world: np.ndarray, affine: np.ndarray) -> np.ndarray:
    matrix, shift = affine[:3, :3].astype(np.float32), affine[:3, 3].astype(np.float32)
    return np.tensordot(matrix, world, 1) + shift.reshape(3, 1, 1, 1)


def painting_grid(voxel_mm: float) -> Grid:
    """The grid on which a scan of ``voxel_mm`` is painted: never finer than the template itself."""
    step = max(voxel_mm, 1.0)
    shape = tuple(2 * round(extent / step / 2) for extent in BOX_MM)
    centre = (0.0, -18.0, 12.0)
    origin = tuple(c - step * (n - 1) / 2 for c, n in zip(centre, shape, strict=True))
    return Grid(f"mni-{step:g}mm", (shape[0], shape[1], shape[2]), step, (origin[0], origin[1], origin[2]))


@dataclass(frozen=True, eq=False)
class _Maps:
    gm: np.ndarray
    wm: np.ndarray
    csf: np.ndarray
    texture: np.ndarray
    """What the three tissues leave unexplained of the template's T1."""
    means: np.ndarray
    hippocampus: dict[str, np.ndarray]


@lru_cache(maxsize=2)
def _maps(grid: Grid) -> _Maps:
    template = load_template(grid)
    tissues = [template.gm, template.wm, template.csf]
    inside = template.mask > 0
    columns = np.stack([t[inside] for t in tissues], axis=1)
    means = np.linalg.lstsq(columns, template.t1[inside], rcond=None)[0].astype(np.float32)
    texture = template.t1 - sum(m * t for m, t in zip(means, tissues, strict=True))
    sharp = _sharpened(template)
    sides = {"ipsi": "right", "contra": "left"}
    hippocampus = {w: anatomy.hippocampus_mask(template, grid, s, 1.0) for w, s in sides.items()}
    return _Maps(*sharp, np.where(inside, texture, 0).astype(np.float32), means, hippocampus)


def _sharpened(template: Template) -> list[np.ndarray]:
    total = template.gm + template.wm + template.csf
    powers = [np.power(t, SHARPEN) for t in (template.gm, template.wm, template.csf)]
    return [p * total / np.maximum(sum(powers), 1e-6) for p in powers]


@dataclass(frozen=True, eq=False)
class _Places:
    effect: np.ndarray
    anywhere: np.ndarray
    pole: dict[str, np.ndarray]


@lru_cache(maxsize=2)
def _places(grid: Grid) -> _Places:
    world = grid.world()
    effect, anywhere = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    for (x, y, z), sizes in PLACES.items():
        for sign, size in zip((1, -1), sizes, strict=True):
            place = anatomy.bump(world, (sign * x, y, z), 10.0)
            effect, anywhere = np.maximum(effect, size * place), np.maximum(anywhere, place)
    x, y, z = POLE
    poles = {w: anatomy.bump(world, (s * x, y, z), POLE_SIGMA) for w, s in (("ipsi", 1), ("contra", -1))}
    return _Places(effect, anywhere, poles)
