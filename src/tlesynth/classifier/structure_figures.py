"""What the kind ``volumes`` knows of a scan: how large its structures are, and how unlike left and right.

Volumes are those that registration gives (tlesynth.data.structures), in MNI space, so that head size is taken out. They
are measured in the very volume a network would see, a synthetic one as a real one, and kept beside the volume cache.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.classifier.scan_set import ScanSet
from tlesynth.data.anatomy import STRUCTURES
from tlesynth.data.structures import NAMES, structures
from tlesynth.data.volume_cache import VolumeCache
from tlesynth.progress import track
from tlesynth.recipe import Classifier
from tlesynth.volume import Grid

Floats = NDArray[np.float64]
FLOOR_MM3 = 50.0
"""Added to every volume, so that a structure that is not there has a logarithm."""


def structure_names(settings: Classifier) -> tuple[str, ...]:
    """The structures that are measured."""
    return ("hippocampus",) if settings.figures.structures == "hippocampus" else tuple(STRUCTURES)


def figure_names(settings: Classifier) -> list[str]:
    """What the columns of ``figures`` are."""
    kinds = ("asymmetry",) if settings.task == "side" else ("|asymmetry|", "smaller", "both")
    return [f"{structure} {kind}" for structure in structure_names(settings) for kind in kinds]


def figures(sizes: Floats, settings: Classifier) -> Floats:
    """Figures (N, F) from volumes in mm3 (N, 2 S) in the order of ``structures.NAMES``; NaN where there are none.

    By structure, for the task tle: the distance of the two logs, the smaller, and their mean; for the side: log R / L.
    """
    columns = []
    logs = pd.DataFrame(np.log(sizes + FLOOR_MM3), columns=list(NAMES))
    for structure in structure_names(settings):
        left, right = (logs[f"{structure}_{side}"].to_numpy() for side in ("left", "right"))
        if settings.task == "side":
            columns += [right - left]
        else:
            columns += [np.abs(right - left), np.minimum(left, right), (left + right) / 2]
    return np.stack(columns, axis=1)


def sizes_of(volume: NDArray[np.floating], grid: Grid) -> Floats:
    """Volumes in mm3, (2 S,) in the order of ``structures.NAMES``; NaN where no tissues can be told apart."""
    found = structures(np.asarray(volume, np.float32), grid)
    return np.full(len(NAMES), np.nan) if found is None else np.array([found.registered[name] for name in NAMES])


def sizes_in(scans: ScanSet) -> Floats:
    """Volumes of every scan of a set, (N, 2 S); each cohort is measured once and kept beside its cache."""
    caches = {example.cache.key: example.cache for example in scans.examples}
    tables = {key: _measured(cache) for key, cache in caches.items()}
    return np.stack([tables[example.cache.key][example.row] for example in scans.examples])


def _measured(cache: VolumeCache) -> Floats:
    path = _table_of(cache)
    if not path.is_file():
        rows = track(range(len(cache.volumes)), f"measuring {cache.cohort.root.name}", len(cache.volumes))
        sizes = [sizes_of(cache.volumes[row], cache.cohort.grid) for row in rows]
        table = pd.DataFrame(np.round(sizes, 2), columns=list(NAMES))
        table.insert(0, "participant_id", cache.cohort.ids)
        durable.write_table(path, table)
    return durable.read_table(path)[list(NAMES)].astype(float).to_numpy()


def _table_of(cache: VolumeCache) -> Path:
    return cache.folder.with_name(f"{cache.folder.name}-structures.tsv")
