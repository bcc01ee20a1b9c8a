"""The template: mirror symmetry, tissue volumes, and no dependence on the grid's spacing."""

from __future__ import annotations

import numpy as np
import pytest

from tlesynth.data.template import load_template, template_fingerprint
from tlesynth.volume import GRIDS

NAMES = ("t1", "gm", "wm", "csf", "mask")


@pytest.mark.parametrize("name", ["mni-1.5mm", "mni-3mm"])
def test_mirror_is_exact(name: str) -> None:
    template = load_template(GRIDS[name])
    for map_name in NAMES:
        values = getattr(template, map_name)
        assert values.dtype == np.float32 and values.shape == GRIDS[name].shape
        assert np.array_equal(values, values[::-1]), map_name
        assert values.min() >= 0 and values.max() <= 1.0001


@pytest.mark.parametrize("name", ["mni-1.5mm", "mni-3mm"])
def test_volumes_are_those_of_the_1_mm_source(name: str) -> None:
    template, voxel_ml = load_template(GRIDS[name]), GRIDS[name].spacing ** 3 / 1000
    assert template.gm.sum() * voxel_ml == pytest.approx(987, abs=25)
    assert template.wm.sum() * voxel_ml == pytest.approx(670, rel=0.02)
    assert template.mask.sum() * voxel_ml == pytest.approx(1886, rel=0.02)


def test_t1_is_a_mixture_of_tissues() -> None:
    template = load_template(GRIDS["mni-1.5mm"])
    inside = template.mask > 0
    tissues = np.stack([template.gm[inside], template.wm[inside], template.csf[inside]], axis=1).astype(float)
    means = np.linalg.lstsq(tissues, template.t1[inside].astype(float), rcond=None)[0]
    assert means == pytest.approx([0.66, 0.88, 0.28], abs=0.04)


def test_shared_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_template(GRIDS["mni-3mm"]).t1[0, 0, 0] = 1


def test_fingerprint_is_stable() -> None:
    assert template_fingerprint() == template_fingerprint()
    assert len(template_fingerprint()) == 64
