"""What of the evaluation's figures is drawn: volumes and asymmetries of every scan, effects, spectra, t-maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tlesynth.report import charts, forest, spectra, tmaps
from tlesynth.report.pictures import Picture
from tlesynth.report.sections import GROUP_WORDS, computed, measure_words
from tlesynth.report.slices import Row
from tlesynth.report.sources import RESULTS, Files, pointer

COMPARED = ("val", "test", "audit_holdout", "synthetic")
"""The scans whose hippocampi are compared: the generator saw none of the real ones."""
GROUPS = ("hc", "tle-left", "tle-right", "tle")
ONE_SIDED = ("hippocampus_left", "hippocampus_right", "hippocampus_asymmetry")
"""Measures of left and right TLE that the forest shows; the tables show all."""
KINDS = ("real", "synthetic")


@dataclass(frozen=True)
class Drawn:
    """The charts; one that could not be made is None or empty."""

    asymmetry: Picture | None = None
    volumes: Picture | None = None
    effects: Picture | None = None
    spectrum: Picture | None = None
    maps: list[Row] = field(default_factory=list)


def draw(files: Files) -> Drawn:
    """Every chart that the run has the files for."""
    table = _compared(files)
    return Drawn(
        asymmetry=_asymmetry(files, table) if table is not None else None,
        volumes=_volumes(files, table) if table is not None else None,
        effects=_effects(files),
        spectrum=_spectrum(files),
        maps=tmaps.rows(files),
    )


def _compared(files: Files) -> pd.DataFrame | None:
    """The scans that are compared, with ``stratum`` (hc, tle-left, ...) beside their group."""
    if not files.has("evaluation/hippocampus.tsv"):
        return None
    table = files.table("evaluation/hippocampus.tsv")
    table = table[table["split"].isin(COMPARED)]
    side = table["side"]
    known = side.notna() & (table["group"] != "hc")
    return table.assign(stratum=table["group"].where(~known, table["group"] + "-" + side.fillna("")))


def _asymmetry(files: Files, table: pd.DataFrame) -> Picture:
    dots = _dots(table, pd.to_numeric(table["asymmetry"], errors="coerce"))
    label = "asymmetry, % (above 0: left smaller)"
    spread = charts.Spread(label, _groups(dots), dots, _means(files, dots, "asymmetry"))
    return charts.distributions(spread, f"Hippocampal asymmetry of each scan. {_told(dots, ' %')}.", zero=True)


def _volumes(files: Files, table: pd.DataFrame) -> Picture:
    left, right = (pd.to_numeric(table[side], errors="coerce") for side in ("left", "right"))
    dots = _dots(table, left.where(left < right, right) / 1000)
    spread = charts.Spread("smaller hippocampus, cm³", _groups(dots), dots, {})
    return charts.distributions(spread, f"Volume of the smaller hippocampus of each scan. {_told(dots, ' cm³')}.")


def _dots(table: pd.DataFrame, values: pd.Series) -> dict[tuple[str, str], np.ndarray]:
    kept = values.notna()
    pairs = list(zip(table.loc[kept, "stratum"], table.loc[kept, "cohort"], strict=True))
    found = values[kept].to_numpy(float)
    return {pair: found[[p == pair for p in pairs]] for pair in sorted(set(pairs))}


def _groups(dots: dict[tuple[str, str], np.ndarray]) -> dict[str, str]:
    return {g: GROUP_WORDS[g] for g in GROUPS if any(key[0] == g for key in dots)}


def _means(files: Files, dots: dict[tuple[str, str], np.ndarray], part: str) -> dict[tuple[str, str], forest.Interval]:
    found: dict[tuple[str, str], forest.Interval] = {}
    for group, cohort in dots:
        interval = files.get(pointer(RESULTS, "disease", "distributions", group, f"hippocampus_{part}", cohort))
        if isinstance(interval, dict) and "value" in interval:
            found[group, cohort] = _ends(interval)
    return found


def _told(dots: dict[tuple[str, str], np.ndarray], unit: str) -> str:
    return "; ".join(
        f"{GROUP_WORDS.get(g, g)} {c}: {len(v)} scans, mean {np.mean(v):+.1f}{unit}"
        for (g, c), v in dots.items()
        if len(v)
    )


def _effects(files: Files) -> Picture | None:
    wanted = {"tle": computed(files, "disease", "effects", "tle")} | dict.fromkeys(("tle-left", "tle-right"), ONE_SIDED)
    effects = []
    for stratum, measures in wanted.items():
        for measure in measures:
            found = files.get(pointer(RESULTS, "disease", "effects", stratum, measure), {})
            pair = [found.get(kind, {}) for kind in KINDS] if isinstance(found, dict) else []
            if pair and all("value" in one for one in pair):
                words = f"{GROUP_WORDS[stratum]}: {measure_words(measure)}"
                effects.append(forest.Effect(words, *(_ends(one) for one in pair)))
    return forest.forest(effects, "Hedges' g, patients against controls") if effects else None


def _spectrum(files: Files) -> Picture | None:
    at = ("generation", "spectrum")
    groups = {}
    for group in ("hc", "tle"):
        bands = {band: files.resolve(pointer(RESULTS, *at, group, band)) for band in computed(files, *at, group)}
        bands = {b: f for b, f in bands.items() if all("value" in f.get(part, {}) for part in ("value", "floor"))}
        if len(bands) > 1:
            groups[group] = bands
    return spectra.spectrum(groups) if groups else None


def _ends(interval: dict[str, Any]) -> forest.Interval:
    return interval["value"], interval["low"], interval["high"]
