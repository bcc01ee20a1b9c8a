"""Where patients differ from controls: the t-maps of real and synthetic scans, cut through the hippocampi."""

from __future__ import annotations

import numpy as np

from tlesynth.report.pictures import Picture, signed_picture
from tlesynth.report.sections import GROUP_WORDS
from tlesynth.report.slices import HIPPOCAMPAL_MM, Row, cut
from tlesynth.report.sources import Files
from tlesynth.volume import GRIDS, read

TOP = 5.0
"""Student's t at both ends of the colours."""
CONTRASTS = ("tle-left", "tle-right", "tle")


def rows(files: Files) -> list[Row]:
    """A row per contrast that both cohorts have: coronal and axial slices, real then synthetic."""
    found = []
    for contrast in CONTRASTS:
        names = {kind: f"evaluation/tmap_{kind}_{contrast}.nii.gz" for kind in ("real", "synthetic")}
        if all(files.has(name) for name in names.values()):
            pictures = [
                _slice(read(files.path(name)).voxels, kind, plane, GROUP_WORDS[contrast])
                for kind, name in names.items()
                for plane in ("coronal", "axial")
            ]
            found.append(Row(f"{GROUP_WORDS[contrast]} minus controls", tuple(pictures)))
    return found


def _slice(voxels: np.ndarray, kind: str, plane: str, words: str) -> Picture:
    grid = next(g for g in GRIDS.values() if g.shape == voxels.shape)
    alt = f"{plane.capitalize()} slice of the {kind} t-map of {words} minus controls."
    return signed_picture(cut(voxels, grid, plane, HIPPOCAMPAL_MM[plane]), TOP, alt, f"{kind}, {plane}")
