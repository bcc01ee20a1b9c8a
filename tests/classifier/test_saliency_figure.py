"""The picture is cut where the map is strongest inside the head."""

from pathlib import Path

import numpy as np
from PIL import Image

from tlesynth.classifier.saliency_figure import saliency_of, write_saliency

from .conftest import GRID

HEAD = np.zeros(GRID.shape, np.float32)
HEAD[4:28, 4:32, 4:28] = 0.5


def test_the_strongest_place_lies_inside_the_head() -> None:
    found = np.zeros(GRID.shape, np.float32)
    found[20, 10, 8] = -1.0
    found[0, 0, 0] = 50.0
    assert saliency_of(found, HEAD, GRID).strongest == (20, 10, 8)
    assert saliency_of(np.zeros(GRID.shape), HEAD, GRID).strongest == (16, 18, 16)


def test_for_is_red_and_against_is_blue(tmp_path: Path) -> None:
    for sign, channel in ((1.0, 0), (-1.0, 2)):
        found = np.zeros(GRID.shape, np.float32)
        found[16:20, 16:20, 16:20] = sign
        write_saliency(tmp_path / "a.png", HEAD, saliency_of(found, HEAD, GRID), GRID, "sub-a", ("hc", "tle"))
        colours = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)[60:360]
        other = 2 - channel
        assert ((colours[..., channel] - colours[..., other]) > 60).sum() > 100
        assert ((colours[..., other] - colours[..., channel]) > 60).sum() < 20
