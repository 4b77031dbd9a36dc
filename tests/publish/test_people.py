"""The pages as people meet them, in a real browser: on a phone and a desktop, light and dark, by
keyboard, by screen reader (as axe judges, which knows WCAG), on paper.

Pictures come late, from a server of their own, as an agency's do.
"""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from publish.indexer import index_waiting
from publish.web.app import create
from publish.web.feeds import Receive, Scope, Send
from publish.web.views import Fact, Listing, StatusPage
from stories.config import Feed
from stories.db import connect
from stories.models import Media, Story
from tests.publish import browser, samples
from tests.publish.shelf import publish
from tests.serving import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FEEDS = (Feed(name="india", title="India"), Feed(name="urdu", title="اردو", languages=("ur",)))

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}

PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="675">'
    b'<rect width="1200" height="675" fill="teal"/></svg>'
)

TOKEN = "a-token-that-is-not-guessed"

STATUS = StatusPage(
    at="30 November 2026, 18:30 IST",
    needs=("wire pti: fails since 18:00: HTTP 500 of https://wire.example/a; ask the agency",),
    facts=(
        Fact("Wires", "1 fails, 2 polled well", "bad"),
        Fact("Work", "none waits", "good"),
        Fact("Database", f"sqlite:///srv/{'wirecopy-' * 20}data/wirecopy.sqlite3"),
    ),
    listings=(
        Listing(
            "Wires", ("wire", "state", "since"), (("pti", f"HTTP {'5' * 90}", "18:00"),) * 3, 4
        ),
    ),
)
"""A page with all that one can have."""

RULES = {"rules": {"scrollable-region-focusable": {"enabled": False}}}
"""It asks for a tabindex, which a page that is checked as signed has not in its copy. Browsers let
what scrolls be reached without, see :func:`test_by_keyboard`."""

SHIFTED = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) sum += shift.value;
  }).observe({ type: "layout-shift", buffered: true });
  // Entries that stood before are handed over within a frame.
  requestAnimationFrame(() => setTimeout(() => done(sum), 100));
})"""
"""The sum of all layout shifts of a page (the Layout Instability API's score)."""


async def _pictures(scope: Scope, _receive: Receive, send: Send) -> None:
    """Any picture, late."""
    await asyncio.sleep(0.3)
    headers = [(b"content-type", b"image/svg+xml"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PICTURE})


def _stories(pictures: str) -> tuple[Story, Story]:
    """An English story with all that a page can have, and an Urdu one."""
    cells = "".join(f"<td>Allocation of the year {year}</td>" for year in range(2010, 2026))
    words = "<p>The Centre and the states will meet on Monday, officials said.</p>" * 6
    english = samples.version(
        body=f'<p>New Delhi: <a href="https://a.example/">GST</a>.</p><h2>Rates</h2>{words}'
        f'<figure><img src="{pictures}/body.png"><figcaption>A chart</figcaption></figure>'
        f"<table><tr><th>State</th></tr><tr>{cells}</tr></table><pre>{'code ' * 60}</pre>{words}",
        media=(
            Media(
                url=f"{pictures}/known.png",
                width=1200,
                height=675,
                caption="Ministers",
                credit="PTI Photo",
            ),
            Media(url=f"{pictures}/unknown.png"),
            Media(url=f"{pictures}/film.mp4", medium="video"),
        ),
    )
    urdu = samples.urdu().version.model_copy(
        update={"media": (Media(url=f"{pictures}/ur.png", caption="وزیرِ خزانہ", credit="UNI"),)}
    )
    return samples.story(english, desk="Big GST Meet On Monday: All Eyes On Cess"), samples.story(
        urdu
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """Where the site is, and the paths of its pages."""
    folder = tmp_path_factory.mktemp("people")
    store = connect(f"sqlite:///{folder}/site.sqlite3")
    store.migrate()
    config = samples.config(
        data=folder, feeds=FEEDS, site={"url": "https://feeds.ndtv.com", "status_token": TOKEN}
    )
    app = create(config, store, ready=lambda: {"broker": "ok"}, metrics=None, status=lambda: STATUS)
    with served(_pictures) as pictures, served(app) as port:
        stories = _stories(f"http://127.0.0.1:{pictures.number}")
        publish(store, config, *stories)
        index_waiting(store, config)
        of_stories = [f"/stories/{story.id}" for story in stories]
        paths = [
            "/",
            "/feeds/india",
            "/feeds/urdu",
            *of_stories,
            "/search?q=officials",
            f"/status?token={TOKEN}",
            f"{of_stories[0]}#measured",
            "/search",
            "/search?q=nothing",
            "/nosuch",
        ]
        yield f"http://127.0.0.1:{port.number}", paths
    store.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser.program())
        yield found
        found.close()


def _opened(chromium: Browser, url: str, **options: Any) -> Page:
    """The page at *url* in a browser profile of its own, when all has come."""
    page = chromium.new_context(**options).new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_are_clean_fit_and_do_not_jump(
    window: dict[str, int], scheme: str, site: tuple[str, list[str]], chromium: Browser
) -> None:
    base, paths = site
    for path in paths:
        page = _opened(chromium, base + path, viewport=window, color_scheme=scheme)
        # Whoever comes for what was measured is led there while the page comes.
        assert "#" in path or page.evaluate(SHIFTED) < 0.01, path
        if path.startswith("/stories/"):
            assert page.locator(".checked").inner_text() == "Checked in your browser"
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
        page.context.close()


def test_by_keyboard(site: tuple[str, list[str]], chromium: Browser) -> None:
    base, paths = site
    for path in paths[:7]:
        page = _opened(chromium, base + path, viewport=PHONE)
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.inner_text() == "Skip to the content"
        box = skip.bounding_box() or {"x": -1.0}
        assert 0 <= box["x"] < PHONE["width"], path
        page.keyboard.press("Enter")
        seen: list[float] = []
        names: set[str] = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            inside, name, top, outlined = page.evaluate(
                """() => {
                  const on = document.activeElement;
                  return [
                    document.querySelector("main").contains(on),
                    on.localName,
                    on.getBoundingClientRect().top + scrollY,
                    getComputedStyle(on).outlineStyle !== "none",
                  ];
                }"""
            )
            if not inside:
                break
            # In the controls of a film browsers outline what is focused themselves.
            assert outlined or name == "video", (path, name)
            seen.append(top)
            names.add(name)
        # On a phone, one column: what comes next is further down, or in the same line.
        assert len(seen) > (0 if "status" in path else 3)
        assert path != paths[3] or {"table", "pre", "video"} <= names
        assert all(b > a - 30 for a, b in pairwise(seen)), (path, seen)
        page.context.close()


def test_an_address_is_copied(site: tuple[str, list[str]], chromium: Browser) -> None:
    base, paths = site
    allowed = ["clipboard-read", "clipboard-write"]
    for path in ("/", "/feeds/india", paths[3]):
        page = _opened(chromium, base + path, permissions=allowed)
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        address = "https://feeds.ndtv.com/feeds/india.atom"
        page.get_by_role("button", name=f"Copy {address}").click()
        page.get_by_role("status").get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == address
        page.context.close()


def test_without_scripts_a_click_selects_the_address(
    site: tuple[str, list[str]], chromium: Browser
) -> None:
    context = chromium.new_context(java_script_enabled=False, permissions=["clipboard-read"])
    page = context.new_page()
    page.goto(f"{site[0]}/feeds/india")
    assert page.get_by_role("button", name="Copy").count() == 0
    page.locator(".address").first.click()
    selected = page.context.new_cdp_session(page).send(
        "Runtime.evaluate", {"expression": "getSelection().toString()"}
    )
    assert selected["result"]["value"] == "https://feeds.ndtv.com/feeds/india.rss"
    context.close()


def test_on_paper_is_the_story_and_where_it_is_found(
    site: tuple[str, list[str]], chromium: Browser
) -> None:
    base, paths = site
    page = _opened(chromium, base + paths[3], color_scheme="dark")
    page.emulate_media(media="print")
    for left in (".skip", "details", ".sidebar", "video"):
        assert not any(each.is_visible() for each in page.locator(left).all()), left
    fits = (
        "[...document.querySelectorAll('table, pre')].every((e) => e.scrollWidth <= e.clientWidth)"
    )
    page.set_viewport_size({"width": 700, "height": 1000})
    assert page.evaluate(f"{fits} && document.documentElement.scrollWidth <= innerWidth")
    address = page.locator(".after").get_attribute("data-address")
    printed = page.evaluate(
        """() => [
          getComputedStyle(document.querySelector(".after"), "::after").content,
          getComputedStyle(document.body).color,
          getComputedStyle(document.body).backgroundColor,
        ]"""
    )
    assert printed == [f'"{address}"', "rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    page.context.close()
