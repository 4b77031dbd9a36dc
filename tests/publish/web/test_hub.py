"""The hub, over real HTTP: who subscribes is asked first, and gets every change in its order."""

import hashlib
import hmac
import http.client
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest

from desk.hiding import act
from ingest import intake, parse
from net.client import Client, Response
from net.errors import FetchError
from publish import hub, renderer
from publish import push as pushing
from publish.hub import RETIRED, RefusedError, asked, confirmed, taken
from publish.push import ping, push
from publish.rerender import rerender_if_changed
from publish.web.app import create
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds, outbox, subscriptions
from stories.db import stories as records
from stories.db.subscriptions import Subscription, Wish
from stories.keys import key_set
from tests.conftest import ConfigOf
from tests.living import START, Life, feed, item
from tests.publish import samples
from tests.publish.checks import check_atom, check_json, check_rss
from tests.serving import Answer, Port, served
from tests.subscriber import Came, Subscriber, echo, subscriber
from wirecopy import Evidence, read_keys, verify
from workers.housekeeping import housekeeping

SITE = "http://127.0.0.1:8080"
SECOND = timedelta(seconds=1)
SECRET = "between us"
WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
FEEDS = [{"name": "all", "title": "All", "limit": 5}, {"name": "other", "title": "Other"}]


CHECKS = {"rss": check_rss, "atom": check_atom, "json": check_json}


def topic(name: str = "all.rss") -> str:
    return f"{SITE}/feeds/{name}"


@dataclass
class Site:
    """A site with a hub, and somebody who subscribes."""

    life: Life
    port: Port
    reader: Subscriber
    client: Client
    shown: list[str] = field(default_factory=list)

    def post(self, body: str, kind: str = "application/x-www-form-urlencoded") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port.number, timeout=60)
        try:
            connection.request("POST", "/hub", body, {"Content-Type": kind})
            found = connection.getresponse()
            told = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, told, found.read())
        finally:
            connection.close()

    def ask(self, mode: str = "subscribe", name: str = "all.rss", **more: str) -> Answer:
        form = {"mode": mode, "topic": topic(name), "callback": f"{self.reader.url}/cb?a=b", **more}
        return self.post(urlencode({f"hub.{key}": value for key, value in form.items()}))

    def push(self) -> list[str]:
        """All that is due now; what became of each."""
        found: list[str] = []
        while True:
            claimed, pushed = push(self.life.store, self.life.config, self.client)
            found += [each.outcome for each in pushed]
            if not claimed:
                return found

    def subscribe(self, name: str = "all.rss", **more: str) -> None:
        assert self.ask(name=name, **more).status == 202
        assert self.push() == ["confirmed"]

    def news(self, *titles: str) -> None:
        """The wire shows stories of these titles, each named by its first word."""
        self.life.receive(*(item(t.split()[0], t) for t in titles), after=SECOND)

    def titles(self) -> list[list[str]]:
        """Those of the entries of what was delivered, document by document."""
        return [
            re.findall(r"<title>(.*?)</title>", each.body.decode().partition("<item>")[2])
            for each in self.reader.delivered
        ]


@contextmanager
def a_site(config: ConfigOf, store: Store, **hub_: Any) -> Iterator[Site]:
    conf = config(wires=[WIRE], feeds=FEEDS, hub={"allow_private": True, **hub_})
    life = Life(conf, store)
    life.begin()
    app = create(conf, store, ready=dict, metrics=None)
    reading = clock.reading(lambda: life.now)
    with reading, served(app) as port, subscriber() as reader, Client() as client:
        here = Site(life, port, reader, client)
        here.news("old")
        yield here


@pytest.fixture
def site(config: ConfigOf, store: Store) -> Iterator[Site]:
    with a_site(config, store) as here:
        yield here


def test_a_feed_names_its_hub_and_itself(site: Site) -> None:
    for format, within in (
        ("rss", '<atom:link rel="hub" href="http://127.0.0.1:8080/hub"/>'),
        ("atom", '<link rel="hub" href="http://127.0.0.1:8080/hub"/>'),
        ("json", '"hubs":[{"type":"WebSub","url":"http://127.0.0.1:8080/hub"}]'),
    ):
        found = site.port.ask(f"/feeds/all.{format}")
        assert within in found.text
        CHECKS[format](found.body)
        assert '<http://127.0.0.1:8080/hub>; rel="hub"' in found.headers["link"]
        assert f'<{topic(f"all.{format}")}>; rel="self"' in found.headers["link"]


def test_without_a_hub_nothing_is_different(config: ConfigOf, store: Store) -> None:
    with a_site(config, store, enabled=False) as site:
        found = site.port.ask("/feeds/all.rss")
        assert 'rel="hub"' not in found.text + found.headers["link"]
        assert site.ask().status == 404


def test_who_subscribed_gets_what_changes_signed(site: Site) -> None:
    site.subscribe(secret=SECRET, lease_seconds="3600")
    [question] = site.reader.came
    assert question.path == "/cb"
    challenge = question.asked.pop("hub.challenge")
    assert question.asked == {
        "a": "b",
        "hub.mode": "subscribe",
        "hub.topic": topic(),
        "hub.lease_seconds": "3600",
    }
    assert len(challenge) >= 32
    assert site.push() == [], "what stood there before is in the feed"
    site.news("old", "new")
    assert site.push() == ["delivered"]
    [came] = site.reader.delivered
    assert site.titles() == [["new"]]
    assert came.headers["content-type"] == "application/rss+xml; charset=utf-8"
    assert came.headers["link"] == f'<{SITE}/hub>; rel="hub", <{topic()}>; rel="self"'
    signed = hmac.new(SECRET.encode(), came.body, hashlib.sha256).hexdigest()
    assert came.headers["x-hub-signature"] == f"sha256={signed}"
    assert site.push() == []
    with site.life.store.read() as conn:
        keys = read_keys(json.dumps(key_set(conn)).encode())
    report = verify(came.body, keys, Evidence(now=site.life.now))
    assert [each.verdict for each in report.entries] == ["verified"]


@pytest.mark.parametrize("name", ["all.rss", "all.atom", "all.json"])
def test_updates_and_kills_come_in_every_format(site: Site, name: str) -> None:
    site.subscribe(name)
    site.news("old is corrected")
    site.push()
    story = site.life.stories()["old"]
    site.life.now += SECOND
    act(site.life.store, site.life.config, story, "kill", "Asha", "withdrawn by the agency")
    site.push()
    corrected, killed = (each.body.decode() for each in site.reader.delivered)
    with site.life.store.read() as conn:
        guid = conn.exec_driver_sql("SELECT guid FROM stories").scalar_one()
    assert "old is corrected" in corrected
    assert guid in corrected
    assert guid in killed
    assert "old is corrected" not in killed
    mark = {"rss": "wirecopy:withdrawn", "atom": "at:deleted-entry", "json": '"withdrawn"'}
    assert mark[name.partition(".")[2]] in killed


def test_nothing_is_lost_or_out_of_order_while_a_subscriber_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "ARCHIVED", 3)
    site.subscribe()
    site.reader.answer = lambda _: (503, b"")
    known = ["old"]
    for n in range(8):
        known.append(f"n{n}")
        site.news(*known)
        site.push()
    site.reader.came.clear()
    site.reader.answer = echo
    assert site.push() == [], "it is not asked at every change"
    site.life.now += timedelta(hours=2)
    assert site.push() == ["delivered"] * 3
    assert site.titles() == [["n2", "n1", "n0"], ["n5", "n4", "n3"], ["n7", "n6"]]


def test_a_subscriber_follows_whatever_happens(site: Site) -> None:
    """It has what the feed has in the end, however often it fails."""
    drawn = random.Random(7)
    site.subscribe("other.json")
    has: dict[str, str] = {}

    def take(came: Came) -> tuple[int, bytes]:
        for entry in reversed(json.loads(came.body)["items"]):
            has[entry["id"]] = entry["title"]
        return 200, b""

    # Now and then it takes what comes, and its answer is lost.
    site.reader.answer = lambda came: (take(came)[0] + drawn.choice([0, 0, 300]), b"")
    titles = {"old": "old"}
    for n in range(12):
        name = drawn.choice([*titles, f"s{n}"])
        titles[name] = f"{name} {n}"
        site.news(*titles.values())
        site.life.now += timedelta(minutes=drawn.choice([0, 0, 30]))
        site.push()
    site.reader.answer = take
    site.life.now += timedelta(hours=2)
    site.push()
    changed = {title for title in titles.values() if title != "old"}
    assert set(has.values()) == changed


@pytest.mark.parametrize("name", ["hold", "headline"])
def test_a_version_that_came_before_the_desks_act_and_is_taken_in_after_it(
    site: Site, name: str
) -> None:
    """It changes no time, and is a change all the same."""
    site.subscribe()
    life = site.life
    with life.store.write() as conn:
        captures.add(
            conn, "w", life.now, "https://agency.example/f", [], feed(item("old", "Newer"))
        )
        outbox.want(conn, "ingest", ["w"], life.now)
    life.now += SECOND
    story = life.stories()["old"]
    if name == "hold":
        for kind in ("hold", "release"):
            act(life.store, life.config, story, kind, "Asha", "a reason")
    else:
        life.edit(story, "Ours")
    assert site.push() == ["delivered"]
    assert "Newer" not in site.reader.delivered[-1].body.decode()
    intake.take_in_waiting(life.store, life.config, reader=parse.parse)
    renderer.render_waiting(life.store, life.config)
    assert site.push() == ["delivered"]
    told = site.reader.delivered[-1].body.decode()
    with life.store.read() as conn:
        [now] = records.get(conn, [story])
    assert now.version.headline == "Newer"
    assert f"<title>{now.headline}</title>" in told
    renderer.render_waiting(life.store, life.config)
    with life.store.write() as conn:
        outbox.want(conn, "story", [story], life.now)
    renderer.render_waiting(life.store, life.config)
    assert site.push() == [], "to render it again is none"


def test_who_was_not_asked_for_it_gets_nothing(site: Site) -> None:
    for answer in ((404, b""), (200, b"yes"), (200, b""), (302, b"")):
        site.reader.answer = partial(lambda given, _: given, answer)
        assert site.ask().status == 202
        assert site.push() == ["unconfirmed"]
    site.news("old", "new")
    assert site.push() == []
    assert site.reader.delivered == []
    assert {each.path for each in site.reader.came} == {"/cb"}, "no redirect is followed"
    site.life.now += timedelta(minutes=2)
    assert housekeeping(site.life.store, site.life.config)["subscriptions over"] == 1


def test_a_callback_that_does_not_answer_is_asked_three_times(site: Site) -> None:
    site.reader.answer = lambda _: (500, b"")
    site.ask()
    found = []
    for _ in range(5):
        found += site.push()
        site.life.now += timedelta(minutes=1)
    assert found == ["failed", "failed", "unconfirmed"]


def test_renewed_and_ended(site: Site) -> None:
    site.subscribe(secret="first")
    site.news("old", "one")
    site.ask(secret="second")
    assert site.push() == ["confirmed", "delivered"], "it goes on where it was"
    [came] = site.reader.delivered
    assert came.headers["x-hub-signature"] == hub.signature(came.body, "second", "sha256")
    site.reader.answer = lambda _: (404, b"")
    site.ask("unsubscribe")
    assert site.push() == ["unconfirmed"], "somebody else asked"
    site.reader.answer = echo
    site.news("old", "one", "two")
    site.ask("unsubscribe")
    assert site.push() == ["confirmed"]
    assert site.reader.asked[-1]["hub.mode"] == "unsubscribe"
    assert len(site.reader.delivered) == 1
    assert site.ask("unsubscribe").status == 202
    assert site.push() == []


def test_a_lease_ends(site: Site) -> None:
    site.subscribe(lease_seconds="60")
    site.life.now += timedelta(seconds=61)
    site.news("old", "new")
    assert site.push() == []
    assert housekeeping(site.life.store, site.life.config)["subscriptions over"] == 1


def test_410_ends_a_subscription_and_days_without_an_answer_do(site: Site) -> None:
    site.subscribe()
    site.reader.answer = lambda _: (410, b"")
    site.news("old", "one")
    assert site.push() == ["gone"]
    site.reader.answer = echo
    site.subscribe()
    site.reader.answer = lambda _: (404, b"")
    site.news("old", "one", "two")
    assert site.push() == ["failed"]
    with site.life.store.read() as conn:
        found = subscriptions.summary(conn, site.life.now, 5)
    assert (found.subscribed, found.failing, found.behind) == (1, 1, 1)
    assert found.longest_failing[0].error == "it answered 404"
    site.life.now += RETIRED + timedelta(hours=1)
    assert site.push() == ["retired"]
    with site.life.store.read() as conn:
        assert subscriptions.summary(conn, site.life.now, 5).subscribed == 0


def test_a_callback_inside_is_not_asked(config: ConfigOf, store: Store) -> None:
    with a_site(config, store, allow_private=False) as site:
        assert site.ask().status == 400
        # As if a name had been given: where it leads is seen when it is connected to.
        of = {"feed": "all", "topic": topic(), "callback": site.reader.url, "host": "r.example"}
        wish = Wish(mode="subscribe", format="rss", seconds=60, **of)
        with store.write() as conn:
            assert subscriptions.ask(conn, wish, "challenge", site.life.now)
        assert site.push() == ["failed"]
        assert site.reader.came == []


def test_who_subscribed_to_a_feed_that_goes_is_told(site: Site) -> None:
    site.subscribe()
    site.life.config = site.life.config.model_copy(update={"feeds": site.life.config.feeds[1:]})
    rerender_if_changed(site.life.store, site.life.config)
    assert site.push() == ["denied"]
    told = site.reader.asked[-1]
    assert (told["hub.mode"], told["hub.topic"]) == ("denied", topic())
    assert site.push() == []


def test_nobody_fills_the_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "UNVERIFIED_OF_HOST", 2)
    there = f"{site.reader.url}/other"
    assert [site.ask(callback=f"{there}{n}").status for n in range(3)] == [202, 202, 429]
    assert site.ask(callback=f"{there}0").status == 202, "the same again"
    site.push()
    assert len(site.reader.asked) == 2
    monkeypatch.setattr(subscriptions, "MOST_OF_FEED", 3)
    assert [site.ask(callback=f"{there}{n}").status for n in range(2, 4)] == [202, 429]


def test_two_workers_never_have_the_same_and_a_lost_lease_writes_nothing(site: Site) -> None:
    for n in range(5):
        site.subscribe(callback=f"{site.reader.url}/{n}")
    site.news("old", "new")
    with site.life.store.write() as conn:
        first = subscriptions.claim(conn, site.life.now, 3)
    with site.life.store.write() as conn:
        second = subscriptions.claim(conn, site.life.now, 3)
        assert subscriptions.claim(conn, site.life.now, 3) == []
    assert len({each.id for each in (*first, *second)}) == 5
    site.life.now += subscriptions.LEASE + SECOND
    assert site.push() == ["delivered"] * 5
    with site.life.store.write() as conn:
        due = site.life.now
        subscriptions.failed(conn, first[0], due, 1.0, due, "too late")
        subscriptions.end(conn, first[0])
        assert subscriptions.summary(conn, site.life.now, 5).failing == 0
        assert subscriptions.summary(conn, site.life.now, 5).subscribed == 5


def test_another_ones_hub_is_told_what_changed(config: ConfigOf, store: Store) -> None:
    with subscriber() as other, a_site(config, store, url=f"{other.url}/their") as site:
        assert site.ask().status == 404
        assert f'<{other.url}/their>; rel="hub"' in site.port.ask("/feeds/all.rss").headers["link"]
        ping(store, site.life.config)
        other.came.clear()
        site.news("old", "new")
        other.answer = lambda _: (500, b"")
        assert ping(store, site.life.config) == 0
        other.answer = lambda _: (204, b"")
        assert ping(store, site.life.config) == 0, "later"
        site.life.now += timedelta(minutes=1)
        other.came.clear()
        assert ping(store, site.life.config) == 2
        told = {each.body.decode() for each in other.delivered}
        assert urlencode({"hub.mode": "publish", "hub.url": topic("all.json")}) in told
        assert len(told) == 6
        with store.read() as conn:
            assert outbox.missing(conn, "ping", ["all", "other"]) == ["all", "other"]


def form(**fields: str) -> bytes:
    usual = {
        "mode": "subscribe",
        "topic": f"{SITE}/feeds/india.rss",
        "callback": "https://r.example",
    }
    given = {f"hub.{key}": value for key, value in (usual | fields).items()}
    return urlencode(given).encode()


CONFIG: Config = samples.config(site={"url": SITE}, hub={})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe=1", 400),
        (b"&".join(b"a=%d" % n for n in range(50)), 400),
        (form() + b"&hub.mode=subscribe", 400),
        (form(mode="publish"), 400),
        (form(mode="denied"), 400),
        (form(topic=f"{SITE}/feeds/india"), 404),
        (form(topic=f"{SITE}/feeds/india.rss?"), 404),
        (form(topic=f"{SITE}/feeds/INDIA.rss"), 404),
        (form(callback=""), 400),
        (form(callback="ftp://r.example/"), 400),
        (form(callback="/mine"), 400),
        (form(callback="https://u:p@r.example/"), 400),
        (form(callback="https://r.example/\r\nX: y"), 400),
        (form(callback="https://r.example/" + "a" * 4000), 400),
        (form(callback="http://127.0.0.1/"), 400),
        (form(callback="http://2130706433/"), 400),
        (form(callback="http://localhost:80/"), 400),
        (form(callback="http://[::1]/"), 400),
        (form(callback="http://169.254.169.254/latest"), 400),
        (form(secret="s" * 200), 400),
        (form(secret="ह" * 67), 400),
        (form(lease_seconds="-1"), 400),
        (form(lease_seconds="ten"), 400),
        (form(lease_seconds="१०"), 400),
    ],
)
def test_what_is_refused_at_once(body: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        asked(CONFIG, body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("wanted", "granted"),
    [
        ({}, 864000),
        ({"lease_seconds": "5"}, 60),
        ({"lease_seconds": "86400"}, 86400),
        ({"lease_seconds": "999999999999"}, 2592000),
        ({"lease_seconds": "0"}, 60),
    ],
)
def test_leases_have_a_least_and_a_most(wanted: dict[str, str], granted: int) -> None:
    assert asked(CONFIG, form(**wanted)).seconds == granted


def a_subscription(**fields: Any) -> Subscription:
    usual: dict[str, Any] = {
        **{"id": 1, "topic": topic(), "callback": "https://r.example/?a=b", "feed": "all"},
        **{"format": "rss", "secret": None, "seq": 0, "asked": None, "asked_seconds": 60},
        **{"challenge": "c", "tries": 0, "failures": 0.0, "failing_since": None, "lease": "l"},
    }
    return Subscription(**usual | fields)


def answer(status: int, body: bytes = b"", state: str = "", wait: str = "") -> Response:
    error = FetchError(state, "") if state else None
    headers = (("retry-after", wait),) if wait else ()
    return Response("1", status, "", headers, body, (), error)


@pytest.mark.parametrize(
    ("found", "outcome", "weight"),
    [
        *[(answer(status), "delivered", 0) for status in (200, 201, 202, 204, 299)],
        (answer(200, state="too-large"), "delivered", 0),
        (answer(410), "gone", 0),
        *[(answer(status), "failed", 1) for status in (301, 302, 400, 401, 404, 500)],
        *[(answer(status), "failed", 0.5) for status in (429, 502, 503, 504)],
        (answer(0, state="dns"), "failed", 0.25),
        (answer(0, state="timeout"), "failed", 0.5),
        (answer(0, state="forbidden-address"), "failed", 1),
    ],
)
def test_what_an_answer_to_a_delivery_means(found: Response, outcome: str, weight: float) -> None:
    verdict = taken(a_subscription(), found, START)
    assert (verdict.outcome, verdict.failures) == (outcome, weight)


def test_waits_grow_and_end() -> None:
    waits = []
    for failures in range(16):
        verdict = taken(a_subscription(failures=float(failures)), answer(404), START)
        assert verdict.due is not None
        waits.append(verdict.due - START)
    assert waits[0] < timedelta(seconds=7)
    assert all(a < b for a, b in pairwise(waits[:10]))
    assert max(waits) <= timedelta(hours=1.2)
    several = {taken(a_subscription(id=n), answer(404), START).due for n in range(20)}
    assert len(several) == 20, "they do not stay together"


@pytest.mark.parametrize(
    ("wait", "least", "most"),
    [
        ("600", 600, 600),
        ("Thu, 01 Jan 2026 06:10:00 GMT", 600, 600),
        ("1", 5, 6),
        ("soon", 5, 6),
        ("999999999", 86400, 86400),
    ],
)
def test_who_asks_to_be_left_alone_is(wait: str, least: float, most: float) -> None:
    verdict = taken(a_subscription(), answer(503, wait=wait), START)
    assert verdict.due is not None
    assert least <= (verdict.due - START).total_seconds() <= most
    verdict = confirmed(a_subscription(asked="subscribe"), answer(503, wait=wait), START)
    assert verdict.due is not None
    unverified = subscriptions.FORGOTTEN.total_seconds()
    assert min(least, unverified) <= (verdict.due - START).total_seconds() <= min(most, unverified)


def test_a_wait_that_was_asked_for_is_no_wrong_clock(site: Site) -> None:
    site.subscribe()
    for _ in range(2):  # the first failure says since when it fails
        site.news("old", f"new {site.life.now}")
        site.reader.answer = lambda _: (503, b"")
        site.push()
        site.life.now += timedelta(hours=2)
    with site.life.store.write() as conn:
        [claimed] = subscriptions.claim(conn, site.life.now, 5)
        verdict = taken(claimed, answer(503, wait="86400"), site.life.now)
        assert verdict.due is not None
        since = claimed.failing_since or site.life.now
        subscriptions.failed(conn, claimed, verdict.due, verdict.failures, since, verdict.error)
        subscriptions.release(conn, claimed.lease)
        assert not subscriptions.ahead(conn, site.life.now)


def test_who_wakes_late_sends_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have sent since what is newer: an old document would come last."""
    site.subscribe()
    site.news("old", "new")
    with monkeypatch.context() as patched:
        patched.setattr(pushing, "SENT_WITHIN", 0.0)
        assert site.push() == ["failed"]
    assert site.reader.delivered == []
    site.life.now += timedelta(minutes=1)
    assert site.push() == ["delivered"]


def test_only_the_challenge_itself_confirms() -> None:
    of = a_subscription(asked="subscribe")
    assert confirmed(of, answer(200, b"c"), START).outcome == "confirmed"
    for body in (b"", b"c\n", b"cc", b"C"):
        assert confirmed(of, answer(200, body), START).outcome == "unconfirmed"
    for found in (answer(200, b"c", "truncated"), answer(302, b"c"), answer(404, b"c")):
        assert confirmed(of, found, START).outcome == "unconfirmed"


def test_each_method_of_signing() -> None:
    for method in ("sha256", "sha384", "sha512"):
        made = hmac.new(b"s", b"body", method).hexdigest()
        assert hub.signature(b"body", "s", method) == f"{method}={made}"
