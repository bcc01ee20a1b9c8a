"""Slices of a volume as pictures, for browsers without WebGL and for the gallery.

A picture on screen has right, or anterior, to its right, and superior, or anterior, up.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The axis that each plane cuts."""
COLOURS = ((0.0, 0.25, 1.0), (1.0, 0.2, 0.0))
"""Less and more than the other, as red, green, blue on [0, 1]."""

Bytes3D = NDArray[np.uint8]


def upright(voxels: np.ndarray, plane: str, index: int) -> np.ndarray:
    """One slice of (X, Y, Z) as an image (down, right)."""
    return np.take(voxels, index, axis=AXES[plane]).T[::-1]


def windowed(image: Bytes3D, low: int, high: int) -> Bytes3D:
    """Grey levels between ``low`` (black) and ``high`` (white) of a uint8 image."""
    levels = np.clip((np.arange(256) - low) * 255.0 / max(1, high - low), 0, 255).round().astype(np.uint8)
    return levels[image]


def slice_png(voxels: Bytes3D, plane: str, index: int, low: int, high: int) -> bytes:
    """A slice as PNG, not compressed: what compresses well would be shorter, and length tells scans apart."""
    return _png(Image.fromarray(np.ascontiguousarray(windowed(upright(voxels, plane, index), low, high))))


def overlaid_png(voxels: Bytes3D, change: np.ndarray, plane: str, index: int, top: float) -> bytes:
    """A slice with ``change`` (signed, the same shape) over it: blue where less, red where more, full at ``top``."""
    grey = np.repeat(upright(voxels, plane, index)[..., None].astype(np.float32), 3, axis=-1)
    share = np.clip(upright(change, plane, index) / top, -1, 1)[..., None]
    colour = np.where(share < 0, np.array(COLOURS[0]), np.array(COLOURS[1])) * 255
    mixed = grey * (1 - np.abs(share)) + colour * np.abs(share)
    return _png(Image.fromarray(mixed.round().astype(np.uint8)))


def strip_webp(voxels: Bytes3D, places: dict[str, int], height: int = 120) -> bytes:
    """One slice of each plane of ``places`` side by side, ``height`` pixels high, as WebP."""
    images = [Image.fromarray(np.ascontiguousarray(upright(voxels, plane, at))) for plane, at in places.items()]
    sized = [
        image.resize((round(image.width * height / image.height), height), Image.Resampling.BICUBIC) for image in images
    ]
    joined = Image.new("L", (sum(image.width for image in sized) + 2 * (len(sized) - 1), height))
    left = 0
    for image in sized:
        joined.paste(image, (left, 0))
        left += image.width + 2
    buffer = io.BytesIO()
    joined.save(buffer, "WEBP", quality=70, method=3)
    return buffer.getvalue()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()
