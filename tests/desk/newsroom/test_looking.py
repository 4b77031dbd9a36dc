"""A draft, the second look and a kill in a real browser: by keyboard, as axe judges, by a phone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from desk.newsroom.app import create
from publish.web.app import App
from publish.web.feeds import Receive, Scope, Send
from stories.config import Config
from stories.db import Store, connect
from stories.db import stories as records
from stories.db.people import Role
from stories.models import Story
from tests.desk.newsroom.browsing import newsroom, signed_in
from tests.living import Life, item
from tests.publish import browser
from tests.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LONG = "A paragraph that is long enough to show that the text is the same story."
MORE = f"{LONG}&lt;/p&gt;&lt;p&gt;And this is new."


class Opened:
    """A desk on a port of its own, and the people who look at it."""

    def __init__(self, life: Life, chromium: Chromium) -> None:
        self.life = life
        self.chromium = chromium
        self.complaints: list[str] = []
        self.cookies: dict[Role, str] = {}

    def page(self, path: str, role: Role = "editor", width: int = 1100) -> Page:
        """The page at *path*, before somebody of that *role*."""
        origin = self.life.config.desk.origin
        if role not in self.cookies:
            app = newsroom(self.life)
            who = signed_in(app, self.life.store, role.capitalize(), role)
            self.cookies[role] = who.cookie
        name, _, value = self.cookies[role].partition("=")
        context = self.chromium.new_context(viewport={"width": width, "height": 800})
        context.add_cookies([{"name": name, "value": value, "url": origin}])
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{origin}{path}")
        return page

    def story(self, guid: str) -> Story:
        with self.life.store.read() as conn:
            found = records.one(conn, self.life.stories()[guid])
        assert found is not None
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = connect(f"sqlite:///{tmp_path}/wirecopy.sqlite3")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Opened]:
    held: list[App] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await held[0](scope, receive, send)

    with served(app) as port, sync_playwright() as playwright:
        config = Config.model_validate(
            {
                "data": tmp_path,
                "publisher": {"name": "The Daily Test", "url": "https://daily.example"},
                "wires": [{"name": "w", "agency": "Agency", "url": "https://a.example/f"}],
                "feeds": [{"name": "all", "title": "All", "headline_limit": 30}],
                "desk": {"listen": f"127.0.0.1:{port.number}"},
            }
        )
        life = Life(config, store, datetime.now(UTC) - timedelta(hours=1))
        life.begin()
        held.append(create(config, store))
        chromium = playwright.chromium.launch(executable_path=browser.program())
        opened = Opened(life, chromium)
        yield opened
        chromium.close()
        assert opened.complaints == [], "the policy of the pages, or a script"


def accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_what_a_headline_would_be_is_shown_while_it_is_typed(desk: Opened) -> None:
    desk.life.receive(item("one", "Ferry with 33 aboard sinks, no deaths", LONG), after=timedelta())
    page = desk.page(f"/stories/{desk.story('one').id}")
    accessible(page)
    page.locator("details.edit summary").click()
    page.locator("textarea").fill("Ferry sinks in the harbour of the capital")
    page.locator(".figures", has_text="41 characters").wait_for()
    said = page.locator(".draft").inner_text()
    assert "All: 11 over its 30" in said
    assert "No number “33”" in said
    assert "Except for the headline" in said
    accessible(page)
    page.locator("textarea").press_sequentially(" city: 33 aboard, no deaths")
    page.locator(".figures", has_text="68 characters").wait_for()
    assert page.locator(".missing").count() == 0
    assert desk.story("one").edits == ()
    phone = desk.page(f"/stories/{desk.story('one').id}", width=360)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


def test_three_stories_are_looked_at_again_by_three_keys(desk: Opened) -> None:
    guids = ("one", "two", "three")
    for guid in guids:
        desk.life.receive(item(guid, f"Wire {guid}", LONG), after=timedelta(minutes=1))
        desk.life.edit(desk.story(guid).id, f"Ours {guid}")
    for guid in guids:
        desk.life.receive(item(guid, f"Wire {guid} again", MORE), after=timedelta(minutes=1))
    page = desk.page("/second-look")
    accessible(page)
    assert "Ours three" in page.locator(".three").inner_text()
    page.keyboard.press("s")
    page.get_by_text("Ours two").first.wait_for()
    page.keyboard.press("w")
    page.get_by_text("Ours one").first.wait_for()
    page.keyboard.press("e")
    page.keyboard.type("Ours, written anew")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Nothing waits here").wait_for()
    assert [desk.story(guid).headline for guid in guids] == [
        "Ours, written anew",
        "Wire two again",
        "Ours three",
    ]


def test_a_chief_kills_and_undoes_it(desk: Opened) -> None:
    desk.life.receive(item("one", "Ferry sinks", LONG), after=timedelta())
    page = desk.page(f"/stories/{desk.story('one').id}", "chief")
    page.get_by_text("Kill this story").click()
    accessible(page)
    page.get_by_label("Why?").fill("The agency’s lawyer rang")
    page.get_by_label("To be sure").fill("ferry-sink")
    page.get_by_role("button", name="Kill").click()
    page.get_by_role("alert").wait_for()
    assert desk.story("one").status == "usable"
    desk.complaints.clear()  # of the answer's status, 422
    page.get_by_label("To be sure").fill("ferry-sinks")
    page.get_by_role("button", name="Kill").click()
    page.get_by_role("button", name="Undo the kill").wait_for()
    assert desk.story("one").status == "killed"
    accessible(page)
    page.get_by_role("button", name="Undo the kill").click()
    page.get_by_text("Kill this story").wait_for()
    assert desk.story("one").status == "usable"


def test_log_and_feeds_are_accessible(desk: Opened) -> None:
    desk.life.receive(item("one", "Ferry sinks", LONG), after=timedelta())
    desk.life.edit(desk.story("one").id, "Ferry sinks in harbour")
    for path in ("/log", "/feeds?keywords=ferry", "/feeds?urgency=much"):
        accessible(desk.page(path))
        phone = desk.page(path, width=360)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
