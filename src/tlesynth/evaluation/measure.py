"""One pass over a cohort: what is measured on every head, real and synthetic alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import interruption
from tlesynth.data.cohort import Cohort
from tlesynth.data.structures import NAMES as STRUCTURES
from tlesynth.data.structures import Structures, structures
from tlesynth.evaluation.encoder import FEATURES, Encoder
from tlesynth.evaluation.radiomics import NAMES, radiomic_features
from tlesynth.metrics.spectrum import BANDS, band_power
from tlesynth.progress import track

TOLD = ("group", "side", "hs", "age", "sex")
"""What participants.tsv says of a scan."""
BRAIN = ("brain_native_mm3", "brain_mni_mm3")
"""Columns of volumes.tsv whose ratio is the size of a head."""
HIPPOCAMPUS = ("left", "right", "asymmetry", "asymmetry_abs")
COLUMNS = ("participant_id", "cohort", *TOLD, "split", "head_size", *HIPPOCAMPUS)
VOLUMES = (*STRUCTURES, *(f"{name}_tissue" for name in STRUCTURES))


@dataclass(frozen=True)
class Measured:
    """A row per scan: ``table`` (``COLUMNS`` and, in mm3 of MNI space, every structure by registration and by tissue;
    volumes missing where no three tissues could be told apart; ``head_size`` is native over MNI volume, where
    preprocessing told it), and in the same order ``features`` (N, 42), ``spectra``
    (N, bands), and what the internal encoder says, ``embedded`` (N, 64), of size 0 where there is none."""

    table: pd.DataFrame
    features: NDArray[np.float64]
    spectra: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, len(BANDS) - 1)))
    embedded: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, FEATURES)))

    def features_of(self, group: str, splits: tuple[str, ...]) -> NDArray[np.float64]:
        """Features of one group's scans in ``splits``, (n, 42)."""
        return self.features[self.rows(group, splits)]

    def rows(self, group: str, splits: tuple[str, ...]) -> NDArray[np.bool_]:
        """Which rows are one group's scans in ``splits``."""
        return ((self.table["group"] == group) & self.table["split"].isin(splits)).to_numpy()

    def ids(self, group: str, splits: tuple[str, ...]) -> list[str]:
        """Participants of one group in ``splits``."""
        return list(self.table["participant_id"][self.rows(group, splits)])

    def volumes_table(self) -> pd.DataFrame:
        """The rows whose hippocampi could be measured."""
        return self.table[self.table["left"].notna()]


def measure_cohort(cohort: Cohort, kind: str, split_of: dict[str, str], encoder: Encoder | None = None) -> Measured:
    """Measure each scan of ``cohort`` that ``split_of`` names (participant to split); ``kind`` is real or synthetic."""
    ids, heads = [i for i in cohort.ids if i in split_of], head_sizes(cohort)
    features, rows = np.zeros((len(ids), len(NAMES))), []
    spectra, embedded = np.zeros((len(ids), len(BANDS) - 1)), np.zeros((len(ids) if encoder else 0, FEATURES))
    for place, participant_id in enumerate(track(ids, f"measuring {kind}", len(ids))):
        interruption.check()
        volume = cohort.volume(participant_id)
        features[place] = radiomic_features(volume, cohort.grid)
        spectra[place] = band_power(volume)
        if encoder:
            embedded[place] = encoder.embed(volume, cohort.grid)
        person = cohort.participants.loc[participant_id]
        row = {"participant_id": participant_id, "cohort": kind} | {c: person.get(c) for c in TOLD}
        row |= {"split": split_of[participant_id], "head_size": heads.get(participant_id)}
        rows.append(row | _sizes(structures(volume, cohort.grid)))
    return Measured(pd.DataFrame(rows, columns=[*COLUMNS, *VOLUMES]), features, spectra, embedded)


def head_sizes(cohort: Cohort) -> dict[str, float]:
    """Native over MNI volume of each head: the affine map's scale, where preprocessing wrote both."""
    told = cohort.measured()
    if not {*BRAIN} <= set(told):
        return {}
    native, mni = (pd.to_numeric(told[name], errors="coerce") for name in BRAIN)
    return {str(name): float(size) for name, size in (native / mni).dropna().items()}


def _sizes(found: Structures | None) -> dict[str, float]:
    """The volumes of a scan (mm3) and its hippocampal asymmetry, 200 (R - L) / (R + L) percent: above 0 the left is
    smaller."""
    if found is None:
        return dict.fromkeys((*HIPPOCAMPUS, *VOLUMES), float("nan"))
    left, right = found.registered["hippocampus_left"], found.registered["hippocampus_right"]
    asymmetry = 200 * (right - left) / (right + left)
    hippocampus = dict(zip(HIPPOCAMPUS, (left, right, asymmetry, abs(asymmetry)), strict=True))
    return hippocampus | found.registered | {f"{name}_tissue": v for name, v in found.tissue.items()}


def join(a: Measured, b: Measured) -> Measured:
    """Both cohorts' scans in one table."""
    kept = [m.table for m in (a, b) if len(m.table)]
    table = pd.concat(kept, ignore_index=True) if kept else a.table
    arrays = [(m.features, m.spectra, m.embedded) for m in (a, b)]
    return Measured(table, *(np.concatenate(pair) for pair in zip(*arrays, strict=True)))
