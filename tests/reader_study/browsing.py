"""Servers and browsers of the browser tests, and what axe says of a page."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 60_000  # milliseconds: a busy machine is slow, not wrong
AXE = Path(__file__).parent / "axe" / "axe.min.js"

expect.set_options(timeout=PATIENCE)


@contextlib.contextmanager
def served(*words: str) -> Iterator[dict[str, str]]:
    """A server process; the links it printed, by whom they are for."""
    command = [sys.executable, "-m", "tlesynth", *words, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        links = {}
        while "link" not in links and "reader-3" not in links:
            name, _, link = process.stdout.readline().strip().rpartition("\t")
            assert link, "the server has ended"
            links[name or "link"] = link
        try:
            yield links
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM)


@contextlib.contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, *more])
        yield browser
        browser.close()


def opened(browser: Browser, link: str, faults: list[str], width: int = 1280, height: int = 720) -> Page:
    """A page that has used ``link``; whatever goes wrong in it, or goes elsewhere, is added to ``faults``."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE)
    origin = link.split("/login")[0]
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((origin, "blob:", "data:")) else faults.append(r.url))
    page.goto(link)
    with page.expect_navigation(wait_until="load"):  # by then its script has run, and its buttons do something
        page.get_by_role("button", name="Begin").click()
    return page


def accessible(page: Page) -> list[str]:
    """What axe has against the page: contrast, names, roles, keyboard access."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found["violations"]]
