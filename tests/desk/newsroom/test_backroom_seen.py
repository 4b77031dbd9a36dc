"""Wires and quarantine in a real browser, judged by axe; what lost words, taken in by keyboard."""

from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from stories import clock
from stories.db import connect
from tests.conftest import ConfigOf
from tests.desk.demonstrated import chromium
from tests.desk.newsroom.browsing import living, newsroom, signed_in
from tests.desk.newsroom.test_backroom import LOST
from tests.living import item
from tests.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_axe_finds_nothing_and_the_keyboard_is_enough(config: ConfigOf, tmp_path: Path) -> None:
    store = connect(f"sqlite:///{tmp_path}/desk.sqlite3")
    store.migrate()
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", "language": "ur"}
    life = living(config(wires=[wire], desk={}), store, LOST, item("b", "Sun shines"))
    with clock.reading(lambda: life.now):
        app = newsroom(life)
        name, _, value = signed_in(app, store, "Meera", "chief").cookie.partition("=")
        with served(app) as port, chromium() as browser:
            desk = f"http://127.0.0.1:{port.number}"
            for scheme, width in product(("light", "dark"), (360, 1280)):
                context = browser.new_context(
                    viewport={"width": width, "height": 800},
                    color_scheme=scheme,  # type: ignore[arg-type]
                )
                context.add_cookies([{"name": name, "value": value, "url": desk}])
                page = context.new_page()
                for there in ("/wires", "/wires/w", "/quarantine", "/quarantine/1/1", "/people"):
                    page.goto(f"{desk}{there}")
                    for box in page.locator("main details").all():
                        box.evaluate("box => { box.open = true }")
                    found = Axe().run(page)
                    assert found.violations_count == 0, (there, found.generate_report())
                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                    for rows in page.locator(".rows").all():
                        hidden = rows.evaluate("rows => rows.scrollWidth - rows.clientWidth")
                        assert hidden == 0, (there, width)
            page.goto(f"{desk}/quarantine")
            page.locator("tbody a").first.focus()
            page.keyboard.press("Enter")
            expect(page.locator(".pairs del").first).to_contain_text("harbour")
            button = page.get_by_role("button", name="Take in without a claim")
            while not button.evaluate("one => one === document.activeElement"):
                page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            expect(page.locator(".empty")).to_be_visible()
            page.goto(f"{desk}/wires/w")
            expect(page.locator("main")).to_contain_text("Meera: accept, capture 1, item 1")
    store.close()
