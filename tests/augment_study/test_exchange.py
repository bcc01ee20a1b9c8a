"""On a curve that rises by b for each e-fold of scans, a gain of b is worth e - 1 times the real scans."""

import numpy as np
import pytest

from tlesynth.augment_study.exchange import exchange
from tlesynth.metrics.statistics import Resampling

HOW = Resampling(200, 0.95, np.random.default_rng(0))
NOISE = np.random.default_rng(0).normal(0, 1e-4, (3, 201))
NOISE[:, 0] = 0


def curve(slope: float) -> dict[int, np.ndarray]:
    return {n: 0.5 + slope * np.log(n) + NOISE[k] for k, n in enumerate((50, 100, 200))}


def test_a_known_price() -> None:
    found = exchange(curve(0.05), np.full(201, 0.05), 200, 100.0, HOW)
    assert found["real_scans"]["value"] == pytest.approx(200 * (np.e - 1), rel=1e-3)
    assert found["slope"]["value"] == pytest.approx(0.05, rel=1e-3)
    assert exchange(curve(0.05), np.zeros(201), 200, 100.0, HOW)["real_scans"]["value"] == pytest.approx(0, abs=1e-6)


def test_a_flat_curve_has_no_price() -> None:
    assert "does not clearly rise" in exchange(curve(0.0), np.full(201, 0.05), 200, 100.0, HOW)["not_computed"]
    two = {n: values for n, values in curve(0.05).items() if n < 200}
    assert "3 are needed" in exchange(two, np.zeros(201), 100, 50.0, HOW)["not_computed"]
