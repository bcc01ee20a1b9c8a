import re

import numpy as np
import pytest

from tlesynth.data.preprocess.measures import MEASURES
from tlesynth.recipe.quality import Limit
from tlesynth.report.histograms import BARS, HEIGHT, WIDTH, histogram

CJV = MEASURES["cjv"]


def bars(svg: str) -> list[tuple[str, float, float]]:
    """Class, x and height of each bar."""
    found = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', svg)
    return [(kind, float(x), float(height)) for kind, x, height in found]


def test_bars_beyond_the_limit_stand_out_and_the_words_count_them() -> None:
    values = np.r_[np.linspace(0.4, 0.5, 40), [0.7, 0.72]]
    svg = histogram(values, CJV, Limit(high=0.6))
    kinds = [kind for kind, _, _ in bars(svg)]
    assert kinds.index("beyond") == kinds.count("within")
    assert "42 scans" in svg and "2 outside the limit" in svg
    assert svg.count('class="limit"') == 1


def test_an_outlier_does_not_squeeze_the_rest_and_is_said_to_lie_beyond() -> None:
    svg = histogram(np.r_[np.linspace(0.4, 0.5, 40), [20.0]], CJV, Limit(high=0.6))
    assert len([x for _, x, _ in bars(svg) if x < 0.4 * WIDTH]) >= 4
    assert "\u2265 " in svg and "20" not in re.findall(r"<text[^>]*>([^<]*)</text>", svg)[1]
    assert bars(svg)[-1][0] == "beyond"


@pytest.mark.parametrize("values", [[1.0], [1.0] * 9, [0.0, 0.0], [1e-9, 2e-9]])
def test_equal_values_make_a_picture(values: list[float]) -> None:
    svg = histogram(np.array(values), CJV)
    assert 1 <= len(bars(svg)) <= BARS and "nan" not in svg
    assert max(height for _, _, height in bars(svg)) <= HEIGHT


def test_a_limit_that_is_turned_off_or_far_away_is_not_drawn_inside() -> None:
    values = np.linspace(0.4, 0.5, 20)
    assert 'class="limit"' not in histogram(values, CJV, Limit(high=0.45, action="ignore"))
    assert all(kind != "beyond" for kind, _, _ in bars(histogram(values, CJV, Limit(high=50.0))))
