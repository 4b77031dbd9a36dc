"""Makes the pictures of ``docs/desk.md`` again, of the demo.

python -m tests.desk.pictured FOLDER
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.desk.demonstrated import Demo, chromium, demo

WIDTH, HEIGHT = 1000, 640
STORIES = 6
"""How many stories have come before a picture is taken."""


def queue(page: Page, of: Demo) -> None:
    """The queue New."""
    page.goto(f"{of.desk}/queues/new")
    expect(page.locator(".row").nth(STORIES - 1)).to_be_visible()


def writing(page: Page, of: Demo) -> None:
    """A headline being written, that lost a number or a name."""
    page.goto(f"{of.desk}/queues/new?wire=sim-national")
    row = page.locator(".row").first
    row.locator("details.edit summary").click()
    with page.expect_response("**/draft"):
        row.locator("textarea").fill("What is known so far")
    expect(row.locator(".draft .figures")).to_be_visible()
    row.scroll_into_view_if_needed()


def story(page: Page, of: Demo) -> None:
    """A story whose headline was written."""
    page.goto(f"{of.desk}/queues/all?by=the+demo+desk")
    page.locator(".row .head a").first.click()


def feeds(page: Page, of: Demo) -> None:
    """A feed tried out."""
    page.goto(f"{of.desk}/feeds?wires=sim-national&languages=en")


PICTURES: dict[str, Callable[[Page, Demo], None]] = {
    "desk-queue": queue,
    "desk-writing": writing,
    "desk-story": story,
    "desk-feeds": feeds,
}


def main(folder: Path) -> None:
    """Take them all into *folder*."""
    with (
        tempfile.TemporaryDirectory() as room,
        demo(Path(room), "--speed", "20") as running,
        chromium() as browser,
    ):
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
        )
        page = context.new_page()
        running.enter(page)
        for name, show in PICTURES.items():
            show(page, running)
            page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
