"""A volume is voxels and the affine that places them; the grid is the one box all models share."""

from tlesynth.volume.grid import GRIDS, Grid
from tlesynth.volume.reading import Volume, read, read_on
from tlesynth.volume.writing import write

__all__ = ["GRIDS", "Grid", "Volume", "read", "read_on", "write"]
