"""Phantom people: the template's brain, bent and textured differently for each; and cohorts of them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.data.deformation import exponential, random_field, sample
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@cache
def person(number: int) -> np.ndarray:
    """The brain (X, Y, Z) of one phantom person on the 3 mm grid."""
    random, template = np.random.default_rng([11, number]), load_template(GRID)
    bend = exponential(random_field(random, GRID, sigma=12, amplitude=4), GRID)
    brain = sample(template.t1[None], GRID, GRID.world() + bend)[0]
    folds = random_field(random, GRID, sigma=4, amplitude=0.05, channels=1)[0]
    return (np.clip(brain + folds, 1e-3, 1) * (brain > 0.1)).astype(np.float32)


def mixture(people: Sequence[int], number: int) -> np.ndarray:
    """The mean brain of four of ``people``, and a little noise: a copy of nobody, near to all of them."""
    random = np.random.default_rng([7, number])
    mean = np.mean([person(n) for n in random.choice(people, 4, replace=False)], axis=0)
    return (np.clip(mean + random.normal(0, 0.01, mean.shape), 0, 1) * (mean > 0)).astype(np.float32)


def write_people(root: Path, training: int, held_out: int) -> tuple[Path, Path]:
    """A cohort of phantom people and its splits: ``training`` in gen_train, ``held_out`` each in val and test."""
    names = {f"sub-{n:03d}": n for n in range(training + 2 * held_out)}
    writer = CohortWriter(root / "derivatives", GRID, "preproc", "people", "phantoms")
    for name, number in names.items():
        writer.write(name, person(number), {})
    groups = ["tle" if n % 2 else "hc" for n in names.values()]
    writer.finish(pd.DataFrame({"group": groups}, index=pd.Index(list(names))))
    splits = ["gen_train"] * training + ["val"] * held_out + ["test"] * held_out
    table = pd.DataFrame({"participant_id": list(names), "group": groups, "split": splits})
    durable.write_table(root / "splits.tsv", table)
    return root / "derivatives", root / "splits.tsv"


def cohort_of(root: Path, training: int, held_out: int) -> Cohort:
    """The cohort of ``write_people``."""
    return read_cohort(write_people(root, training, held_out)[0])
