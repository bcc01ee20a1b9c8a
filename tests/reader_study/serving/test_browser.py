"""Three people read a whole small study in a real browser, each in another way; every page is checked by axe."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tlesynth import durable
from tlesynth.reader_study.answers import read_answers
from tlesynth.reader_study.study import ANATOMY, STUDY

from ..browsing import CHROMIUM, accessible, chromium, opened, served

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.end_to_end,
]
PROBE = "<img src=x onerror='window.__pwned=1'>"
KEPT = """() => new Promise((resolve) => {
  const request = indexedDB.open("tlesynth-study", 1);
  request.onsuccess = () => {
    const count = request.result.transaction("kept").objectStore("kept").count();
    count.onsuccess = () => resolve(count.result);
  };
})"""
"""How many answers and drafts the browser keeps."""
MakeStudy = Callable[..., Path]


def ready(page: Page) -> None:
    page.wait_for_selector("#reading[data-shown]", timeout=60_000)


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def by_keyboard(browser: Browser, link: str, faults: list[str]) -> None:
    """WebGL, keys alone."""
    page = opened(browser, link, faults)
    ready(page)
    assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    assert _seen(page)[100:, :960].std() > 20  # the canvas is not blank
    assert accessible(page) == []
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    assert accessible(page) == []
    page.keyboard.press("Escape")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "PageUp", "m", "+", "]", ".", "c", "f", "0"):
        page.keyboard.press(key)
    expect(page.locator("#marks li")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#told")).to_contain_text("how sure")
    page.keyboard.press("6")
    page.keyboard.press("ArrowUp")  # goes through the scan, and leaves the answer as it is
    assert page.locator("#scale input:checked").get_attribute("value") == "6"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#feedback:visible")
    expect(page.locator("#feedback")).to_have_text("The right answer: a person.")
    page.keyboard.press("Enter")
    for place in (2, 3, 4):
        _turn(page, place)
        page.keyboard.press("t")
        page.keyboard.type(PROBE)
        page.keyboard.press("Escape")
        page.keyboard.press(str(place))
        page.keyboard.press("Control+Enter")
    page.wait_for_selector("#finished:visible")
    assert accessible(page) == []
    expect(page.locator("#place")).to_have_text("4 of 4 done")
    expect(page.locator("#progress")).to_have_attribute("value", "4")
    assert page.locator("header button:visible").all_text_contents() == ["Pause p", "Keys ?"]
    page.get_by_role("button", name="Go back").click()
    page.wait_for_selector("#reading[data-shown='4 of 4 done']")
    assert page.input_value("#comment") == PROBE
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#finished:visible")
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("can no longer be changed").wait_for()
    assert page.locator("header button:visible").count() == 0
    page.keyboard.press("p")
    assert page.get_by_role("dialog").count() == 0
    assert page.evaluate("window.__pwned") is None


def by_pictures(browser: Browser, link: str, faults: list[str]) -> None:
    """A tablet without WebGL, by touch or mouse alone."""
    page = opened(browser, link, faults, 820, 1180)
    for place in range(1, 5):
        ready(page)
        _turn(page, place)
        page.locator(".slice-coronal").click(position={"x": 120, "y": 90})
        page.get_by_role("button", name="Mark the crosshair").click()
        page.get_by_role("radio").nth(4).check()
        page.locator("input[type=radio]:focus").wait_for(state="detached")  # or the arrows would change the answer
        assert fits(page) and _wholly_seen(page, "#submit")
        page.locator("#submit").click()
        if place == 1:
            page.wait_for_selector("#feedback:visible")
            page.locator("#submit").click()
    page.wait_for_selector("#finished:visible")
    page.get_by_role("button", name="Finish").click()


def in_two_sittings(browser: Browser, link: str, faults: list[str]) -> None:
    """At 200 % zoom, with a pause to another day."""
    page = opened(browser, link, faults, 640, 360)
    ready(page)
    assert fits(page)
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#feedback:visible")
    page.keyboard.press("Enter")
    _turn(page, 2)
    page.keyboard.press("p")
    assert accessible(page) == []
    assert page.evaluate("document.activeElement.id") == "go-on"
    assert page.evaluate(KEPT) == 1  # the draft
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("p")
    page.get_by_role("button", name="Leave until another day").click()
    page.wait_for_selector("#leave-box:visible")
    back = page.input_value("#return-link")
    assert page.evaluate(KEPT) == 0  # nothing of this reader is left for the next one at this device
    page.close()
    page = opened(browser, back, faults)
    for place in (2, 3, 4):
        ready(page)
        _turn(page, place)
        page.keyboard.press("3")
        page.keyboard.press("Control+Enter")
    page.wait_for_selector("#finished:visible")


def _turn(page: Page, place: int) -> None:
    page.wait_for_selector(f"#reading[data-shown='{place} of 4']", timeout=60_000)


def _wholly_seen(page: Page, selector: str) -> bool:
    """Whether something lies inside the window as it is."""
    box, size = page.locator(selector).bounding_box(), page.viewport_size
    assert box is not None and size is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


def _seen(page: Page) -> np.ndarray:
    """What is on the screen, in grey."""
    page.wait_for_timeout(500)
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))


@pytest.mark.timeout(300)
def test_three_people_read_a_whole_study(tmp_path: Path, small_study: MakeStudy) -> None:
    folder = small_study(tmp_path / "study")
    faults: list[str] = []
    with served("study", "serve", str(folder)) as links:
        with chromium() as browser:
            by_keyboard(browser, links["reader-1"], faults)
            in_two_sittings(browser, links["reader-3"], faults)
        with chromium("--disable-3d-apis") as browser:
            by_pictures(browser, links["reader-2"], faults)
            page = opened(browser, links["administrator"], faults)
            page.get_by_text("4 of 4").nth(2).wait_for()
            assert accessible(page) == []
            assert [page.get_by_text("finished").count(), fits(page)] == [2, True]
            page.goto(links["administrator"].split("#")[0])
            assert accessible(page) == []
    assert faults == []
    table = read_answers(folder)
    assert dict(table.groupby("reader").size()) == {f"reader-{number}": 4 for number in (1, 2, 3)}
    ways = {name: set(part) for name, part in table.groupby("reader")["display"]}
    assert ways == {"reader-1": {"webgl"}, "reader-2": {"slices"}, "reader-3": {"webgl"}}
    first = table[table["reader"] == "reader-1"]
    assert list(first["confidence"]) == [6, 2, 3, 1]  # the last was changed from 4
    assert list(first["comment"])[1:] == [PROBE] * 3
    marks = table[table["reader"] == "reader-2"]["regions"]
    assert all(len(points) == 1 for points in marks)
    assert (table["seconds"] > 0).all()


@pytest.mark.timeout(120)
def test_a_study_with_an_anatomy_score_shown_as_radiologists_know_it_and_closed_half_way(
    tmp_path: Path, small_study: MakeStudy
) -> None:
    folder = small_study(tmp_path / "study")
    asked = durable.read_json(folder / STUDY)
    durable.write_json(folder / STUDY, asked | {"anatomy": ANATOMY, "convention": "radiological"})
    faults: list[str] = []
    with served("study", "serve", str(folder)) as links, chromium("--disable-3d-apis") as browser:
        page = opened(browser, links["reader-1"], faults)
        ready(page)
        expect(page.locator("[data-sides]")).to_have_text("patient's left on the right")
        assert page.locator(".slice-coronal .edge-left").text_content() == "R"
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
        assert accessible(page) == [] and _wholly_seen(page, "#submit")
        assert page.evaluate(
            "document.querySelector('#panel').scrollHeight <= document.querySelector('#panel').clientHeight"
        )
        edge = page.locator("#panel").bounding_box()
        last = page.locator("#anatomy .option").last.bounding_box()
        assert edge is not None and last is not None and last["x"] + last["width"] <= edge["x"] + edge["width"]
        page.keyboard.press("6")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#told")).to_have_text("Score the anatomy first.")
        page.keyboard.press("w")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#feedback:visible")
        page.keyboard.press("Enter")
        _turn(page, 2)
        assert page.locator("#anatomy input:checked").count() == 0
        administrator = opened(browser, links["administrator"], faults)
        administrator.get_by_role("button", name="Close the study").click()
        administrator.get_by_role("button", name="Close it").click()
        administrator.get_by_text("no more answers are taken").wait_for()
        page.keyboard.press("5")
        page.keyboard.press("e")
        page.keyboard.press("Control+Enter")
        page.get_by_role("heading", name="The study is closed").wait_for()
        expect(page.locator("#finished-words")).to_contain_text("what you answered (1 of 4) is kept")
    assert [fault for fault in faults if "409" not in fault] == []
    assert list(read_answers(folder)["anatomy"]) == [2]
