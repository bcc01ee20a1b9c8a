"""A volume is voxels and the affine that places them; the grid is the one box all models share."""

from tlesynth.volume.grid import GRIDS, Grid
from tlesynth.volume.reading import Look, Volume, look, read, read_on
from tlesynth.volume.writing import write

__all__ = ["GRIDS", "Grid", "Look", "Volume", "look", "read", "read_on", "write"]
