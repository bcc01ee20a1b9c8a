"""Shrink one hippocampus of the template by a known amount, then measure it as the evaluation does.

Run: python examples/plant_and_measure.py   (a few seconds)
"""

import numpy as np

from tlesynth.data.anatomy import hippocampus_mask, pull
from tlesynth.data.deformation import exponential, jacobian_determinant, sample
from tlesynth.data.hippocampus import hippocampi
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

grid = GRIDS["mni-3mm"]
world, template = grid.world(), load_template(grid)
hippocampus = hippocampus_mask(template, grid, "left")

print("planted loss   measured asymmetry 200 (R - L) / (R + L)")
for strength in (0.0, 0.1, 0.2, 0.3):
    velocity = strength * pull("hippocampus", world, "left")
    # The planted volume is exact: the integral of the Jacobian determinant over the template's hippocampus.
    left = (hippocampus * jacobian_determinant(exponential(velocity, grid), grid)).sum() / hippocampus.sum()
    brain = sample(template.t1[None], grid, world + exponential(-velocity, grid))[0]
    scan = np.where(brain > 0.1, brain + np.random.default_rng(0).normal(0, 0.01, grid.shape), 0)
    found = hippocampi(scan.clip(0, 1).astype(np.float32), grid)
    if found is None:
        raise SystemExit("the tissues could not be told apart")
    print(f"{100 * (1 - left):9.1f} %   {found.asymmetry:12.1f} %   (true: {200 * (1 - left) / (1 + left):.1f} %)")
