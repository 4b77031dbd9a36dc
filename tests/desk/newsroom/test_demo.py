"""``make demo`` with its desk: a person follows the link, rewrites a headline, and finds it in the
feed."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.publish import browser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WIRECOPY = Path(sys.executable).with_name("wirecopy")


def test_a_person_follows_the_link_and_finds_their_headline_in_the_feed(tmp_path: Path) -> None:
    program = browser.program()
    log = tmp_path / "said"
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [WIRECOPY, "demo", "--port", "0"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        link = said(demo, log, r"the desk +(http\S+/welcome/\S+)")
        feed = said(demo, log, r"rss +india +(\S+)")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=program)
            page = chromium.new_page()
            page.set_default_timeout(60_000)
            page.goto(link)
            page.get_by_label("Password").fill("four words that fit")
            page.get_by_label("The same again").fill("four words that fit")
            page.keyboard.press("Enter")
            expect(page.locator("nav.queues")).to_be_visible(timeout=60_000)
            page.goto(f"{page.url.partition('/queues')[0]}/queues/all?wire=sim-national")
            page.keyboard.press("j")
            page.keyboard.press("e")
            page.keyboard.type("Written at the demo's desk")
            page.keyboard.press("Control+Enter")
            row = page.locator(".row", has_text="Written at the demo's desk")
            expect(row.first).to_be_visible(timeout=60_000)
            chromium.close()
        end = time.monotonic() + 60
        while b"Written at the demo" not in urllib.request.urlopen(feed).read():
            assert time.monotonic() < end
            time.sleep(0.1)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0, log.read_text()
    finally:
        demo.kill()
        demo.wait()


def said(demo: "subprocess.Popen[bytes]", log: Path, pattern: str) -> str:
    """What the demo has printed that matches, once it has."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        assert demo.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())
