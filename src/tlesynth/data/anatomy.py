"""Analytic geometry of the mesial temporal lobe in MNI152 (RAS mm): no atlas file is needed.

Every structure is a tube along y or an ellipsoid, given for the right side (+x) and mirrored for the left. Its
``radius`` is 1 on the surface, smaller inside. The hippocampal knots were fitted to the left-right union of the
Harvard-Oxford hippocampus (Dice 0.91).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlesynth.data.template import Template
from tlesynth.volume import Grid

SIDES = ("left", "right")
MEASURED_SCALE = 0.93
"""The tube is a slightly generous envelope; this share of its semi-axes gives atlas-like volumes."""


@dataclass(frozen=True)
class Tube:
    """In the coronal plane at y an ellipse at (x, z) with semi-axes a, b and a's angle to +x; linear between the
    knots.
    """

    y: tuple[float, ...]
    x: tuple[float, ...]
    z: tuple[float, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]
    degrees: tuple[float, ...]
    fade: float
    """mm over which a deformation dies out beyond the ends."""

    def offset(self, world: np.ndarray) -> np.ndarray:
        """From the centreline to each point, within the coronal plane: (3, X, Y, Z) mm."""
        y = world[1]
        across, up = world[0] - np.interp(y, self.y, self.x), world[2] - np.interp(y, self.y, self.z)
        return np.stack([across, np.zeros_like(across), up])

    def radius(self, world: np.ndarray) -> np.ndarray:
        """1 on the surface, (X, Y, Z); beyond the ends the last ellipse goes on."""
        across, _, up = self.offset(world)
        angle = np.radians(np.interp(world[1], self.y, self.degrees))
        long, short = across * np.cos(angle) + up * np.sin(angle), up * np.cos(angle) - across * np.sin(angle)
        return np.hypot(long / np.interp(world[1], self.y, self.a), short / np.interp(world[1], self.y, self.b))

    def along(self, world: np.ndarray) -> np.ndarray:
        """mm to the nearer end along y, positive between the ends: (X, Y, Z)."""
        return np.minimum(world[1] - self.y[0], self.y[-1] - world[1])


@dataclass(frozen=True)
class Ellipsoid:
    """Centre, semi-axes (mm) and their directions."""

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    directions: tuple[tuple[float, float, float], ...]

    def offset(self, world: np.ndarray) -> np.ndarray:
        """From the centre to each point: (3, X, Y, Z) mm."""
        return world - np.reshape(self.centre, (3, *[1] * (world.ndim - 1)))

    def radius(self, world: np.ndarray) -> np.ndarray:
        """1 on the surface, (X, Y, Z)."""
        scaled = np.asarray(self.directions) / np.asarray(self.semi_axes)[:, None]
        return np.sqrt(sum(np.tensordot(axis, self.offset(world), 1) ** 2 for axis in scaled))

    def along(self, world: np.ndarray) -> np.ndarray:
        """An ellipsoid has no ends: infinity everywhere."""
        return np.full(world.shape[1:], np.inf)


HIPPOCAMPUS = Tube(
    y=(-41, -38, -35, -32, -28, -24, -20, -16, -12, -8, -5),
    x=(20.5, 22.5, 26.0, 27.7, 28.8, 29.7, 28.4, 26.5, 24.6, 22.5, 22.6),
    z=(1.0, -0.2, -3.6, -8.0, -10.7, -13.5, -16.4, -18.5, -20.8, -23.4, -26.0),
    a=(7.5, 11.0, 9.0, 8.9, 8.8, 8.6, 9.8, 10.9, 11.4, 10.6, 6.0),
    b=(3.0, 5.3, 5.4, 4.5, 4.7, 5.3, 5.9, 6.4, 6.3, 4.7, 2.5),
    degrees=(-25, -25, -24, -6, -3, 6, 6, -2, -11, -20, -22),
    fade=5.5,
)
TEMPORAL_HORN = Tube(
    y=(-40, -36, -32, -28, -24, -20, -16, -12, -8, -5),
    x=(31.5, 35.2, 37, 37.5, 37.5, 37, 35.5, 34.8, 33, 32.5),
    z=(0.5, -6, -9.5, -12, -14, -16, -17.5, -20.5, -24, -27),
    a=(3.5,) * 10,
    b=(3.5,) * 10,
    degrees=(0,) * 10,
    fade=5.5,
)
AMYGDALA = Ellipsoid(
    (23.4, -3.9, -18.2), (12.0, 8.8, 6.1), ((-0.59, -0.55, 0.59), (-0.80, 0.29, -0.52), (-0.11, 0.78, 0.61))
)
THALAMUS = Ellipsoid(
    (11.6, -18.7, 6.2), (20.3, 12.3, 10.4), ((-0.44, 0.88, 0.19), (-0.894, -0.447, 0.0), (0.085, -0.17, 0.982))
)
STRUCTURES = {"hippocampus": HIPPOCAMPUS, "amygdala": AMYGDALA, "thalamus": THALAMUS, "temporal_horn": TEMPORAL_HORN}


def on_right(world: np.ndarray, side: str) -> np.ndarray:
    """Coordinates (3, X, Y, Z) mirrored so that a structure of ``side`` is described by its right-side geometry."""
    if side not in SIDES:
        raise ValueError(f"side is left or right, not {side!r}")
    return world if side == "right" else world * np.array([-1, 1, 1], world.dtype).reshape(3, *[1] * (world.ndim - 1))


def hippocampus_radius(world: np.ndarray, side: str) -> np.ndarray:
    """Radius field of one hippocampal tube: (X, Y, Z), 1 on the surface, infinite beyond its ends (y -41 to -5 mm)."""
    mirrored = on_right(world, side)
    radius = HIPPOCAMPUS.radius(mirrored)
    return np.where(HIPPOCAMPUS.along(mirrored) >= 0, radius, np.inf).astype(np.float32)


def inside(structure: Tube | Ellipsoid, world: np.ndarray, spacing: float, scale: float = 1.0) -> np.ndarray:
    """Share of each voxel inside a right-side structure whose semi-axes are scaled: (X, Y, Z) in [0, 1].

    The edge is one voxel (``spacing`` mm) wide, so that volumes do not depend on the grid.
    """
    radius = np.maximum(structure.radius(world), 1e-6)
    depth = (scale - radius) * np.linalg.norm(structure.offset(world), axis=0) / radius
    share = np.clip(depth / spacing + 0.5, 0, 1) * np.clip(structure.along(world) / spacing + 0.5, 0, 1)
    return share.astype(np.float32)


def hippocampus_mask(template: Template, grid: Grid, side: str, scale: float = MEASURED_SCALE) -> np.ndarray:
    """One hippocampus on ``grid``: soft tube times grey-matter probability, (X, Y, Z) in [0, 1]; about 4.5 ml in MNI
    space.
    """
    return structure_mask("hippocampus", template, grid, side, scale)


def structure_mask(name: str, template: Template, grid: Grid, side: str, scale: float = MEASURED_SCALE) -> np.ndarray:
    """One of ``STRUCTURES`` on ``grid``, (X, Y, Z) in [0, 1]: the sum times the voxel's volume is its volume in MNI
    space.

    Hippocampus and amygdala are grey matter, the amygdala without the hippocampal tube; the thalamus is all tissue;
    the horn is CSF.
    """
    world = on_right(grid.world(), side)
    soft = inside(STRUCTURES[name], world, grid.spacing, scale)
    if name == "amygdala":
        soft = soft * (1 - inside(HIPPOCAMPUS, world, grid.spacing))
    tissue = {"thalamus": template.gm + template.wm, "temporal_horn": template.csf}.get(name, template.gm)
    return soft * tissue


def pull(name: str, world: np.ndarray, side: str, reach: float = 1.0) -> np.ndarray:
    """Velocity field (3, X, Y, Z) in mm that contracts one structure towards its centre, zero away from it.

    v(x) = -(x - c) w(r) with w = 1 inside and a quintic fall to 0 at r = 1 + 1.2 ``reach``; it dies out beyond the
    ends of a tube and at the midline, so that the other side does not move.
    """
    structure, mirrored = STRUCTURES[name], on_right(world, side)
    weight = 1 - smoothstep((structure.radius(mirrored) - 1) / (1.2 * reach))
    if isinstance(structure, Tube):
        weight = weight * smoothstep(1 + structure.along(mirrored) / structure.fade)
    weight = weight * smoothstep((mirrored[0] - 1) / 5)
    return on_right(-structure.offset(mirrored) * weight, side).astype(np.float32)


def smoothstep(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and between them the quintic whose first two derivatives vanish at both ends."""
    x = np.clip(x, 0, 1)
    return x**3 * (x * (6 * x - 15) + 10)


def bump(world: np.ndarray, centre: tuple[float, float, float], sigma: float) -> np.ndarray:
    """A Gaussian of height 1 around ``centre`` (RAS mm): (X, Y, Z)."""
    distance = sum(((world[i] - centre[i]) / sigma) ** 2 for i in range(3))
    return np.exp(-0.5 * distance).astype(np.float32)
