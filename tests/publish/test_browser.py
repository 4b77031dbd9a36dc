"""The story's page in a real browser: what it says of itself when its own script has read it.

Every page here is really served, its statement really issued and its receipt really logged.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import text as sql
from sqlalchemy import update

from publish.render import render
from publish.web.app import create
from publish.web.feeds import Receive, Scope, Send
from publish.web.pages import SCRIPT, Scripts
from stories.config import Config
from stories.db import Store, connect, custody, feeds
from stories.db.custody import AgencyStatementRow
from stories.db.tables import versions
from stories.models import Story
from tests.publish import browser, samples
from tests.publish.shelf import publish
from tests.serving import Port, served
from tests.signed import Issuer, instant
from tests.signing import Signer, canonical, jwks, token_digest
from wirecopy.scope import PARTS
from wirecopy.statement import Custody

pytestmark = pytest.mark.slow

VECTORS = Path(__file__).parents[1] / "vectors"

LABELS = {"same": "As signed", "other": "Not as signed", "open": "Could not be checked"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """On SQLite: what a browser is shown does not depend on the database."""
    found = connect(f"sqlite:///{tmp_path}/site.sqlite3")
    found.migrate()
    yield found
    found.close()


@contextmanager
def _site(store: Store, config: Config) -> Iterator[Port]:
    app = create(config, store, ready=lambda: {"broker": "ok"}, metrics=lambda: b"")
    with served(app) as port:
        yield port


def _checks(page: html.HtmlElement) -> dict[str, str]:
    """What the panel says, row by row: the mark, and what is said beside the name."""
    found: dict[str, str] = {}
    for row in page.iterfind('.//ul[@class="checks"]/li'):
        said = row.findtext('span[@class="said"]/bdi')
        found[row.findtext('span[@class="what"]') or ""] = f"{row.get('class')}: {said}"
    return found


def _opened(port: Port, story: Story, folder: Path) -> tuple[html.HtmlElement, dict[str, str]]:
    page = browser.opened(f"http://127.0.0.1:{port.number}/stories/{story.id}", folder / "browser")
    return page, _checks(page)


def _tone(page: html.HtmlElement) -> str:
    """The colour of the verdict, which is told in words beside it."""
    panel = page.find(".//section[@data-statement]")
    assert panel is not None
    tone = str(panel.get("data-tone"))
    assert panel.findtext('.//p[@class="verdict"]/span') == LABELS[tone]
    assert panel.findtext("h2") == "Checked in your browser"
    return tone


@pytest.mark.parametrize("sample", ["english", "hindi", "urdu"])
def test_a_page_as_published_holds(sample: str, store: Store, tmp_path: Path) -> None:
    browser.program()
    story: Story = getattr(samples, sample)()
    config = samples.config(data=tmp_path)
    publish(store, config, story)
    with _site(store, config) as port:
        page, checks = _opened(port, story, tmp_path)
    assert _tone(page) == "same", checks
    assert len(checks) == 14
    assert {said.partition(":")[0] for said in checks.values()} == {"same"}, checks
    assert "entry 1 of 1" in checks["Receipt"]
    assert page.findtext('.//header/p/a[@class="checked badge same"]') == "Checked in your browser"


AGENCY = Signer("agency")


@contextmanager
def _offered(signer: Signer) -> Iterator[str]:
    """The address at which an agency offers the key of *signer*."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": canonical(jwks(signer))})

    with served(app) as port:
        yield f"http://127.0.0.1:{port.number}/.well-known/jwks.json"


def _stated(store: Store, story: Story, address: str) -> Story:
    """*story* as it came with a statement of its agency, by a key that is at *address*."""
    issuer = Issuer(AGENCY)
    assert story.received is not None
    told = issuer.payload(
        story,
        render(story, issuer.conf),
        published={part: getattr(story.received, part) for part in PARTS},
        issued_at=instant(samples.RECEIVED),
    )
    token = issuer.seal(told)
    named = Custody(AGENCY.kid, token_digest(token))
    with store.write() as conn:
        keys = custody.add_key_set(conn, address, canonical(jwks(AGENCY)))
        row = AgencyStatementRow(named.digest, named.key, 1, keys, token.encode())
        custody.add_statements(conn, [row])
    return story.model_copy(update={"custody": named})


@pytest.mark.parametrize("offers", ["agency", "another"])
def test_the_agencys_own_statement_is_checked_with_its_keys(
    offers: str, store: Store, tmp_path: Path
) -> None:
    browser.program()
    with _offered(Signer(offers)) as address:
        story = _stated(store, samples.english(), address)
        (wire,) = samples.config().wires
        wire = wire.model_copy(update={"keys": address})
        config = samples.config(data=tmp_path, wires=(wire,))
        publish(store, config, story)
        with _site(store, config) as port:
            page, checks = _opened(port, story, tmp_path)
    said = checks.pop("Signed by the agency")
    if offers == "agency":
        host = address.split("/")[2]
        assert said == f"same: yes, the copy received, with key {AGENCY.kid[:8]}… of {host}"
    else:
        assert said == "differs: the agency’s statement: it is not among the keys offered"
    assert {each.partition(":")[0] for each in checks.values()} == {"same"}, checks
    assert _tone(page) == ("same" if offers == "agency" else "other")


def test_a_page_of_a_story_received_twice_within_a_minute_holds(
    store: Store, tmp_path: Path
) -> None:
    """It shows when this version was received, beside the first, though both are of one minute."""
    browser.program()
    first = samples.RECEIVED - timedelta(seconds=20)
    story = samples.english().model_copy(update={"first_received": first, "number": 2})
    config = samples.config(data=tmp_path)
    publish(store, config, story, earlier=[(story.version, first)])
    with _site(store, config) as port:
        page, checks = _opened(port, story, tmp_path)
    (received,) = page.findall('.//time[@data-part="received"]')
    assert received.get("datetime") == "2026-11-22T13:05:30Z"
    assert checks["Times"] == "same: in order"
    assert _tone(page) == "same", checks


def test_a_page_that_shows_another_time_of_receipt_does_not_hold(
    store: Store, tmp_path: Path
) -> None:
    browser.program()
    story = samples.english()
    config = samples.config(data=tmp_path)
    publish(store, config, story)
    with store.write() as conn:
        at = samples.RECEIVED - timedelta(hours=1)
        conn.execute(update(versions).values(received_at=at))
    with _site(store, config) as port:
        page, checks = _opened(port, story, tmp_path)
    assert checks["Times"] == "differs: the dates are not those that were signed"
    assert _tone(page) == "other"


DETAILS = "Byline and captions"
MEDDLED = {
    "a word": ("json", "Council has", "Council had", {"Words"}),
    "a picture": ("json", "img.example/gst.jpg", "img.example/no.jpg", {"Pictures and media"}),
    "the headline": ("json", "Big GST Meet", "Bad GST Meet", {"Headline"}),
    "words hidden": ("json", "<p>The", "<p hidden>The", {"Hidden words"}),
    "the label": ("scope", "headline-only", "verbatim", {"Label"}),
    "a date": (
        "json",
        'modified":"2026-11-22T13:07:30',
        'modified":"2026-11-22T13:07:31',
        {"Times"},
    ),
    "the date of publication": ("json", "T13:00:15", "T13:10:15", {"Times", DETAILS}),
    "an earlier date of publication": ("json", "T13:00:15", "T12:00:15", {DETAILS}),
    "the byline": ("json", "Asha Rao", "Asha Roy", {DETAILS}),
    "a caption": ("json", "Vigyan Bhavan", "Raisina Hill", {DETAILS}),
}


@pytest.mark.parametrize("what", MEDDLED)
def test_a_page_that_was_meddled_with_does_not(what: str, store: Store, tmp_path: Path) -> None:
    """The entry in the database is altered under its statement."""
    browser.program()
    story = samples.english()
    config = samples.config(data=tmp_path)
    publish(store, config, story)
    column, before, after, failing = MEDDLED[what]
    _meddle(store, story, column, before, after)
    with _site(store, config) as port:
        page, checks = _opened(port, story, tmp_path)
    failed = {name for name, said in checks.items() if said.startswith("differs")}
    assert failed == failing, checks
    said = page.findtext('.//*[@class="result"]/p[2]') or ""
    assert said.lower().startswith(f"something is not as it was signed: {min(failing).lower()}")
    assert page.findtext('.//header/p/a[@class="checked badge other"]') == "Not as signed"
    assert _tone(page) == "other"


def _meddle(store: Store, story: Story, column: str, before: str, after: str) -> None:
    with store.write() as conn:
        if column == "json":
            column = "packed"
            packed, last = feeds.kept_of(conn, [story.id])[story.id]
            assert last is not None
            found = feeds.unpack(packed, last.token)
            written = found["json"].replace(before.encode(), after.encode())
            assert written != found["json"]
            altered: Any = feeds.pack({**found, "json": written}, last.token)
        else:
            asked = sql(f"SELECT {column} FROM entries WHERE story_id = :id")
            kept = conn.execute(asked, {"id": story.id}).scalar_one()
            altered = kept.replace(before, after)
            assert altered != kept
        conn.execute(
            sql(f"UPDATE entries SET {column} = :new WHERE story_id = :id"),
            {"new": altered, "id": story.id},
        )


def test_where_a_browser_has_no_cryptography_nothing_is_claimed(
    store: Store, tmp_path: Path
) -> None:
    """Over plain http, from anywhere but its own machine, a browser offers none."""
    browser.program()
    story = samples.english()
    config = samples.config(data=tmp_path)
    publish(store, config, story)
    with _site(store, config) as port:
        page = browser.opened(
            f"http://site.example:{port.number}/stories/{story.id}",
            tmp_path / "browser",
            "--host-resolver-rules=MAP site.example 127.0.0.1",
        )
    assert _tone(page) == "open"
    assert _checks(page) == {}
    assert "not loaded over https" in page.text_content()


def test_a_page_whose_keys_are_gone_says_nothing(store: Store, tmp_path: Path) -> None:
    browser.program()
    story = samples.english()
    config = samples.config(data=tmp_path)
    publish(store, config, story)
    site = create(config, store, ready=lambda: {"broker": "ok"}, metrics=lambda: b"")

    async def keyless(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/.well-known/"):
            scope = {**scope, "path": "/nosuch"}
        await site(scope, receive, send)

    with served(keyless) as port:
        page, checks = _opened(port, story, tmp_path)
    assert _tone(page) == "open"
    assert checks == {}
    assert "keys could not be loaded" in page.text_content()


ALL = """<!doctype html><meta charset="utf-8"><pre></pre><script type="module">
import { project } from "./text.js";
import { parse } from "./verify.js";
const asked = await (await fetch("/asked")).json();
const said = asked.map(({ html, base, disclosure }) => project(parse(html), base, disclosure));
document.querySelector("pre").textContent = JSON.stringify(said);
</script>"""


def test_vectors_parsed_by_the_browser_itself(tmp_path: Path) -> None:
    browser.program()
    texts = json.loads((VECTORS / "text.json").read_text("utf-8"))["vectors"]
    references = json.loads((VECTORS / "provenance.json").read_text("utf-8"))["references"]
    asked = [
        *({"html": v["html"], "base": None, "disclosure": v.get("disclosure", "")} for v in texts),
        *({"html": v["html"], "base": v["base"], "disclosure": ""} for v in references),
    ]
    said = _asked(asked, tmp_path)
    for vector, found in zip(texts, said, strict=False):
        assert found["paragraphs"] == vector["paragraphs"], vector["name"]
    for vector, found in zip(references, said[len(texts) :], strict=True):
        assert (found["links"], found["media"]) == (vector["links"], vector["media"]), vector


def _asked(asked: list[dict[str, Any]], folder: Path) -> list[Any]:
    """What the shipped projection says in the browser to each of *asked*."""
    scripts = Scripts()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        path = scope["path"]
        script = scripts.get(f"{scripts.folder}{path}")
        if script is not None:
            body, kind = script.variant("identity").body, SCRIPT
        elif path == "/asked":
            body, kind = json.dumps(asked).encode(), "application/json"
        else:
            body, kind = ALL.encode(), "text/html; charset=utf-8"
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with served(app) as port:
        page = browser.opened(f"http://127.0.0.1:{port.number}/", folder / "browser")
    said = json.loads(page.findtext(".//pre") or "[]")
    assert len(said) == len(asked)
    return list(said)
