"""Write a recipe of your own, see what it would cost, and see how a mistake in it is told.

Run: python examples/own_recipe.py   (a few seconds; nothing is trained)
"""

import tempfile
from pathlib import Path

from tlesynth import recipe
from tlesynth.errors import TlesynthError
from tlesynth.pipeline import Context
from tlesynth.pipeline.plan import plan

MINE = """
name: mine
about: A cohort whose table calls things other names, with a narrower transformer.
preprocess: {grid: mni-3mm}
labels: {group_column: Group, hc: [Healthy], tle: [Patient], side_column: TLEside}
autoencoder: {perceptual: ssim3d, reconstruction: {epochs: 20}}
diffusion:
  network: {patch: [2, 1, 2], width: 192}
  conditions: {group: {values: [hc, tle]}, side: {values: [left, right]}, age: {quantity: true}}
  steps: 20000
"""

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "mine.yaml"
    path.write_text(MINE)
    for name, value in plan(Context(recipe.load(path), Path(folder) / "run")).items():
        print(f"{name:<24}{value}")
    try:
        recipe.load(path, ["diffusion.network.widht=256"])
    except TlesynthError as error:
        print(error)
