"""A wire whose feed names a hub is pushed to us, over real HTTP, whatever the hub does."""

import hmac
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from ingest import intake, parse, poll
from ingest.subscribe import ask_hubs
from net.client import Client
from publish import renderer
from publish.push import push
from publish.web.app import create
from stories import clock
from stories.db import Store, captures, connect, hubs, names, wires
from stories.db import stories as records
from stories.db.hubs import ANSWERED, Subscription
from stories.models import WireState
from tests import hostile
from tests.conftest import ConfigOf
from tests.hostile import Exchange, Server
from tests.living import Life, feed, item
from tests.serving import Answer, Port, free_port, served

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SITE = "http://127.0.0.1:8080"


@dataclass
class Newsroom:
    """A newsroom with one wire, whose agency and its hub are one server."""

    life: Life
    port: Port
    agency: Server
    client: Client
    told: list[str] = field(default_factory=list)

    def shows(self, *items: str, link: str = '</hub>; rel="hub", </feed>; rel="self"') -> None:
        """The feed of the agency has these items, and names its hub."""
        self.agency.answer("/feed", feed(*items), {"Link": link, "ETag": f'"{len(items)}"'})

    def poll(self) -> None:
        """The wire is polled, and all is taken in that waits."""
        with self.life.store.write() as conn:
            claimed = wires.take(conn, ["w"], clock.now() + MINUTE)
        list(poll.poll(self.life.store, self.life.config, self.client, claimed))
        self.take_in()

    def take_in(self) -> None:
        intake.take_in_waiting(self.life.store, self.life.config, reader=parse.parse)
        renderer.render_waiting(self.life.store, self.life.config)

    def ask(self) -> list[dict[str, str]]:
        """The hubs are asked that are due: what for."""
        before = len(self.agency.seen("/hub"))
        ask_hubs(self.life.store, self.life.config, self.client)
        forms = (parse_qs(each.body.decode()) for each in self.agency.seen("/hub")[before:])
        return [{name: values[0] for name, values in form.items()} for form in forms]

    def call(
        self, mode: str = "subscribe", *, of: Subscription | None = None, **more: str
    ) -> Answer:
        """The hub verifies what it was asked for."""
        of = of or self.row
        asked = {"hub.mode": mode, "hub.topic": of.topic, "hub.challenge": "c&<c>"}
        asked |= {f"hub.{name}": value for name, value in more.items()}
        return self.port.ask(f"/wires/w/{of.token}?{urlencode(asked)}")

    def subscribe(self, **more: str) -> Subscription:
        """The wire is polled, its hub asked, and calls."""
        self.poll()
        [asked] = self.ask()
        assert asked["hub.mode"] == "subscribe"
        assert self.call("subscribe", of=None, **more).status == 200
        return self.row

    def push(
        self,
        *items: str,
        body: bytes | None = None,
        method: str = "sha256",
        secret: str | None = None,
        of: Subscription | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """The hub pushes these items; the status of the answer."""
        of = of or self.row
        body = feed(*items) if body is None else body
        signed = hmac.new((secret or of.secret).encode(), body, method).hexdigest()
        told = {"Content-Type": "application/rss+xml", "X-Hub-Signature": f"{method}={signed}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port.number, timeout=60)
        try:
            connection.request("POST", f"/wires/w/{of.token}", body, {**told, **(headers or {})})
            status = connection.getresponse().status
        finally:
            connection.close()
        self.take_in()
        return status

    @property
    def rows(self) -> list[Subscription]:
        with self.life.store.read() as conn:
            return hubs.every(conn)

    @property
    def row(self) -> Subscription:
        return self.rows[0]

    @property
    def state(self) -> WireState:
        with self.life.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found

    @property
    def wait(self) -> timedelta:
        """Until the next poll."""
        return self.state.due_at - clock.now()

    def captured(self) -> int:
        with self.life.store.read() as conn:
            return len(captures.listing(conn))

    def headlines(self) -> set[str]:
        with self.life.store.read() as conn:
            return {story.headline for story in records.newest(conn, limit=100)}


@contextmanager
def a_newsroom(config: ConfigOf, store: Store, **wire: Any) -> Iterator[Newsroom]:
    with hostile.serve() as agency, Client() as client:
        usual = {"name": "w", "agency": "A", "url": f"{agency.url}/feed", "every": "1m"}
        rules = {**usual, "allow_private": True, "push": True, **wire}
        life = Life(config(wires=[rules], site={"url": SITE}), store)
        life.begin()
        with store.write() as conn:
            hubs.sync(conn, life.config.wires, SITE, life.now)
        agency.route("/hub", lambda exchange: exchange.reply(202))
        told: list[str] = []
        app = create(life.config, store, ready=dict, metrics=None, came=lambda: told.append("w"))
        with clock.reading(lambda: life.now), served(app) as port:
            here = Newsroom(life, port, agency, client, told)
            here.shows(item("old", "Old"))
            yield here


@pytest.fixture
def newsroom(config: ConfigOf, store: Store) -> Iterator[Newsroom]:
    with a_newsroom(config, store) as here:
        yield here


def test_what_a_hub_pushes_is_published_and_its_wire_polled_less(newsroom: Newsroom) -> None:
    newsroom.poll()
    assert newsroom.wait < 2 * MINUTE
    [asked] = newsroom.ask()
    [row] = newsroom.rows
    assert asked["hub.topic"] == row.topic == f"{newsroom.agency.url}/feed"
    assert asked["hub.callback"] == f"{SITE}/wires/w/{row.token}"
    assert asked["hub.secret"] == row.secret
    assert len(row.token) >= 43 <= len(row.secret)
    assert newsroom.ask() == [], "it has some minutes"
    called = newsroom.call(lease_seconds="3600")
    assert (called.status, called.body) == (200, b"c&<c>")
    assert called.headers["content-type"].startswith("text/plain")
    newsroom.poll()
    assert newsroom.wait < 2 * MINUTE, "it has pushed nothing yet"
    assert newsroom.push(item("new", "New")) == 202
    assert newsroom.headlines() == {"Old", "New"}
    assert newsroom.told == ["w"], "workers hear of it at once"
    with newsroom.life.store.read() as conn:
        pushed, polled = captures.listing(conn)
    assert (pushed.partial, polled.partial) == (True, False)
    assert pushed.url == polled.url
    newsroom.shows(item("old", "Old"), item("new", "New"))
    newsroom.poll()
    assert 6 * MINUTE <= newsroom.wait < 7 * MINUTE
    assert "its hub pushes" in newsroom.state.due_because
    newsroom.life.now += timedelta(hours=2)
    newsroom.poll()
    assert newsroom.wait < 2 * MINUTE, "its promise is over"


def test_who_does_not_want_it_asks_no_hub(config: ConfigOf, store: Store) -> None:
    with a_newsroom(config, store, push=False) as newsroom:
        newsroom.poll()
        assert newsroom.ask() == []
        assert newsroom.rows == []


def test_only_what_was_asked_for_is_confirmed(newsroom: Newsroom) -> None:
    newsroom.poll()
    newsroom.ask()
    row = newsroom.row
    stranger = replace(row, token="A" * 43)
    answers = [
        newsroom.call(of=stranger),
        newsroom.call(topic=f"{row.topic}?"),
        newsroom.call("unsubscribe"),
        newsroom.call("publish"),
        newsroom.port.ask(f"/wires/w/{row.token}"),
        newsroom.port.ask(f"/wires/{row.token}/w?hub.mode=subscribe"),
        newsroom.port.ask("/wires/w/%00%ff?hub.mode=subscribe"),
    ]
    assert {each.status for each in answers} == {404}
    assert newsroom.rows == [row]
    assert newsroom.push(item("n", "N"), of=stranger) == 410
    assert newsroom.captured() == 1


def test_what_is_not_signed_is_taken_for_nothing_and_counted(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    story = item("n", "Forged")
    for forged in (
        {"secret": "another"},
        {"headers": {"X-Hub-Signature": ""}},
        {"headers": {"X-Hub-Signature": "sha256="}},
        {"headers": {"X-Hub-Signature": "none=" + "0" * 64}},
        {"method": "md5"},
    ):
        assert newsroom.push(story, **forged) == 202
    assert (newsroom.captured(), newsroom.row.refused, newsroom.row.deliveries) == (1, 5, 0)
    assert newsroom.told == []
    assert newsroom.state.pushed_until is None
    for n, method in enumerate(("sha1", "sha256", "sha384", "sha512")):
        assert newsroom.push(item(f"{n}", method), method=method) == 202
    assert newsroom.headlines() == {"Old", "sha1", "sha256", "sha384", "sha512"}
    assert (newsroom.row.refused, newsroom.row.deliveries) == (5, 4)


def test_what_cannot_be_taken_is_said(newsroom: Newsroom, config: ConfigOf) -> None:
    newsroom.subscribe()
    assert newsroom.push(item("n", "N"), headers={"Content-Encoding": "gzip"}) == 415
    assert newsroom.push(body=b"x" * (16 * 1024 * 1024 + 1)) == 413
    assert newsroom.captured() == 1
    assert newsroom.push(body=b"<html>An error page</html>") == 202
    with newsroom.life.store.read() as conn:
        assert captures.listing(conn)[0].state == "failed"
    assert newsroom.state.whole, "what the wire itself showed was whole"


def test_a_story_that_is_not_pushed_stands_on_its_wire(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.life.now += DAY
    newsroom.shows(item("old", "Old"), item("two", "Two"))
    newsroom.poll()
    newsroom.life.now += DAY
    newsroom.push(item("three", "Three"))
    newsroom.life.clean(after=100 * DAY)
    assert newsroom.life.has_bytes(1), "its story stood there at the last poll"


def test_what_was_pushed_before_does_not_turn_a_story_back(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    first = feed(item("s", "First"))
    newsroom.push(body=first)
    newsroom.push(item("s", "Second"))
    newsroom.shows(item("s", "Second"))
    newsroom.poll()
    assert newsroom.wait >= 6 * MINUTE
    for _ in range(2):
        assert newsroom.push(body=first) == 202
        assert newsroom.push(body=b"") == 202
    assert newsroom.headlines() == {"Old", "Second"}
    assert newsroom.wait <= MINUTE, "it may be news again: the wire is asked"


def test_another_version_is_looked_up_soon(newsroom: Newsroom) -> None:
    """Hubs promise no order: what they push late may be older than what they pushed."""
    newsroom.subscribe()
    newsroom.push(item("s", "One"))
    newsroom.shows(item("s", "One"))
    newsroom.poll()
    assert newsroom.wait >= 6 * MINUTE
    newsroom.push(item("s", "Two"))
    assert newsroom.wait < 2 * MINUTE
    assert "another version" in newsroom.state.due_because


def test_the_poll_after_a_push_asks_for_all(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.push(item("old", "Changed"))
    newsroom.poll()  # where it has not changed, or has been put back
    assert newsroom.agency.seen("/feed")[-1].header("if-none-match") is None
    assert newsroom.headlines() == {"Old"}
    newsroom.poll()
    assert newsroom.agency.seen("/feed")[-1].header("if-none-match") == '"1"'


def test_a_poll_after_a_push_is_packed_against_the_poll_before(newsroom: Newsroom) -> None:
    """A feed is nearly the one before; what was pushed is a small part of it."""
    known = [item(f"{n}", f"Story {n}", f"Words of {n * n} days. " * 50) for n in range(20)]
    newsroom.shows(*known)
    newsroom.subscribe()
    newsroom.push(item("new", "New"))
    newsroom.shows(item("new", "New"), *known)
    newsroom.poll()
    with newsroom.life.store.read() as conn:
        again, _, first = captures.listing(conn)
        asked = "SELECT parent FROM blobs WHERE digest = '{}'"
        assert conn.exec_driver_sql(asked.format(again.digest)).scalar_one() == first.digest


def test_a_poll_that_was_under_way_is_dropped(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.life.now += DAY
    with newsroom.life.store.write() as conn:
        claimed = wires.take(conn, ["w"], clock.now() + MINUTE)
    newsroom.push(item("old", "Newer"))
    newsroom.shows(item("old", "Older"))
    [polled] = poll.poll(newsroom.life.store, newsroom.life.config, newsroom.client, claimed)
    assert polled.superseded
    newsroom.take_in()
    assert newsroom.headlines() == {"Newer"}
    assert newsroom.wait == MINUTE


def test_a_hub_that_misses_something_is_trusted_no_more_until_it_pushes(
    newsroom: Newsroom,
) -> None:
    newsroom.subscribe()
    newsroom.push(item("a", "A"))
    newsroom.life.now += MINUTE
    newsroom.shows(item("a", "A"), item("b", "Never pushed"))
    newsroom.poll()
    assert newsroom.wait < 2 * MINUTE
    newsroom.life.now += MINUTE
    newsroom.poll()
    assert newsroom.wait < 2 * MINUTE
    newsroom.push(item("c", "C"))
    newsroom.life.now += MINUTE
    newsroom.shows(item("c", "C"))
    newsroom.poll()
    assert newsroom.wait >= 6 * MINUTE


def test_a_lease_is_renewed_half_way_under_the_same_secret(newsroom: Newsroom) -> None:
    before = newsroom.subscribe(lease_seconds="600")
    assert before.expires_at == newsroom.life.now + 10 * MINUTE
    newsroom.life.now += 4 * MINUTE
    assert newsroom.ask() == []
    newsroom.life.now += MINUTE
    [asked] = newsroom.ask()
    assert (asked["hub.callback"], asked["hub.secret"]) == (
        f"{SITE}/wires/w/{before.token}",
        before.secret,
    )
    assert newsroom.push(item("n", "Meanwhile")) == 202
    newsroom.call(lease_seconds="1000")
    assert newsroom.row.expires_at == newsroom.life.now + timedelta(seconds=1000)
    assert newsroom.headlines() == {"Old", "Meanwhile"}
    for seconds, kept in (("", DAY), ("soon", DAY), ("0", timedelta(seconds=1))):
        newsroom.call(lease_seconds=seconds)
        assert newsroom.row.expires_at == newsroom.life.now + kept


def test_a_hub_with_a_lease_of_a_second_is_not_asked_each_second(newsroom: Newsroom) -> None:
    newsroom.subscribe(lease_seconds="1")
    asked = 0
    for _ in range(120):
        newsroom.life.now += timedelta(seconds=1)
        asked += len(newsroom.ask())
        newsroom.call(lease_seconds="1")
    assert asked <= 2


def test_a_site_that_moves_tells_its_hubs(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.push(item("a", "A"))
    wires_, new = newsroom.life.config.wires, "https://new.example"
    with newsroom.life.store.write() as conn:
        hubs.sync(conn, wires_, SITE, newsroom.life.now)
    assert newsroom.row.holds(newsroom.life.now), "it was noted at the start"
    for again in (True, False):
        with newsroom.life.store.write() as conn:
            hubs.sync(conn, wires_, new, newsroom.life.now)
        assert len(newsroom.ask()) == again
    assert newsroom.state.pushed_until is None


def test_a_wire_whose_server_asked_to_be_left_alone_is(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.push(item("s", "One"))
    newsroom.agency.answer("/feed", b"", {"Retry-After": "3600"}, status=503)
    newsroom.poll()
    assert newsroom.wait >= timedelta(hours=1)
    newsroom.push(item("s", "Two"))
    assert newsroom.wait >= timedelta(hours=1)


def test_a_hub_that_does_not_call_or_refuses_is_asked_again(newsroom: Newsroom) -> None:
    newsroom.poll()
    newsroom.ask()
    newsroom.life.now += ANSWERED
    assert newsroom.ask() == []
    assert "has not called" in (newsroom.row.error or "")
    newsroom.agency.route("/hub", lambda exchange: exchange.reply(403, {}, b"not for you"))
    newsroom.life.now += 2 * MINUTE
    assert len(newsroom.ask()) == 1
    assert "403: not for you" in (newsroom.row.error or "")
    assert newsroom.ask() == []
    newsroom.agency.route("/hub", lambda exchange: exchange.reply(202))
    newsroom.life.now += 10 * MINUTE
    assert len(newsroom.ask()) == 1
    newsroom.call()
    assert (newsroom.row.error, newsroom.row.failures) == (None, 0)


def test_a_hub_may_call_before_it_answers(newsroom: Newsroom) -> None:
    """What its answer then says changes nothing: a hub that verifies at once, and fails after."""
    newsroom.poll()

    def verify(exchange: Exchange) -> None:
        assert newsroom.call(lease_seconds="3600").status == 200
        exchange.reply(500)

    newsroom.agency.route("/hub", verify)
    newsroom.ask()
    assert newsroom.row.holds(newsroom.life.now)
    assert newsroom.row.error is None


def test_a_hub_that_has_moved_is_asked_there(newsroom: Newsroom) -> None:
    newsroom.agency.route("/hub", lambda e: e.reply(307, {"Location": "/new"}))
    newsroom.agency.route("/new", lambda e: e.reply(202))
    newsroom.poll()
    newsroom.ask()
    [asked] = newsroom.agency.seen("/new")
    assert asked.method == "POST"
    assert b"hub.secret=" in asked.body
    newsroom.agency.route("/new", lambda e: e.reply(308, {"Location": "/hub"}))
    newsroom.life.now += timedelta(hours=1)
    newsroom.ask()
    newsroom.life.now += timedelta(hours=1)
    newsroom.ask()
    assert "it answered 30" in (newsroom.row.error or "")


def test_a_hub_may_deny(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.push(item("a", "A"))
    trusted = [newsroom.state.pushed_until]
    assert newsroom.call("denied", reason="no\x00\nlicence").status == 200
    trusted.append(newsroom.state.pushed_until)
    assert trusted == [newsroom.row.verified_at and newsroom.row.verified_at + DAY, None]
    assert not newsroom.row.holds(newsroom.life.now)
    assert newsroom.row.error == "it denies that: nolicence"
    newsroom.life.now += timedelta(hours=23)
    assert newsroom.ask() == []
    newsroom.life.now += timedelta(hours=2)
    assert len(newsroom.ask()) == 1


def test_what_is_wanted_no_more_is_ended(newsroom: Newsroom) -> None:
    row = newsroom.subscribe()
    wire = newsroom.life.config.wires[0]
    for configured in ((wire.model_copy(update={"push": False}),), ()):
        with newsroom.life.store.write() as conn:
            hubs.sync(conn, configured, SITE, newsroom.life.now)
    [asked] = newsroom.ask()
    assert asked["hub.mode"] == "unsubscribe"
    assert newsroom.push(item("n", "N"), of=row) == 410
    assert newsroom.call("subscribe", of=row).status == 404
    assert newsroom.call("unsubscribe", of=row).status == 200
    assert newsroom.rows == []
    assert newsroom.call("unsubscribe", of=row).status == 404
    newsroom.shows(item("old", "Old"), item("a", "A"))
    newsroom.poll()
    assert newsroom.row.token != row.token


def test_who_is_told_in_vain_is_forgotten(newsroom: Newsroom) -> None:
    newsroom.subscribe()
    newsroom.agency.route("/hub", lambda exchange: exchange.reply(500))
    with newsroom.life.store.write() as conn:
        hubs.sync(conn, (), SITE, newsroom.life.now)
    asked = 0
    while newsroom.rows:
        asked += len(newsroom.ask())
        newsroom.life.now += timedelta(hours=1)
    assert asked == 3


def test_another_hub_or_another_topic_is_subscribed_anew(newsroom: Newsroom) -> None:
    first = newsroom.subscribe()
    newsroom.agency.route("/other", lambda exchange: exchange.reply(202))
    newsroom.shows(item("a", "A"), item("b", "B"), link='</other>; rel="hub", </feed>; rel="self"')
    newsroom.life.now += MINUTE
    newsroom.poll()
    new, old = newsroom.rows
    assert (new.hub, old.token, old.leaving) == (f"{newsroom.agency.url}/other", first.token, True)
    assert [asked["hub.mode"] for asked in newsroom.ask()] == ["unsubscribe"]
    assert len(newsroom.agency.seen("/other")) == 1
    newsroom.shows(item("a", "A"), link="")
    newsroom.life.now += MINUTE
    newsroom.poll()
    assert all(row.leaving for row in newsroom.rows)


def test_a_wire_that_gets_another_address_trusts_no_hub_of_before(newsroom: Newsroom) -> None:
    row = newsroom.subscribe()
    newsroom.push(item("a", "A"))
    wire = newsroom.life.config.wires[0].model_copy(update={"url": "https://new.example/feed"})
    with newsroom.life.store.write() as conn:
        wires.sync(conn, (wire,), newsroom.life.now)
        hubs.sync(conn, (wire,), SITE, newsroom.life.now)
    assert newsroom.push(item("b", "Theirs"), of=row) == 410
    assert newsroom.state.pushed_until is None


def test_a_wire_that_is_renamed_goes_on_under_the_same_address(newsroom: Newsroom) -> None:
    row = newsroom.subscribe()
    wire = newsroom.life.config.wires[0].model_copy(update={"name": "new", "aliases": ("w",)})
    renamed = newsroom.life.config.model_copy(update={"wires": (wire,)})
    renamed.__dict__.pop("_wires_by_name", None)
    with newsroom.life.store.write() as conn:
        assert names.rename(conn, renamed) == []
        hubs.sync(conn, renamed.wires, SITE, newsroom.life.now)
    assert newsroom.row == replace(row, wire="new")


def test_a_rebuild_gives_the_same(newsroom: Newsroom, other_url: str) -> None:
    newsroom.subscribe()
    for n in range(3):
        newsroom.life.now += MINUTE
        newsroom.push(item("s", f"Version {n}"), item(f"{n}", f"Story {n}"))
        newsroom.life.now += MINUTE
        newsroom.shows(item("s", f"Version {n}"), item("old", "Old"), item(f"{n}", f"Story {n}"))
        newsroom.poll()
    with newsroom.life.rebuilt(other_url) as rebuilt:
        assert newsroom.life.bodies(rebuilt) == newsroom.life.bodies()


def test_a_wrong_clock_is_put_right(newsroom: Newsroom) -> None:
    newsroom.life.now += 4000 * DAY
    newsroom.subscribe()
    newsroom.life.now -= 4000 * DAY
    with newsroom.life.store.write() as conn:
        assert hubs.ahead(conn, newsroom.life.now)
        assert hubs.put_right(conn, newsroom.life.now) == 1
        assert not hubs.ahead(conn, newsroom.life.now)
    assert len(newsroom.ask()) == 1


def test_one_hub_of_ours_pushes_to_another_newsroom(
    config: ConfigOf, store: Store, other_url: str
) -> None:
    """Ours at both ends: asked, verified, signed, pushed, published again."""
    theirs, ports = connect(other_url), [free_port() for _ in range(2)]
    sites = [f"http://127.0.0.1:{port}" for port in ports]
    source = {"name": "w", "agency": "A", "url": "https://a.example/f"}
    first = Life(config(wires=[source], hub={"allow_private": True}, site={"url": sites[0]}), store)
    wire = {"name": "w", "url": f"{sites[0]}/feeds/all.rss", "allow_private": True, "push": True}
    second = Life(config(wires=[wire], site={"url": sites[1]}), theirs)
    apps = [create(life.config, life.store, ready=dict, metrics=None) for life in (first, second)]
    first.begin()
    first.receive(item("old", "Old"))
    second.now = first.now
    second.begin()

    def moment() -> datetime:
        return first.now

    with (
        clock.reading(moment),
        served(apps[0], ports[0]),
        served(apps[1], ports[1]) as port,
        hostile.serve() as nobody,
        Client() as client,
    ):
        here = Newsroom(second, port, nobody, client)
        here.poll()
        ask_hubs(theirs, second.config, client)
        assert [each.outcome for each in push(store, first.config, client)[1]] == ["confirmed"]
        assert here.row.holds(moment())
        first.receive(item("old", "Old"), item("new", "New"), after=MINUTE)
        assert [each.outcome for each in push(store, first.config, client)[1]] == ["delivered"]
        here.take_in()
        assert here.headlines() == {"Old", "New"}
        assert (here.row.deliveries, here.row.refused) == (1, 0)
        with theirs.write() as conn:
            hubs.sync(conn, (), sites[1], moment())
        ask_hubs(theirs, second.config, client)
        assert [each.outcome for each in push(store, first.config, client)[1]] == ["confirmed"]
        assert here.rows == []
        with theirs.write() as conn:
            hubs.sync(conn, second.config.wires, sites[1], moment())
        assert len(here.rows) == 1, "it is known what the feed itself names"
    theirs.close()
