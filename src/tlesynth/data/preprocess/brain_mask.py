"""The brain in a native T1: where the background is already zero it is read off, else found with the template as prior.

The prior is the template's mask carried back through an affine registration of the whole head, whose metric looks
only at the template's brain and a rim around it. Intensities then move its edge: an affine brain is a few
millimetres off, and a mask that is too tight would cut the temporal poles, which are what this package is about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess.external_mask import mask_by_command, placed_mask
from tlesynth.data.preprocess.registration import affine_registration, cube, normalised, template_grid
from tlesynth.data.resampling import Working, resample, working
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError, fail
from tlesynth.volume import Grid, Volume

EXTRACTED_ML = (600.0, 2400.0)
"""Volume of what is not zero in a brain-extracted scan; a head with its neck has 3 to 6 litres."""
LEAST_ZEROS = 0.2
HEAD_MM, FINE_MM = 4.0, 2.0
BELOW_TOP_MM = 170.0
"""What lies deeper below the crown is neck; a brain with its cerebellum is at most 150 mm high."""
LEAST_HEAD_AREA_MM2 = 1500.0
STARTS = ((75.0, 0.85), (75.0, 0.95), (60.0, 0.85), (90.0, 0.95), (60.0, 0.95))
"""Depth of the brain's centre below the crown in mm, and size relative to the template. Small first: a brain that
begins inside the skull grows to it, one that begins outside takes the scalp for its edge."""
GOOD_MATCH, LEAST_MATCH = 0.65, 0.55
"""Correlation of a head with the template in its brain and rim: real heads had 0.70 to 0.85."""
RIM_MM, CORE_MM, REACH_MM, OPEN_MM, CLOSE_MM, OUTER_MM = 8.0, 5.0, 10.0, 4.5, 9.0, 2.0
POLE, POLE_MM, POLE_OUTER_MM = (35.0, 12.0, -31.0), 24.0, 4.0
"""Centre in MNI mm (right side) and radius of where the signal often fades: a wider rim is kept there."""
TISSUE = (0.6, 1.6)
"""Brightness of tissue as a share of the brain's mean nearby: above fluid and skull, below fat and vessels."""


@dataclass(frozen=True, eq=False)
class BrainMask:
    """``voxels`` (X, Y, Z) bool on the scan's own voxels; ``method``: extracted, template, given or command."""

    voxels: np.ndarray
    method: str


def find_brain(
    scan: Volume,
    mode: str = "auto",
    *,
    seed: int = 0,
    given: Volume | None = None,
    command: str = "",
    seconds: float = 0,
) -> BrainMask:
    """The brain mask of a native scan; ``mode`` is auto, extracted, template, given or command.

    ``auto`` takes ``given`` where there is one. ``command`` is run with a time limit of ``seconds``, 0 for none.

    Raises:
        TlesynthError: REG-001 if no brain is found, REG-003 if the registration fails, a MASK code for a mask that
            others made.
    """
    if mode == "command":
        return BrainMask(mask_by_command(scan, command, seconds), "command")
    if mode == "given" or (mode == "auto" and given is not None):
        if given is None:
            raise fail("MASK-001", "", "there is none beside this scan")
        return BrainMask(placed_mask(given, scan), "given")
    if mode == "extracted" or (mode == "auto" and is_extracted(scan)):
        return BrainMask(_largest_filled(scan.voxels != 0), "extracted")
    return BrainMask(_template_mask(scan, seed), "template")


def foreground(scan: Volume) -> np.ndarray:
    """Roughly the head, (X, Y, Z) bool: what stands out from the background."""
    positive = scan.voxels[scan.voxels > 0]
    if not positive.size:
        raise fail("REG-001", "", "no head stands out from the background")
    return _largest_filled(scan.voxels > 0.5 * otsu(positive))


def is_extracted(scan: Volume) -> bool:
    """Whether the background is exactly zero and the rest has the volume of a brain."""
    nonzero = scan.voxels != 0
    if 1 - nonzero.mean() < LEAST_ZEROS:
        return False
    volume_ml = _largest_filled(nonzero).sum() * np.prod(scan.spacing) / 1000
    return EXTRACTED_ML[0] <= volume_ml <= EXTRACTED_ML[1]


def otsu(values: np.ndarray) -> float:
    """The threshold that best parts ``values`` (N,) in two (Otsu 1979), from a histogram of 256 bins."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * centres)[:-1]
    mean = (counts * centres).sum() / total
    between = (mean * below - sums) ** 2 / np.maximum(below * (total - below) / total**2, 1e-12)
    return float(centres[int(np.argmax(between))])


def _template_mask(scan: Volume, seed: int) -> np.ndarray:
    to_native = _any_pose(scan, seed)
    fine = working(scan.voxels, scan.affine, FINE_MM)
    frame = Grid("native", fine.voxels.shape, FINE_MM, (fine.origin[0], fine.origin[1], fine.origin[2]))
    template = template_grid(FINE_MM)
    back = np.linalg.inv(to_native)
    prior = resample(load_template(template).mask, template.affine, back, frame) >= 0.5
    poles = resample(_near_poles(template), template.affine, back, frame) >= 0.5
    mask = _refined(fine.voxels, prior, poles)
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 0.5)
    placed = ndimage.affine_transform(
        smooth,
        *_index(frame.affine, scan.affine),
        output_shape=scan.voxels.shape,
        order=1,
        output=np.float32,
    )
    return placed >= 0.5


def _any_pose(scan: Volume, seed: int) -> np.ndarray:
    """MNI mm to native mm (4, 4); where the header's own orientation leads nowhere, the head is turned every way."""
    best, best_match = np.eye(4), -np.inf
    for rotation in cube():
        turn = np.eye(4)
        turn[:3, :3] = rotation
        head = working(scan.voxels, turn @ scan.affine, HEAD_MM)
        as_told = bool(np.allclose(rotation, np.eye(3)))
        starts = STARTS if as_told else STARTS[:1]
        try:
            pose, match = _head_pose(Working(normalised(head.voxels), head.origin, HEAD_MM), starts, seed)
        except TlesynthError as error:
            if error.code != "REG-001":
                raise
            continue
        if match > best_match:
            best, best_match = np.linalg.inv(turn) @ pose, match
        if best_match >= (LEAST_MATCH if as_told else GOOD_MATCH):
            break
    if best_match < LEAST_MATCH:
        found = "no head stands out from the background" if np.isinf(best_match) else f"correlation {best_match:.2f}"
        raise fail("REG-001", "", f"no brain was found in it ({found}; {LEAST_MATCH:.2f} is needed)")
    return best


def _index(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = np.linalg.inv(source) @ target
    return index[:3, :3], index[:3, 3]


def _head_pose(head: Working, starts: tuple[tuple[float, float], ...], seed: int) -> tuple[np.ndarray, float]:
    """MNI mm to native mm (4, 4) from an upright head, and its match: the best of where ``starts`` lead."""
    grid = template_grid(HEAD_MM)
    template = load_template(grid)
    fixed = Working(template.t1, np.array(grid.origin), grid.spacing)
    rim = _dilated(template.mask > 0, RIM_MM, HEAD_MM).astype(np.float32)
    top, middle = _crown(head)
    heights = head.origin[2] + HEAD_MM * np.arange(head.voxels.shape[2])
    cropped = Working(np.where(heights > top - BELOW_TOP_MM, head.voxels, 0).astype(np.float32), head.origin, HEAD_MM)
    centre = Working(template.mask, fixed.origin, HEAD_MM).centre_of_mass()
    best, best_match = np.eye(4), -np.inf
    for below, size in starts:
        start = np.diag([size, size, size, 1.0])
        start[:3, 3] = np.array([middle[0], middle[1] - 5, top - below]) - start[:3, :3] @ centre
        pose = affine_registration(fixed, cropped, start, within=rim, seed=seed)
        match = _match(resample(cropped.voxels, cropped.affine, pose, grid), template.t1, rim > 0)
        if match > best_match:
            best, best_match = pose, match
        if match >= GOOD_MATCH:
            break
    return best, best_match


def _match(placed: np.ndarray, reference: np.ndarray, within: np.ndarray) -> float:
    values = placed[within]
    return float(np.corrcoef(values, reference[within])[0, 1]) if values.std() > 0 else -1.0


def _crown(head: Working) -> tuple[float, np.ndarray]:
    """The height of the head's top in mm, and the centre (x, y) of what lies less than 110 mm below it."""
    foreground = _largest(_opened(head.voxels > 0.5 * otsu(head.voxels[head.voxels > 0]), HEAD_MM, HEAD_MM))
    if not foreground.any():
        raise fail("REG-001", "", "no head stands out from the background")
    heights = head.origin[2] + HEAD_MM * np.arange(foreground.shape[2])
    areas = foreground.sum(axis=(0, 1)) * HEAD_MM**2
    if not (areas > LEAST_HEAD_AREA_MM2).any():
        raise fail("REG-001", "", "what stands out from the background is smaller than a head")
    top = float(heights[areas > LEAST_HEAD_AREA_MM2].max())
    middle = ndimage.center_of_mass(foreground & (heights > top - 110))
    return top, head.origin[:2] + HEAD_MM * np.array(middle[:2])


def _near_poles(grid: Grid) -> np.ndarray:
    """Ones around the temporal poles, (X, Y, Z) float32."""
    world = grid.world()
    world[0] = np.abs(world[0])
    return (np.linalg.norm(world - np.reshape(POLE, (3, 1, 1, 1)), axis=0) < POLE_MM).astype(np.float32)


def _refined(voxels: np.ndarray, prior: np.ndarray, poles: np.ndarray) -> np.ndarray:
    """Move the edge of ``prior`` to the intensities: tissue joined to the brain's core, closed over sulci."""
    if not prior.any():
        raise fail("REG-001", "", "the template's brain lies outside the scan")
    core = _eroded(prior, CORE_MM, FINE_MM)
    reach = _dilated(prior, REACH_MM, FINE_MM)
    flat = voxels / _local_level(voxels, core)
    tissue = reach & (flat > TISSUE[0]) & (flat < TISSUE[1])
    opened = _largest(_opened(tissue, OPEN_MM, FINE_MM) | core)
    grown = _dilated(opened, OPEN_MM, FINE_MM) & tissue | core
    margin = int(np.ceil(CLOSE_MM / FINE_MM)) + 1
    padded = np.pad(grown, margin)
    closed = _eroded(_dilated(padded, CLOSE_MM, FINE_MM), CLOSE_MM, FINE_MM)[(slice(margin, -margin),) * 3]
    brain = _largest_filled(closed & reach | core)
    # The fluid around the brain belongs to the template's mask too; what is bright there is scalp.
    rim = _dilated(brain, OUTER_MM, FINE_MM) | (_dilated(brain, POLE_OUTER_MM, FINE_MM) & poles)
    return brain | (rim & (flat < TISSUE[0]))


def _local_level(voxels: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The brain's own brightness around each voxel, a wide Gaussian mean over the core: it cancels the coils' bias."""
    sigma = 25.0 / FINE_MM
    weight = ndimage.gaussian_filter(core.astype(np.float32), sigma, truncate=3)
    level = ndimage.gaussian_filter(np.where(core, voxels, 0).astype(np.float32), sigma, truncate=3)
    return np.maximum(level, 1e-6) / np.maximum(weight, 1e-6)


def _dilated(mask: np.ndarray, millimetres: float, spacing: float) -> np.ndarray:
    return ndimage.distance_transform_edt(~mask) * spacing <= millimetres


def _eroded(mask: np.ndarray, millimetres: float, spacing: float) -> np.ndarray:
    return ndimage.distance_transform_edt(mask) * spacing > millimetres


def _opened(mask: np.ndarray, millimetres: float, spacing: float) -> np.ndarray:
    eroded = _eroded(mask, millimetres, spacing)
    return _dilated(eroded, millimetres, spacing) if eroded.any() else eroded


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, n = ndimage.label(mask)
    return mask if n < 2 else labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def _largest_filled(mask: np.ndarray) -> np.ndarray:
    return ndimage.binary_fill_holes(_largest(mask))
