"""Figures see the smaller side and which it is; a mirrored head has the same ones, but for the sign of its side."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tlesynth.classifier import structure_figures
from tlesynth.classifier.scan_set import ScanSet, examples_of
from tlesynth.classifier.structure_figures import figure_names, figures, sizes_in, sizes_of
from tlesynth.data.structures import NAMES
from tlesynth.data.template import load_template
from tlesynth.recipe import Classifier, Figures
from tlesynth.volume import GRIDS

from .conftest import cache_in_memory

SIZES = np.random.default_rng(0).uniform(500, 4000, (3, len(NAMES)))
MIRRORED = SIZES.reshape(3, -1, 2)[:, :, ::-1].reshape(3, -1)


def settings(task: str, structures: str = "all") -> Classifier:
    return Classifier(kind="volumes", task=task, figures=Figures(structures=structures))  # ty: ignore[invalid-argument-type]


def test_columns_are_named() -> None:
    assert figure_names(settings("tle", "hippocampus")) == [
        f"hippocampus {k}" for k in ("|asymmetry|", "smaller", "both")
    ]
    for task in ("tle", "side"):
        assert figures(SIZES, settings(task)).shape == (3, len(figure_names(settings(task))))


def test_the_mirror_keeps_what_tells_disease_and_turns_what_tells_side() -> None:
    assert figures(MIRRORED, settings("tle")) == pytest.approx(figures(SIZES, settings("tle")))
    assert figures(MIRRORED, settings("side")) == pytest.approx(-figures(SIZES, settings("side")))


def test_the_template_is_nearly_even_and_nothing_is_measured_in_nothing() -> None:
    grid = GRIDS["mni-3mm"]
    found = figures(sizes_of(load_template(grid).t1, grid)[None], settings("side"))
    assert np.abs(found[0, : len(NAMES) // 2]).max() < 0.1
    assert np.isnan(sizes_of(np.zeros(grid.shape), grid)).all()


def test_a_cohort_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = replace(cache_in_memory("a", 2, 1, 1), folder=tmp_path / "a")
    scans = ScanSet("a", examples_of(cache, cache.cohort.ids[::-1], "tle"))
    monkeypatch.setattr(structure_figures, "sizes_of", lambda volume, grid: np.full(len(NAMES), volume[0, 0, 0]))
    first = sizes_in(scans)
    assert first[:, 0] == pytest.approx(cache.volumes[::-1, 0, 0, 0].astype(float), abs=0.006)
    monkeypatch.setattr(structure_figures, "sizes_of", lambda *_: pytest.fail("measured again"))
    assert np.array_equal(sizes_in(scans), first)
