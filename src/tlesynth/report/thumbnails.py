"""One small picture of a prepared scan: three planes through the temporal lobes with the outline of the brain mask."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from scipy import ndimage

from tlesynth.report.pictures import Picture
from tlesynth.report.slices import PLANES, cut
from tlesynth.volume import Grid

AT_MM = {"coronal": -21.0, "sagittal": -36.0, "axial": -18.0}
"""Through the hippocampi, the left temporal lobe, and both temporal lobes above the poles."""
OUTLINE = (242, 161, 84)
LARGEST = 11_000
"""Bytes of a picture; a third more as text in the page."""
QUALITIES = (62, 45, 30, 15)


def strip(voxels: np.ndarray, mask: np.ndarray, grid: Grid, alt: str, height: int = 120) -> Picture:
    """Coronal, sagittal and axial slices (X, Y, Z on [0, 1]) side by side, ``height`` pixels high, as WebP."""
    planes = [_plane(voxels, mask, grid, plane, height) for plane in PLANES]
    joined = np.concatenate([part for plane in planes for part in (plane, np.zeros((height, 2, 3), np.uint8))][:-1], 1)
    return Picture(_webp(Image.fromarray(joined)), alt, joined.shape[1], height)


def _plane(voxels: np.ndarray, mask: np.ndarray, grid: Grid, plane: str, height: int) -> np.ndarray:
    """One slice (H, W, 3) uint8, first axis to the right and second up, with the mask's outline."""
    grey = _sized(np.clip(cut(voxels, grid, plane, AT_MM[plane]), 0, 1), height)
    inside = _sized(cut(mask, grid, plane, AT_MM[plane]).astype(np.float32), height) > 0.5
    picture = np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, axis=-1)
    picture[inside & ~ndimage.binary_erosion(inside)] = OUTLINE
    return picture


def _sized(plane: np.ndarray, height: int) -> np.ndarray:
    """A slice (right, up) as an image (down, right) of ``height`` pixels."""
    image = Image.fromarray(np.ascontiguousarray(np.swapaxes(plane, 0, 1)[::-1], np.float32))
    width = max(1, round(image.width * height / image.height))
    return np.clip(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)


def _webp(image: Image.Image) -> str:
    """The picture as a data URI, at the best quality that keeps it small."""
    data = b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=4)
        data = buffer.getvalue()
        if len(data) <= LARGEST:
            break
    return "data:image/webp;base64," + base64.b64encode(data).decode()
