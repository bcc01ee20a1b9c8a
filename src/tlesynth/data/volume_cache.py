"""A cohort's volumes in one file that is mapped into memory: reading a scan again costs no decompression.

``FOLDER/<key>/volumes.npy`` is (N, X, Y, Z) float16 and ``index.json`` says which row is whose. The key hashes the grid
and every file's stamp, so that another cohort, or one with a changed scan, gets a folder of its own. The file is read
where it lies: processes that train side by side share one copy of it in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.errors import fail
from tlesynth.progress import track

VOLUMES, INDEX = "volumes.npy", "index.json"


@dataclass(frozen=True, eq=False)
class VolumeCache:
    """Volumes (N, X, Y, Z) float16 on [0, 1], mapped from ``folder``, in the order of ``cohort.ids``."""

    cohort: Cohort
    folder: Path
    key: str
    volumes: NDArray[np.float16]

    @property
    def rows(self) -> dict[str, int]:
        """The row of each participant."""
        return {participant_id: row for row, participant_id in enumerate(self.cohort.ids)}


def volume_cache(cohort: Cohort, folder: Path) -> VolumeCache:
    """The cache of ``cohort`` below ``folder``: the one that is there, or one made now.

    Make it before several processes want it; each would otherwise read the whole cohort for itself.

    Raises:
        TlesynthError: RES-002 if the disk has no room for it, RES-001 if it cannot be written, CKP-001 if it is
            damaged, an NII code for an unreadable volume.
    """
    key = key_of(cohort)
    kept = Path(folder) / key[:16]
    durable.put_back(kept)
    if not (kept / INDEX).is_file():
        _make(cohort, kept, key)
    index = durable.read_json(kept / INDEX, "CKP-001")
    shape = (len(cohort.ids), *cohort.grid.shape)
    try:
        volumes = np.load(kept / VOLUMES, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise fail("CKP-001", kept / VOLUMES, str(error)) from error
    if index["key"] != key or volumes.shape != shape or volumes.dtype != np.float16:
        raise fail("CKP-001", kept, "it holds other volumes than its index says: delete the folder")
    return VolumeCache(cohort, kept, key, volumes)


def key_of(cohort: Cohort) -> str:
    """What tells a cohort's volumes from any other's: the grid, and each file's size and checksum."""
    return durable.hash_of([cohort.grid.fingerprint, [[i, *cohort.stamp(i)] for i in cohort.ids]])


def _make(cohort: Cohort, kept: Path, key: str) -> None:
    shape = (len(cohort.ids), *cohort.grid.shape)
    durable.require_free(kept.parent, 2 * int(np.prod(shape)))
    with durable.publishing(kept) as temporary:
        volumes = open_memmap(temporary / VOLUMES, mode="w+", dtype=np.float16, shape=shape)
        for row, participant_id in enumerate(track(cohort.ids, f"caching {cohort.root.name}", len(cohort.ids))):
            volumes[row] = cohort.volume(participant_id)
        volumes.flush()
        del volumes
        durable.write_json(temporary / INDEX, {"key": key, "grid": cohort.grid.name, "participants": cohort.ids})
