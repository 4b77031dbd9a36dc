"""Private feeds: shown to who has a token, and to nobody else in any way."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from desk.cli.app import main
from publish import folder, hub
from publish.selection import metadata
from publish.web import feeds as feeds_module
from publish.web import gate as gate_module
from publish.web.app import Application, create
from publish.web.export import Exporter
from publish.web.gate import BURST, TRIES, token_of
from stories import clock
from stories.config import Config, Feed, Wire
from stories.db import SQLAlchemyError, Store, feeds, subscribers
from stories.db.subscribers import Subscriber
from stories.models import Category
from tests.publish import samples
from tests.publish.shelf import publish
from tests.serving import Answer, Port, served

FEEDS = (
    Feed(name="india", title="India", languages=("hi",), aliases=("bharat",)),
    Feed(name="partners", title="Sealed", private=True, aliases=("friends",)),
)
WIRES = (
    Wire(name="pti", agency="Press Trust of India", code="PTI", url="https://wire.example/a"),
    Wire(name="uni", agency="United News", url="https://wire.example/b", aliases=("uni-old",)),
)
PUBLIC = samples.hindi()
PRIVATE = samples.story(
    samples.version(
        headline="Cabinet to be reshuffled", categories=(Category(label="Undisclosed"),)
    ),
    first_received=clock.now() - timedelta(hours=1),
)
OTHER = samples.story(
    samples.version(wire="uni", agency="United News", agency_code=None, headline="Rain in Kochi")
)
TOLD = re.compile(
    "|".join((PRIVATE.id, PRIVATE.slug, "Cabinet to be|Undisclosed", "[Pp]artners|Sealed|friends"))
)
"""What tells of the private feed, or of the story that is in no other."""


@dataclass
class Site:
    config: Config
    store: Store
    app: Application
    port: Port
    now: float = 1000.0

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        return self.port.ask(path, headers, method)

    def give(
        self,
        name: str,
        feeds: tuple[str, ...] = (),
        wires: tuple[str, ...] = (),
        agencies: tuple[str, ...] = (),
    ) -> str:
        """A token that opens these."""
        token = f"token-of-{name}"
        with self.store.write() as conn:
            subscribers.add(conn, name, token, (feeds, wires, agencies), "Asha", clock.now())
        self.now += 1
        return token

    def known(self, name: str) -> Subscriber:
        with self.store.read() as conn:
            return next(each for each in subscribers.every(conn) if each.name == name)


@pytest.fixture
def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(gate_module, "WRITTEN", 3600.0)  # or it writes while others are tested
    config = samples.config(feeds=FEEDS, wires=WIRES, publisher=_publisher())
    publish(store, config, PUBLIC, PRIVATE, OTHER)
    found: Site
    app = create(config, store, ready=dict, metrics=lambda: b"", monotonic=lambda: found.now)
    with served(app) as port:
        found = Site(config, store, app, port)
        yield found


def _publisher() -> dict[str, str]:
    """One whose stories' pages are on the site."""
    return {"name": "NDTV", "url": "https://www.ndtv.com"}


def basic(token: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'any:{token}'.encode()).decode()}"}


def titles(answer: Answer) -> set[str]:
    assert answer.status == 200, answer.text
    return {item["title"] for item in json.loads(answer.text)["items"]}


def everywhere(site: Site) -> Iterator[str]:
    """Every address of the site, each name in it a feed's, a story's, a number or none."""
    stories = (PUBLIC.id, PRIVATE.id, "a" * 13)
    names = {
        "feeds": ("india", "bharat", "partners", "friends", "nothing"),
        "stories": stories,
        "licences": ("nothing",),
        "log": (),
    }
    for route in site.app._pages.routes:  # type: ignore[attr-defined]
        path = route.path.replace("{document}", "1.rss").replace("{path:path}", "0/000")
        of = names.get(path.split("/")[1], ("pti",))
        yield from dict.fromkeys(path.replace("{name}", each) for each in of or ("",))
    for name in names["feeds"]:
        yield from (f"/feeds/{name}.{format}" for format in feeds.FORMATS)


def test_no_address_tells_of_a_private_feed_or_its_stories(site: Site) -> None:
    asked = [*everywhere(site)]
    assert f"/stories/{PRIVATE.id}/ninjs" in asked
    assert "/feeds/partners/archive/1.rss" in asked
    for path in asked:
        found = site.ask(path)
        body = found.body.decode("utf-8", "replace")
        told = f"{found.headers}{body}".replace(path, "").replace(path.split("/")[-1], "")
        if path == f"/stories/{PRIVATE.id}/statements":
            # Digests: whoever was handed an entry may verify it.
            told = told.replace(PRIVATE.id, "")
        elif "/feeds/nothing" in path or path == "/":
            assert "india" in told  # there is something to find
        assert TOLD.search(told) is None, path
    token = site.give("Dawn")
    assert TOLD.search(site.ask(f"/feeds/partners.rss?token={token}").text)


def test_to_all_others_there_is_no_private_feed(site: Site) -> None:
    another = {"authorization": f"Bearer {site.give('else', ('another',))}"}
    asked: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("?token=wrong", {}),
        ("?login", {}),
        ("?login&token=wrong", {}),
        ("", basic("wrong")),
        ("", {"authorization": "Basic !"}),
        ("", another),
        ("?login", another),
    ]
    for query, headers in asked:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            for name in ("partners.rss", "friends.json", "partners"):
                none = re.sub("^[a-z]+", "nothing", name)
                here, nowhere = (
                    site.ask(f"/feeds/{one}{query}", headers, method) for one in (name, none)
                )
                assert here.status in (401, 404, 405)
                assert re.sub("partners|friends", "nothing", here.text) == nowhere.text
                same = {"date": "", "content-length": ""}
                assert here.headers | same == nowhere.headers | same
        site.now += 600  # so that nobody has to wait


def test_a_token_opens_it(site: Site) -> None:
    token = site.give("Dawn")
    for format in feeds.FORMATS:
        opened(site, token, format)


def opened(site: Site, token: str, format: feeds.Format) -> None:
    address = f"/feeds/partners.{format}"
    found = site.ask(f"{address}?token={token}")
    assert found.status == 200
    assert "Cabinet to be reshuffled" in found.text
    assert "/feeds/partners" not in f"{found.text}{found.headers}"  # each has another address
    assert found.headers["cache-control"] == "private, no-cache"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert "Authorization" in found.headers["vary"]
    for headers in (basic(token), {"authorization": f"bearer {token}"}):
        again = site.ask(address, headers)
        assert (again.status, again.body) == (200, found.body)
    held = {"if-none-match": found.headers["etag"]}
    assert site.ask(f"{address}?token={token}", held).status == 304
    assert site.ask(f"/feeds/friends.{format}?token={token}").body == found.body


def test_who_has_to_be_asked_for_a_password_can_be(site: Site) -> None:
    """Many readers and all browsers send none before."""
    token = site.give("Dawn")
    for path in ("/feeds/partners.rss", "/feeds/nothing.rss", f"/stories/{PRIVATE.id}"):
        asked = site.ask(f"{path}?login")
        assert asked.status == 401
        assert asked.headers["www-authenticate"].startswith("Basic ")
    for path in ("/feeds/partners.rss", f"/stories/{PRIVATE.id}"):
        assert site.ask(f"{path}?login", basic(token)).status == 200
    assert site.ask("/feeds/india.rss?login").status == 200


def test_a_subscriber_reads_its_stories(site: Site) -> None:
    token = site.give("Dawn")
    for form in ("", "/ninjs", "/newsml-g2"):
        address = f"/stories/{PRIVATE.id}{form}"
        assert site.ask(address).status == 404
        found = site.ask(address, basic(token))
        assert found.status == 200
        assert "Cabinet to be reshuffled" in found.text
        assert found.headers["cache-control"] == "private, no-cache"
        assert site.ask(address).status == 404  # nothing of it was cached for others
        assert site.ask(f"/stories/{PUBLIC.id}{form}", basic("wrong")).status == 200


def test_the_page_that_is_not_there_says_how_subscribers_read_it(site: Site) -> None:
    found = site.ask(f"/stories/{PRIVATE.id}")
    assert 'href="?login"' in found.text
    assert found.body == site.ask(f"/stories/{'a' * 13}").body


def test_a_subscriber_has_what_it_may_have(site: Site) -> None:
    everybody = site.ask(f"/feeds/partners.json?token={site.give('all')}")
    cases: list[tuple[tuple[str, ...], tuple[str, ...], set[str]]] = [
        ((), (), {"pti", "uni"}),
        (("pti",), (), {"pti"}),
        (("uni-old",), (), {"uni"}),
        ((), ("pti",), {"pti"}),
        ((), ("united news",), {"uni"}),
        (("pti",), ("United News",), {"pti", "uni"}),
        (("left",), (), set()),
    ]
    for number, (wires, agencies, there) in enumerate(cases):
        token = site.give(f"case-{number}", (), wires, agencies)
        found = site.ask(f"/feeds/partners.json?token={token}")
        expected = {story.headline for story in (PRIVATE, OTHER) if story.wire in there}
        assert titles(found) - {PUBLIC.headline} == expected
        same = found.headers["etag"] == everybody.headers["etag"]
        assert same == (found.body == everybody.body)
        for story in (PRIVATE, OTHER):
            page = site.ask(f"/stories/{story.id}", basic(token))
            assert page.status == (200 if story.wire in there else 404)


def test_a_token_that_is_revoked_opens_nothing_a_second_later(site: Site) -> None:
    token = site.give("Dawn")
    assert site.ask(f"/feeds/partners.rss?token={token}").status == 200
    with site.store.write() as conn:
        subscribers.revoke(conn, "Dawn", "Meera", clock.now())
    site.now += gate_module.RECHECK
    for path in ("/feeds/partners.rss", f"/stories/{PRIVATE.id}"):
        assert site.ask(f"{path}?token={token}").status == 404
    known = site.known("Dawn")
    assert (known.added_by, known.revoked_by) == ("Asha", "Meera")
    assert known.revoked_at is not None


@pytest.fixture
def of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "BURST", 3.0)
    monkeypatch.setattr(gate_module, "TRIES", 3.0)


def test_who_comes_too_often_waits(of_three: None, site: Site) -> None:
    assert BURST > TRIES > 1
    token, another = site.give("Dawn"), site.give("Dusk")
    for address in (f"/feeds/partners.rss?token={token}", "/feeds/nothing.rss?token=wrong"):
        first = site.ask(address).status
        assert [site.ask(address).status for _ in range(3)] == [first, first, 429]
        waits = site.ask(address)
        assert waits.status == 429
        site.now += int(waits.headers["retry-after"])
        assert site.ask(address).status == first
    # A wrong token keeps nobody at the same address from using a good one.
    assert site.ask("/feeds/partners.rss?token=wrong").status == 429
    assert site.ask(f"/stories/{PRIVATE.id}?token=wrong").status == 429
    assert site.ask(f"/feeds/partners.rss?token={another}").status == 200


def test_its_entries_are_verified_at_a_subscribers_address(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    token = site.give("Dawn", (), ("pti",))
    address = f"http://127.0.0.1:{site.port.number}/feeds/partners.rss?token={token}"
    with pytest.raises(SystemExit) as ended:
        main(["verify", address, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert not ended.value.code
    assert {entry["verdict"] for entry in report["entries"]} == {"verified"}


def test_the_exported_folder_has_public_feeds_alone(site: Site, tmp_path: Path) -> None:
    config = site.config.model_copy(
        update={"site": site.config.site.model_copy(update={"export": tmp_path / "folder"})}
    )
    exporter = Exporter(config, site.store)
    with folder.opened(tmp_path / "folder", wait=True) as root:
        exporter.whole(root, lambda _: None)
    exporter.close()
    files = [path for path in (tmp_path / "folder").rglob("*") if path.is_file()]
    assert f"{PUBLIC.id}.html" in {path.name for path in files}
    for path in files:
        if not path.name.startswith("statements"):
            found = path.read_bytes().decode("utf-8", "replace")
            assert TOLD.search(f"{path.relative_to(tmp_path)}{found}") is None, path


def test_a_private_feed_has_no_hub() -> None:
    config = samples.config(feeds=FEEDS, hub={"enabled": True})
    for name in ("partners", "nothing"):
        topic = hub.topic(config, name, "rss")
        form = urlencode(
            {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": "https://reader.example/"}
        )
        with pytest.raises(hub.RefusedError) as refused:
            hub.asked(config, form.encode())
        assert refused.value.status == 404
    assert metadata(FEEDS[0], config, None).hub is not None
    assert metadata(FEEDS[1], config, None).hub is None


def test_uses_are_counted_and_stored_together(site: Site) -> None:
    token = site.give("Dawn")
    for _ in range(3):
        site.ask(f"/feeds/partners.rss?token={token}")
    assert (site.known("Dawn").uses, site.known("Dawn").used_at) == (0, None)
    for _ in range(2):
        site.app.feeds._gate.write_uses()
        assert site.known("Dawn").uses == 3
    assert site.known("Dawn").used_at is not None


def test_while_the_database_is_away_subscribers_read_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = site.give("Dawn")
    before = site.ask(f"/feeds/partners.rss?token={token}")

    def fails(_conn: object) -> tuple[int, int]:
        raise SQLAlchemyError("away")

    monkeypatch.setattr(subscribers, "stamp", fails)
    site.now += 60
    assert site.ask(f"/feeds/partners.rss?token={token}").body == before.body
    assert site.ask("/feeds/partners.rss?token=wrong").status == 404
    site.now += 600  # it may have been revoked meanwhile, by who can reach the database
    assert site.ask(f"/feeds/partners.rss?token={token}").status == 503


@pytest.mark.parametrize(
    ("authorization", "query", "token"),
    [
        (None, b"", None),
        (None, b"token=a", "a"),
        (None, b"x=1&token=a%2Db", "a-b"),
        (None, b"token=", None),
        ("Bearer a", b"token=b", "a"),
        ("BASIC dTph", b"", "a"),
        ("Basic dTphOmI=", b"", "a:b"),
        ("Basic ?", b"token=b", ""),
        ("Basic /w==", b"", ""),
        ("Digest x", b"token=b", "b"),
        ("Bearer " + "a" * 500, b"", ""),
    ],
)
def test_where_a_token_stands(authorization: str | None, query: bytes, token: str | None) -> None:
    headers = [(b"authorization", authorization.encode())] if authorization else []
    assert token_of(headers, query) == token
