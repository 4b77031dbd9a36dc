"""The desk in a real browser: by keyboard alone, two at once, with and without our script, judged
by axe."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Route,
    expect,
    sync_playwright,
)

from desk.newsroom.app import Application, create
from desk.newsroom.sign_in import hashed
from stories import clock
from stories.config import Config
from stories.db import connect
from stories.db import stories as records
from stories.db.people import Role
from stories.models import Story
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import PASSWORD, living, person, signed_in
from tests.living import Life, item
from tests.publish import browser
from tests.serving import Port, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

expect.set_options(timeout=30_000)  # ms; the machine may have other things to do

MINUTE = timedelta(minutes=1)
HEADLINES = 24


@dataclass
class Newsroom:
    """A desk that is served, and the life of its store."""

    life: Life
    app: Application
    port: Port
    chromium: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def context(self, **more: Any) -> BrowserContext:
        """A profile of the browser's."""
        made = self.chromium.new_context(**more)
        made.set_default_timeout(30_000)
        self.contexts.append(made)
        return made

    def _note(self, said: ConsoleMessage) -> None:
        """What an answer of 409 or 422 leaves on the console is no fault; what our policy refuses
        is."""
        if said.type == "error" and "status of 4" not in said.text:
            self.faults.append(said.text)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port.number}"

    def story(self, guid: str) -> Story:
        with self.life.store.read() as conn:
            found = records.one(conn, self.life.stories()[guid])
        assert found is not None
        return found

    def page(self, context: BrowserContext) -> Page:
        """A page of a *context* whose faults are noted."""
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)
        return page

    def cookie(self, context: BrowserContext, name: str, role: Role = "editor") -> None:
        """Give a *context* the cookie of a session."""
        cookie, _, token = signed_in(self.app, self.life.store, name, role).cookie.partition("=")
        context.add_cookies([{"name": cookie, "value": token, "url": self.address}])

    def sign_in(self, context: BrowserContext, name: str, role: Role = "editor") -> Page:
        """The queue New of somebody who has signed in already."""
        self.cookie(context, name, role)
        page = self.page(context)
        page.goto(f"{self.address}/queues/new")
        return page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser.program())
        yield found
        found.close()


@pytest.fixture
def newsroom(config: ConfigOf, tmp_path: Path, chromium: Browser) -> Iterator[Newsroom]:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", "language": "en"}
    conf: Config = config(wires=[wire], feeds=[{"name": "all", "title": "All"}], desk={})
    store = connect(f"sqlite:///{tmp_path}/desk.sqlite3")
    store.migrate()
    life = living(conf, store, *(item(f"{n}", f"Story {n}") for n in range(HEADLINES)))
    with clock.reading(lambda: life.now):
        app = create(conf, store)
        with served(app) as port:
            found = Newsroom(life, app, port, chromium)
            yield found
            app.end()
            for made in found.contexts:
                made.close()
        assert found.faults == []
    store.close()


def test_twenty_headlines_in_a_row_by_keyboard(newsroom: Newsroom) -> None:
    person(newsroom.life.store, "Meera", password=hashed(PASSWORD))
    page = newsroom.page(newsroom.context())
    page.goto(f"{newsroom.address}/queues/new")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("Meera")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("nav.queues")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("e")
    written = []
    for number in range(20):
        row = page.locator(".row:focus-within")
        written.append(row.get_attribute("data-id"))
        page.keyboard.type(f"Headline {number}")
        page.keyboard.press("Control+Enter")
        expect(page.locator(f"#s-{written[-1]} .head")).to_have_text(f"Headline {number}")
    assert len(set(written)) == 20
    for name, found in newsroom.life.stories().items():
        if found in written:
            (edit,) = newsroom.story(name).edits
            assert (edit.text, edit.by) == (f"Headline {written.index(found)}", "Meera")
    assert b"Headline 19" in newsroom.life.bodies()["all", "rss"]


def test_nobody_waits_for_an_answer_and_no_letter_is_lost(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    rows = page.locator(".row")
    sent: list[Route] = []
    for path in ("**/headline", "**/settle"):
        page.route(path, lambda route: sent.append(route))  # noqa: PLW0108 - it looks for attributes
    page.keyboard.press("j")
    page.keyboard.press("e")
    for number in range(3):
        page.keyboard.type(f"Headline {number}")
        page.keyboard.press("Control+Enter")
    page.keyboard.type("Still being written")
    while len(sent) < 3:  # each has left the page
        page.wait_for_timeout(10)
    for each in sent:
        each.continue_()
    for number in range(3):
        expect(rows.nth(number).locator(".head")).to_have_text(f"Headline {number}")
    expect(rows.nth(3).locator("textarea")).to_be_focused()
    expect(rows.nth(3).locator("textarea")).to_have_value("Still being written")
    sent.clear()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.press("s")
    expect(rows.nth(5)).to_be_focused()
    while len(sent) < 2:
        page.wait_for_timeout(10)
    for each in sent:
        each.continue_()
    for number in (3, 4):
        expect(rows.nth(number)).to_contain_text("settled by Meera")
    expect(rows.nth(5)).to_be_focused()
    page.keyboard.press("z")  # what was done last
    expect(rows.nth(4)).not_to_contain_text("settled by")
    expect(rows.nth(4)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("z")  # the story that one is at
    expect(rows.nth(3)).not_to_contain_text("settled by")


def test_what_was_not_saved_is_said_in_its_own_row(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    rows = page.locator(".row")
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.type("\u202eturned")
    page.keyboard.press("Control+Enter")
    page.keyboard.type("The next")
    expect(rows.nth(0).locator(".error")).to_contain_text("direction")
    expect(rows.nth(0).locator("textarea")).to_be_visible()
    expect(rows.nth(0).locator("textarea")).to_have_value("\u202eturned")
    expect(rows.nth(1).locator("textarea")).to_have_value("The next")


def test_a_second_click_on_edit_settles_nothing(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    page.locator(".row").nth(2).locator("details.edit summary").dblclick()
    page.reload()
    expect(page.get_by_text("settled by")).to_have_count(0)


def test_the_other_keys(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    row = page.locator(".row:focus")
    name, first = row.get_attribute("data-id"), page.locator(".row").nth(1)
    assert name == first.get_attribute("data-id")
    page.keyboard.press("s")
    expect(page.locator(f"#s-{name} .state")).to_contain_text("settled by Meera")
    expect(page.locator(".row").nth(2)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("z")
    expect(page.locator(f"#s-{name} .state")).not_to_contain_text("settled")
    expect(page.locator(f"#s-{name}")).to_be_focused()
    page.keyboard.press("e")
    page.keyboard.type("never saved")
    page.keyboard.press("Tab")  # from any part of the form
    page.keyboard.press("Escape")
    expect(page.locator("details.edit[open]")).to_have_count(0)
    expect(page.locator(f"#s-{name}")).to_be_focused()
    page.keyboard.press("h")
    page.keyboard.type("is it true?")
    page.keyboard.press("Enter")
    expect(page.locator(f"#s-{name} .state")).to_contain_text("held")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")  # a dialog has its own keys
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.keyboard.type("jest")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.keyboard.press("j")
    opened = page.locator(".row:focus").get_attribute("data-id") or ""
    page.keyboard.press("Enter")
    expect(page.locator("#versions")).to_be_visible()
    page.go_back()
    expect(page.locator(".row:focus")).to_have_attribute("data-id", opened)
    assert not any(story.edits for story in map(newsroom.story, newsroom.life.stories()))


KEY = """([key, code, shiftKey, repeat]) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, code, shiftKey, repeat, bubbles: true }))"""


def test_keys_of_other_keyboards_do_what_stands_in_their_place_or_nothing(
    newsroom: Newsroom,
) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    page.evaluate(KEY, ["ज", "KeyJ", False, False])
    expect(page.locator(".row").first).to_be_focused()
    for key, code, shift in [
        ("ß", "Minus", False),
        ("ः", "Minus", True),
        ("ж", "Semicolon", False),
        ("ы", "KeyS", True),
    ]:
        page.evaluate(KEY, [key, code, shift, False])
    page.evaluate(KEY, ["s", "KeyS", False, True])  # held down
    page.evaluate(KEY, ["؟", "Slash", True, False])
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.locator("details.hide[open]").count() == 0
    page.reload()
    expect(page.get_by_text("settled by")).to_have_count(0)


def test_what_is_refused_is_said_and_what_was_typed_stays(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.type("\u202eturned")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".row .error")).to_contain_text("direction")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.keyboard.press("e")
    expect(page.locator(".row:focus-within textarea")).to_have_value("\u202eturned")
    page.context.clear_cookies()
    page.keyboard.press("Control+a")
    page.keyboard.type("Fine now")
    with page.expect_response("**/headline") as answered:
        page.keyboard.press("Control+Enter")
    assert answered.value.status == 403
    said = page.locator(".row .error").first
    expect(said).to_contain_text("session has ended")
    expect(page.locator(".row textarea").first).to_have_value("Fine now")
    # Signed in again in another window, one saves what one has written.
    with page.expect_popup() as opened:
        said.get_by_role("link").click()
    expect(opened.value.locator("#password")).to_be_visible()
    newsroom.cookie(page.context, "Meera")
    field = page.locator(".row textarea").first
    field.press("Control+Enter")
    expect(said).to_contain_text("Send it once more")
    field.press("Control+Enter")
    expect(page.locator(".row .head").first).to_have_text("Fine now")


def test_two_at_once_see_each_other_and_the_later_chooses(newsroom: Newsroom) -> None:
    meera = newsroom.sign_in(newsroom.context(), "Meera")
    arjun = newsroom.sign_in(newsroom.context(), "Arjun")
    for page in (meera, arjun):
        page.keyboard.press("j")
        with page.expect_response("**/writing"):
            page.keyboard.press("e")
    expect(arjun.locator(".row:focus-within .writing")).to_have_text("Meera is writing…")
    meera.keyboard.type("By Meera")
    meera.keyboard.press("Control+Enter")
    name = meera.locator(".row").first.get_attribute("data-id")
    expect(meera.locator(f"#s-{name} .head")).to_have_text("By Meera")
    arjun.keyboard.type("By Arjun")
    with arjun.expect_response("**/headline") as answered:
        arjun.keyboard.press("Control+Enter")
    assert answered.value.status == 409
    conflict = arjun.locator(f"#s-{name}")
    found = Axe().run(arjun)
    assert found.violations_count == 0, found.generate_report()
    expect(conflict).to_contain_text("Meera has changed it")
    expect(conflict.locator("textarea")).to_have_value("By Arjun")
    conflict.locator("textarea").focus()
    arjun.keyboard.press("Control+Enter")
    expect(arjun.locator(f"#s-{name} .head")).to_have_text("By Arjun")
    guid = next(g for g, found in newsroom.life.stories().items() if found == name)
    assert [edit.by for edit in newsroom.story(guid).edits] == ["Meera", "Arjun"]


def test_what_comes_waits_and_nothing_jumps(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    page.keyboard.press("j")
    before = page.locator(".row h2").all_inner_texts()
    place = page.locator(".row").first.bounding_box()
    newsroom.life.receive(item("a", "Just in"), item("b", "Just in, too"), after=MINUTE)
    expect(page.locator("#fresh")).to_have_text("2 new: press N")
    expect(page.locator("[data-queue=new]")).to_have_text(f"{HEADLINES + 2}")
    assert page.locator(".row h2").all_inner_texts() == before
    assert page.locator(".row").first.bounding_box() == place
    expect(page.locator(".row").first).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator(".row").first).to_contain_text("Just in")
    expect(page.locator("#fresh")).to_be_hidden()


def test_no_news_is_said_and_asked_for_again(newsroom: Newsroom) -> None:
    context = newsroom.context()
    newsroom.cookie(context, "Meera")
    page = newsroom.page(context)
    page.clock.install()
    away = True

    def proxy(route: Route) -> None:
        route.fulfill(status=204) if away else route.continue_()

    page.route("**/news/**", proxy)
    with page.expect_request("**/news/**"):
        page.goto(f"{newsroom.address}/queues/new")
    with page.expect_request("**/news/**"):
        page.clock.run_for(10_000)
    expect(page.locator("#fresh")).to_contain_text("No news comes just now")
    away = False
    with page.expect_request("**/news/**"):
        page.clock.run_for(10_000)
    expect(page.locator("#fresh")).to_be_hidden()
    newsroom.life.receive(item("a", "Just in"), after=MINUTE)
    expect(page.locator("#fresh")).to_have_text("1 new: press N")


def test_a_draft_is_not_left_by_mistake(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(), "Meera")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.type("Not yet")
    page.locator(".queues a").last.click(no_wait_after=True)
    expect(page.locator(".row textarea").first).to_have_value("Not yet")
    page.get_by_role("button", name="Preview").first.click()  # takes it along
    expect(page.locator("textarea")).to_have_value("Not yet")
    assert asked == ["beforeunload"]


def test_without_our_script_everything_works(newsroom: Newsroom) -> None:
    page = newsroom.sign_in(newsroom.context(java_script_enabled=False), "Meera")
    row = page.locator(".row").first
    name = row.get_attribute("data-id")
    row.locator("details.edit summary").click()
    row.locator("textarea").fill("Written plainly")
    row.get_by_role("button", name="Save").click()
    assert page.url.endswith(f"/queues/new#s-{name}")
    row = page.locator(".row").first
    row.get_by_role("button", name="Settle").click()
    page.locator(f"#s-{page.locator('.row').first.get_attribute('data-id')}")
    page.goto(f"{newsroom.address}/stories/{name}")
    expect(page.locator(".row .head")).to_have_text("Written plainly")
    page.locator(".row").get_by_role("button", name="Undo").click()
    expect(page.locator(".row .head")).not_to_have_text("Written plainly")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(newsroom: Newsroom, chromium: Browser, scheme: Any, width: int) -> None:
    made = newsroom.context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = made.new_page()
    page.goto(f"{newsroom.address}/queues/all")
    pages = ["/queues/all?wire=w", "/queues/mine", f"/stories/{newsroom.story('1').id}"]
    for step, there in enumerate(["/sign-in", *pages]):
        if step == 1:
            page = newsroom.sign_in(made, "Meera")
        page.goto(f"{newsroom.address}{there}")
        for box in page.locator("main details").all()[:3]:
            box.evaluate("box => { box.open = true }")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        levels = [int(h.evaluate("h => h.tagName[1]")) for h in page.locator("h1,h2,h3").all()]
        assert all(b - a <= 1 for a, b in pairwise(levels)), levels


def test_no_page_of_a_chiefs_is_wider_than_a_phone(newsroom: Newsroom) -> None:
    phone = newsroom.context(viewport={"width": 360, "height": 740})
    newsroom.cookie(phone, "Arjun Venkataraghavan")
    page = newsroom.sign_in(phone, "Meera", "chief")
    story = newsroom.story("1").id
    newsroom.life.act("1", "hold", MINUTE)
    for there in ("/people", "/log", "/feeds", "/wires", "/wires/w", f"/stories/{story}/kill"):
        page.goto(f"{newsroom.address}{there}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, there
