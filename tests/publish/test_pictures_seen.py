"""Pictures that are kept, as a real browser meets them: shown and checked as signed, without a word
to the agency."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, sync_playwright

from publish.web.app import create
from stories import clock
from stories.db import connect
from tests.conftest import ConfigOf
from tests.living import Life
from tests.publish import browser
from tests.publish.drawn import drawn
from tests.publish.test_people import DESKTOP, PHONE, SHIFTED
from tests.publish.test_pictures import Agency, Newsroom, conf
from tests.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser.program())
        yield found
        found.close()


@pytest.fixture
def room(config: ConfigOf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    store = connect(f"sqlite:///{tmp_path_factory.mktemp('seen')}/site.sqlite3")
    store.migrate()
    agency = Agency()
    with served(agency) as there:
        agency.base = f"http://127.0.0.1:{there.number}"
        life = Life(conf(config, media={"keep": True}), store, now=clock.now())
        life.begin()
        app = create(life.config, store, ready=dict, metrics=None)
        with served(app) as port:
            yield Newsroom(life, agency, port)
    store.close()


def test_they_are_shown_and_what_is_signed_is_checked(room: Newsroom, chromium: Browser) -> None:
    room.agency.there = {
        "/a.jpg": (200, drawn(size=(1600, 900))),
        "/b.jpg": (200, drawn("PNG", (500, 300))),
    }
    story = room.receive("a", "Rain", ("/a.jpg",), "/b.jpg")
    assert room.keep() == ["kept", "kept"]
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    base = f"http://127.0.0.1:{room.port.number}"
    for window in (PHONE, DESKTOP):
        options: dict[str, Any] = {"viewport": window}
        page = chromium.new_context(**options).new_page()
        page.on("request", note)
        page.goto(f"{base}/stories/{story}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(SHIFTED) < 0.01
        assert page.locator(".checked").inner_text() == "Checked in your browser"
        for img in page.locator("article img").all():
            img.scroll_into_view_if_needed()
            loaded = "async (e) => { await e.decode(); return [e.naturalWidth > 0, e.clientWidth] }"
            there, width = img.evaluate(loaded)
            assert there
            assert 100 < width <= window["width"]
        page.goto(f"{base}/feeds/all")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(SHIFTED) < 0.01
        page.context.close()
    assert not [url for url in asked if url.startswith(room.agency.base)]
    assert any("-320.jpg" in url for url in asked), "on a phone the smaller ones are enough"


@pytest.mark.parametrize(
    ("before", "after"),
    [("/a.jpg", "/c.jpg"), ("/b.jpg", "/c.jpg"), ('"alt": "Chart"', '"alt": "Map"')],
)
def test_another_address_as_received_does_not_hold(
    before: str, after: str, room: Newsroom, chromium: Browser
) -> None:
    room.agency.there = dict.fromkeys(("/a.jpg", "/b.jpg"), (200, drawn()))
    story = room.receive("a", "Rain", ("/a.jpg",), "/b.jpg")
    room.keep()
    html = room.ask(f"/stories/{story}").text
    marks = ("&quot;", "&#34;")  # as bodies and templates have them
    spelt = next((b, after.replace('"', m)) for m in marks if (b := before.replace('"', m)) in html)
    page = chromium.new_context().new_page()
    page.route(
        f"**/stories/{story}",
        lambda route: route.fulfill(
            body=html.replace(*spelt), headers={"content-type": "text/html; charset=utf-8"}
        ),
    )
    page.goto(f"http://127.0.0.1:{room.port.number}/stories/{story}")
    page.locator(".checked").wait_for()
    assert page.locator(".checked").inner_text() != "Checked in your browser"
    page.context.close()
