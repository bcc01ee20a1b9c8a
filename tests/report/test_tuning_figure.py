"""The curves of a sweep: every guidance scale a line, what was chosen marked, what was not finite left out."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlesynth.report.tuning_figure import tuning_picture, write_curves


@pytest.fixture
def found() -> dict:
    pairs = [
        {
            "steps": steps,
            "guidance": scale,
            "distance": 3.0 / steps + 0.1 * scale - 0.2,
            "error": 0.1,
            "passes": steps,
        }
        for scale in (1.0, 2.0)
        for steps in (10, 20, 50)
    ]
    broken = {"steps": 100, "guidance": 9.0, "distance": None, "error": None, "passes": 200}
    return {"pairs": [*pairs, broken], "chosen": pairs[2], "floor": -0.0125}


def test_the_words_say_what_was_chosen_and_how_far_training_scans_are(found: dict) -> None:
    picture = tuning_picture(found)
    assert "50 steps at guidance 1 were chosen, distance -0.04, that of training scans -0.0125" in picture.alt
    assert picture.light.startswith("data:image/webp;base64,") and picture.dark != picture.light


def test_a_pair_without_a_distance_changes_nothing(found: dict) -> None:
    assert tuning_picture(found | {"pairs": found["pairs"][:-1]}) == tuning_picture(found)


def test_the_file_is_the_picture_on_white_paper(found: dict, tmp_path: Path) -> None:
    path = write_curves(found, tmp_path / "tuned.webp")
    with Image.open(path) as image:
        pixels = np.asarray(image)
        assert image.format == "WEBP" and image.mode == "RGB"
    assert pixels[0, 0].tolist() == [255, 255, 255] and pixels.std() > 5
    drawn = Image.open(io.BytesIO(base64.b64decode(tuning_picture(found).light.partition("base64,")[2])))
    assert drawn.size == pixels.shape[1::-1]
