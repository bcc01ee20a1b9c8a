"""The pages of ``tlesynth view`` in a real browser: filters, two linked volumes, the difference, the film."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ..browsing import CHROMIUM, accessible, chromium, opened, served

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"), pytest.mark.end_to_end]


def coloured(page: Page) -> int:
    """How many pixels are not grey on the right half."""
    page.wait_for_timeout(500)
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)[160:, 660:]
    return int((abs(picture[..., 0] - picture[..., 2]) > 60).sum())


@pytest.mark.timeout(200)
@pytest.mark.parametrize("switch", [[], ["--disable-3d-apis"]], ids=["webgl", "pictures"])
def test_gallery_comparison_and_film(run: Path, switch: list[str]) -> None:
    faults: list[str] = []
    words = ("view", str(run / "derivatives"), "--beside", str(run / "changed"))
    with served(*words) as links, chromium(*switch) as browser:
        page = opened(browser, links["link"], faults)
        expect(page.locator("#count")).to_have_text("3 of 3 scans")
        page.select_option("#group", "tle")
        page.select_option("#side", "right")
        expect(page.locator("#count")).to_have_text("1 of 3 scans")
        page.select_option("#group", "")
        page.select_option("#side", "")
        page.check("#pairs")
        assert accessible(page) == []
        page.locator(".cards li:visible a").click()
        page.wait_for_selector("[data-loaded]")
        page.keyboard.press("c")  # the crosshair is blue
        plain = coloured(page)
        page.keyboard.press("d")
        page.wait_for_selector("[data-loaded$=difference]")
        page.keyboard.press("c")
        page.keyboard.press("c")
        assert coloured(page) > plain + 5000
        assert accessible(page) == []
        page.goto(page.url.split("/compare")[0] + "/film")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#words")).to_have_text("t = 500")
        assert accessible(page) == []
    assert faults == []
