"""A demo that runs, and a browser that has followed the link of its desk."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

PASSWORD = "four words that fit"


@dataclass(frozen=True)
class Demo:
    """Where a demo serves its ``site``, and the address at which one becomes a chief (``link``)."""

    site: str
    link: str

    @property
    def desk(self) -> str:
        return self.link.partition("/welcome/")[0]

    def enter(self, page: Page) -> None:
        """Follow the link, as whoever tries the demo does."""
        page.goto(self.link)
        for field in page.locator("main input[type=password]").all():
            field.fill(PASSWORD)
        page.locator("main form button").click()
        expect(page.locator("nav.queues")).to_be_visible()


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    """The demo, until it has printed all that it prints; ended after."""
    command = [sys.executable, "-m", "desk.cli.app", "demo", "--port", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if "Ctrl-C ends the demo" in line:
                break
        told = "".join(said)
        link = re.search(r"the desk +(http://\S+/welcome/\S+)", told)
        site = re.search(r"for people +(http://\S+)/", told)
        assert link is not None, told
        assert site is not None, told
        yield Demo(site[1], link[1])
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser."""
    from playwright.sync_api import sync_playwright

    from tests.publish import browser

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser.program())
        yield found
        found.close()
