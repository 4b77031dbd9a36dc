"""Polling over real HTTP into a real store: what is kept, what is remembered, what is told."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import intake
from ingest import poll as polling
from ingest.schedule import Polled
from net.client import Client
from stories import clock
from stories.config import Config, Politeness
from stories.db import Store, captures, outbox, wires
from stories.models import WireState
from tests import hostile
from tests.conftest import ConfigOf
from workers.metrics import outcome

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
FEED = hostile.FEED


class Poller:
    """One wire, polled by hand at times that the test sets."""

    def __init__(self, config_of: ConfigOf, store: Store, server: hostile.Server) -> None:
        self.config_of = config_of
        self.store = store
        self.server = server
        self.now = NOW
        self.configure()

    def configure(self, path: str = "/feed.xml", **keys: object) -> None:
        wire = {"name": "w", "agency": "A", "every": "2m", "allow_private": True, "timeout": "2s"}
        self.config: Config = self.config_of(
            wires=[{**wire, "url": f"{self.server.url}{path}", **keys}]
        )
        with self.store.write() as conn:
            wires.sync(conn, self.config.wires, self.now)

    def claim(self) -> list[WireState]:
        with self.store.write() as conn:
            return wires.take(conn, ["w"], self.now + timedelta(minutes=1))

    def poll(self, claimed: list[WireState] | None = None) -> Polled:
        claimed = self.claim() if claimed is None else claimed
        with clock.reading(lambda: self.now), Client() as http:
            (polled,) = polling.poll(self.store, self.config, http, claimed)
            return polled

    @property
    def state(self) -> WireState:
        with self.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found

    def captured(self) -> int:
        with self.store.read() as conn:
            return len(captures.listing(conn))


@pytest.fixture
def poller(config: ConfigOf, store: Store) -> Iterator[Poller]:
    with hostile.serve() as server:
        server.answer("/feed.xml", FEED, {"ETag": '"1"', "Last-Modified": "then"})
        yield Poller(config, store, server)


def test_new_bytes_are_kept_with_the_validators(poller: Poller) -> None:
    polled = poller.poll()
    assert polled.state == "ok"
    assert polled.capture_id is not None
    with poller.store.read() as conn:
        capture = captures.get(conn, polled.capture_id)
        assert capture is not None
        assert captures.body(conn, capture.digest) == FEED
        assert (capture.state, capture.received_at) == ("pending", NOW)
        assert [w.kind for w in outbox.waiting(conn, NOW)] == ["ingest"]
    assert (poller.state.etag, poller.state.last_modified) == ('"1"', "then")
    assert poller.state.lease is None
    assert poller.state.due_at >= NOW + timedelta(minutes=2)


def test_both_validators_go_out_exactly_as_they_came(poller: Poller) -> None:
    poller.poll()
    assert poller.poll().state == "not-modified"
    asked = poller.server.seen("/feed.xml")[-1]
    assert asked.header("if-none-match") == '"1"'
    assert asked.header("if-modified-since") == "then"
    assert poller.captured() == 1


def test_a_new_validator_on_the_same_bytes_is_remembered(poller: Poller) -> None:
    poller.poll()
    poller.server.answer("/feed.xml", FEED, {"ETag": '"2"'})
    assert poller.poll().state == "unchanged"
    assert (poller.state.etag, poller.state.last_modified) == ('"2"', None)
    assert poller.captured() == 1


def test_a_body_that_is_sent_again_is_known_before_it_is_unpacked(poller: Poller) -> None:
    long = FEED + b"<!--" + b"-" * 2000 + b"-->"

    def told(level: int, etag: str, feed: bytes = long) -> str:
        headers = {"Content-Encoding": "gzip", "ETag": etag}
        poller.server.answer("/feed.xml", gzip.compress(feed, level, mtime=0), headers)
        return poller.poll().state

    poller.configure(trust_validators=False)
    assert told(9, '"1"') == "ok"
    names = [poller.state.sent_digest]
    assert told(9, '"2"') == "unchanged"
    assert (poller.state.etag, [poller.state.sent_digest]) == ('"2"', names)
    assert told(1, '"3"') == "unchanged"  # other bytes on the way, the same within
    names.append(poller.state.sent_digest)
    assert told(1, '"4"', long.replace(b"Rain", b"Snow")) == "ok"
    names.append(poller.state.sent_digest)
    assert len({None, *names}) == 4
    poller.configure(trust_validators=False, max_bytes=len(long) - 1)
    assert poller.poll().state == "too-large"  # what was taken is not what may be taken now
    poller.configure(trust_validators=False)
    assert poller.poll().state == "unchanged"
    assert poller.captured() == 2


def test_a_body_that_was_not_coded_is_not_known_before(poller: Poller) -> None:
    poller.poll()
    assert poller.state.sent_digest is None
    assert poller.state.body_digest is not None


def test_a_304_without_validators_forgets_none(poller: Poller) -> None:
    poller.poll()
    poller.server.route("/feed.xml", lambda exchange: exchange.reply(304))
    assert poller.poll().state == "not-modified"
    assert (poller.state.etag, poller.state.last_modified) == ('"1"', "then")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_304_to_what_asked_nothing_is_a_failure(poller: Poller, trusted: bool) -> None:
    """It brings no bytes, nor word that those we have still stand: nothing is well with it."""
    poller.configure(trust_validators=trusted)
    headers = {} if trusted else {"ETag": '"1"'}
    poller.server.answer("/feed.xml", FEED, headers)
    assert poller.poll().state == "ok"
    poller.server.route("/feed.xml", lambda exchange: exchange.reply(304))
    polled = poller.poll()
    assert polled.state == "http-304"
    assert "nothing that it could be compared with" in polled.message
    assert poller.state.failing_since == NOW
    assert poller.state.failures > 0
    assert outcome("http-304") == "http-3xx"


def test_a_server_that_lies_about_its_validators_can_be_distrusted(poller: Poller) -> None:
    poller.configure(trust_validators=False)
    poller.poll()
    poller.server.answer("/feed.xml", FEED.replace(b"Rain", b"Snow"), {"ETag": '"1"'})
    assert poller.poll().state == "ok"
    assert poller.server.seen("/feed.xml")[-1].header("if-none-match") is None


def test_bytes_that_come_back_are_a_capture_again(poller: Poller) -> None:
    for body in (FEED, FEED.replace(b"Rain", b"Snow"), FEED):
        poller.server.answer("/feed.xml", body)
        assert poller.poll().state == "ok"
    assert poller.captured() == 3


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/missing", "http-404"),
        ("/stall", "timeout"),
        ("/short", "truncated"),
        ("/loop", "redirects"),
    ],
)
def test_a_failure_is_a_state_and_loses_nothing(poller: Poller, path: str, state: str) -> None:
    poller.poll()
    poller.server.route("/feed.xml", poller.server.handler(path))
    polled = poller.poll()
    assert polled.state == state
    assert polled.message
    assert poller.captured() == 1
    assert poller.state.etag == '"1"'
    assert poller.state.failing_since == NOW
    assert poller.state.failures > 0
    poller.server.answer("/feed.xml", FEED, {"ETag": '"1"'})
    poller.now += timedelta(minutes=10)
    assert poller.poll().state == "not-modified"
    after = poller.state
    assert after.failing_since is None
    assert after.failures == 0


def test_a_private_address_is_refused_unless_the_wire_says_so(poller: Poller) -> None:
    poller.configure(allow_private=False)
    polled = poller.poll()
    assert polled.state == "forbidden-address"
    assert "allow_private" in polled.message
    assert poller.server.seen("/feed.xml") == []


def test_a_late_answer_does_not_turn_the_wire_back(poller: Poller) -> None:
    """Two polls of one wire at once: the one whose lease was taken away writes nothing."""
    slow = poller.claim()
    poller.server.answer("/feed.xml", FEED.replace(b"Rain", b"Snow"), {"ETag": '"2"'})
    assert poller.poll().state == "ok"
    poller.server.answer("/feed.xml", FEED, {"ETag": '"1"'})
    late = poller.poll(slow)
    assert late.superseded
    assert poller.captured() == 1
    assert poller.state.etag == '"2"'


def test_a_crash_before_the_commit_changes_nothing(
    poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = poller.claim()

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("stories.db.outbox.want", crash)
        with pytest.raises(SystemExit):
            poller.poll(claimed)
    assert poller.captured() == 0
    assert (poller.state.etag, poller.state.body_digest) == (None, None)
    assert poller.poll(claimed).state == "ok"


def test_secrets_stay_out_of_what_is_kept(poller: Poller, tmp_path: Path) -> None:
    poller.configure(headers={"Authorization": "Bearer s3cret"})
    polled = poller.poll()
    assert poller.server.seen("/feed.xml")[-1].header("authorization") == "Bearer s3cret"
    with poller.store.read() as conn:
        assert polled.capture_id is not None
        assert "s3cret" not in repr(captures.get(conn, polled.capture_id))
    assert "s3cret" not in repr(poller.config)
    assert tmp_path.exists()


def test_a_session_that_the_agency_gave_is_not_kept(poller: Poller) -> None:
    poller.server.answer("/feed.xml", FEED, {"Set-Cookie": "session=s3cret", "X-Kept": "1"})
    number = poller.poll().capture_id
    assert number is not None
    with poller.store.read() as conn:
        capture = captures.get(conn, number)
    assert capture is not None
    assert "x-kept" in {name for name, _ in capture.headers}
    assert "s3cret" not in repr(capture)


def moving(poller: Poller, status: int = 301) -> None:
    """Polls over three days and a bit, all of which redirect from ``/feed.xml`` to ``/new.xml``."""
    headers = {"Location": "/new.xml"}
    poller.server.route("/feed.xml", lambda exchange: exchange.reply(status, headers, b"moved\n"))
    poller.server.answer("/new.xml", FEED, {"ETag": '"new"'})
    for hour in range(0, 76, 4):
        poller.now = NOW + timedelta(hours=hour)
        assert poller.poll().notice == ""
    poller.now = NOW + timedelta(hours=76)


def test_a_move_is_followed_each_time_and_believed_late(poller: Poller) -> None:
    moving(poller)
    before = poller.state
    assert before.url == poller.server.url + "/feed.xml"
    assert (before.moved_to, before.moved_count) == (poller.server.url + "/new.xml", 19)
    polled = poller.poll()
    assert "/new.xml" in polled.notice
    state = poller.state
    assert (state.url, state.configured_url) == (before.moved_to, before.url)
    assert (state.etag, state.last_modified, state.moved_to) == (None, None, None)
    asked = len(poller.server.seen("/feed.xml"))
    poller.configure()  # a restart
    poller.now += timedelta(minutes=5)
    assert poller.poll().state == "unchanged"
    assert poller.poll().state == "not-modified"
    assert len(poller.server.seen("/feed.xml")) == asked
    poller.configure("/third.xml")
    assert poller.state.url == poller.server.url + "/third.xml"


def test_a_temporary_move_is_never_believed(poller: Poller) -> None:
    moving(poller, 302)
    assert poller.poll().notice == ""
    assert poller.state.moved_count == 0


def test_a_believed_address_that_fails_is_left_again(poller: Poller) -> None:
    moving(poller)
    poller.poll()
    poller.server.answer("/new.xml", b"gone wrong", status=500)
    poller.server.answer("/feed.xml", FEED)
    told = [poller.poll().notice for _ in range(5)]
    assert told[:4] == [""] * 4
    assert "/feed.xml" in told[4]
    assert poller.state.url == poller.server.url + "/feed.xml"
    assert poller.state.due_at == poller.now + timedelta(minutes=2)
    assert poller.poll().state == "unchanged"


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_headers_that_were_withheld_are_told(poller: Poller, status: int, moved: bool) -> None:
    """They do not follow a wire to another host, also where it moved to for good."""
    poller.configure(headers={"Authorization": "Bearer s3cret"})
    there = f"http://localhost:{poller.server.port}/feed2.xml"

    def guarded(exchange: hostile.Exchange) -> None:
        known = exchange.seen.header("authorization") == "Bearer s3cret"
        exchange.reply(200 if known else status, {}, FEED)

    poller.server.route("/feed2.xml", guarded)
    poller.server.answer("/feed.xml", headers={"Location": there}, status=301)
    if moved:
        (state,) = poller.claim()
        polled = poller.poll([replace(state, url=there)])
    else:
        polled = poller.poll()
        assert f"redirected from {poller.server.url}/feed.xml to {there}" in polled.message
    assert polled.state == f"http-{status}"
    assert "the wire's headers (Authorization) were not sent there" in polled.message
    assert f"set the wire's url to {there}" in polled.message
    assert "s3cret" not in polled.message
    poller.config = poller.config_of(
        wires=[{**poller.config.wires[0].model_dump(), "url": there}],
    )
    with poller.store.write() as conn:
        wires.sync(conn, poller.config.wires, poller.now)
    assert poller.poll().state == "ok"


def test_a_page_behind_withheld_headers_is_told(poller: Poller) -> None:
    """Many hosts answer 200 with a page to log in."""
    poller.configure(headers={"Authorization": "Bearer s3cret"})
    there = f"http://localhost:{poller.server.port}/login"
    poller.server.answer("/login", b"<!DOCTYPE html><title>Log in</title>")
    poller.server.answer("/feed.xml", headers={"Location": there}, status=302)
    poller.poll()
    with clock.reading(lambda: poller.now):
        intake.take_in_waiting(poller.store, poller.config)
    assert (poller.state.fault or "").endswith(
        "; the wire's headers were not sent there, as it is another host than that of its url"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (202, "not there yet"),
        (204, "no content, it says"),
        (206, "a part of the feed, it says, though all of it was asked for"),
        (401, "set the wire's headers"),
        (418, "not a feed"),
        (500, "the agency's server failed"),
    ],
)
def test_a_status_is_named_for_what_it_is(poller: Poller, status: int, told: str) -> None:
    poller.server.answer("/feed.xml", b"" if status == 204 else FEED, status=status)
    polled = poller.poll()
    assert polled.state == f"http-{status}"
    assert polled.message.startswith(f"HTTP {status}: ")
    assert told in polled.message
    assert poller.captured() == 0


def test_gone_for_good_pauses_until_somebody_asks(poller: Poller) -> None:
    poller.poll()
    poller.server.answer("/feed.xml", b"gone", status=410)
    polled = poller.poll()
    assert polled.state == "http-410"
    assert "wirecopy poll w" in polled.message
    state = poller.state
    assert state.paused_at == NOW
    assert "paused" in state.due_because
    with poller.store.read() as conn:
        far = NOW + timedelta(days=400)
        assert wires.candidates(conn, far, 0, 9, Politeness()) == []
        assert wires.next_due(conn) is None
    poller.configure()  # a restart resumes nothing
    assert poller.state.paused_at == NOW
    assert poller.poll().state == "http-410"
    assert poller.state.paused_at == NOW
    poller.server.answer("/feed.xml", FEED)
    assert poller.poll().state == "unchanged"
    assert poller.state.paused_at is None


def test_another_address_resumes_a_paused_wire(poller: Poller) -> None:
    poller.server.answer("/feed.xml", b"gone", status=410)
    poller.poll()
    poller.configure("/good")
    state = poller.state
    assert (state.paused_at, state.lane, state.due_at) == (None, 1, NOW)


def items(*guids: int) -> bytes:
    told = "".join(f"<item><guid>g{g}</guid><title>Item {g}</title></item>" for g in guids)
    return f'<rss version="2.0"><channel><title>A</title>{told}</channel></rss>'.encode()


def test_news_is_remembered_and_speeds_a_silent_wire_up_at_once(poller: Poller) -> None:
    def take_in() -> None:
        with clock.reading(lambda: poller.now):
            assert intake.take_in_waiting(poller.store, poller.config) == 1

    for turn in range(6):
        poller.now = NOW + timedelta(minutes=10 * turn)
        poller.server.answer("/feed.xml", items(*range(turn + 1)))
        assert poller.poll().state == "ok"
        take_in()
    assert len(poller.state.news) == 6
    last = poller.now
    poller.now = last + timedelta(hours=5)
    assert poller.poll().state == "unchanged"
    assert poller.state.due_at >= poller.now + timedelta(minutes=12)
    assert "no news for 5h" in poller.state.due_because

    poller.server.answer("/feed.xml", items(*range(6)) + b"<!-- touched -->")
    assert poller.poll().state == "ok"
    take_in()
    assert poller.state.news[-1] == last  # other bytes, no news
    assert poller.state.due_at >= poller.now + timedelta(minutes=12)

    poller.now += timedelta(minutes=12)
    poller.server.answer("/feed.xml", items(*range(7)))
    assert poller.poll().state == "ok"
    take_in()
    assert poller.state.news[-1] == poller.now
    assert poller.state.due_at < poller.now + timedelta(minutes=3)
    assert poller.state.due_because.startswith("every 2m")


def test_a_feeds_first_wish_is_heard_at_once(poller: Poller) -> None:
    poller.server.answer("/feed.xml", items(1).replace(b"<title>A", b"<ttl>30</ttl><title>A", 1))
    poller.poll()
    assert poller.state.due_because.startswith("every 2m")
    with clock.reading(lambda: poller.now):
        intake.take_in_waiting(poller.store, poller.config)
    assert poller.state.due_because.startswith("ttl 30m")
    assert poller.state.due_at >= NOW + timedelta(minutes=30)


HALF = items(1, 2)[:-40]
JSON = (
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "A", "items": ['
    b'{"id": "1", "title": "One", "content_text": "One."}, '
    b'{"id": "2", "title": "Two", "content_text": "Two."}]}'
)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (HALF, items(1, 2)),
        (items(1, 2)[:60], items(1, 2)),
        (items(1, 2).removesuffix(b"</rss>"), items(1, 2)),
        (b"", items(1, 2)),
        (b"<!DOCTYPE html><title>Log in</title>", items(1, 2)),
        (JSON[:-30], JSON),
        (JSON[:-2], JSON),
    ],
    ids=["an item", "the channel", "the root", "nothing", "a page", "JSON's item", "JSON's list"],
)
def test_what_was_not_read_whole_is_asked_for_again_without_its_validators(
    poller: Poller, first: bytes, then: bytes
) -> None:
    """A server that writes a file while it is read gives its parts the ETag of the whole."""

    def serve(body: bytes) -> None:
        poller.server.answer("/feed.xml", body, {"ETag": '"7"', "Last-Modified": "then"})

    def poll() -> str:
        state = poller.poll().state
        with clock.reading(lambda: poller.now):
            intake.take_in_waiting(poller.store, poller.config)
        return state

    serve(first)
    assert poll() == "ok"
    assert "capture 1: " in (poller.state.fault or "")
    assert poll() == "unchanged"  # the same half under the same ETag proves nothing
    assert poller.captured() == 1
    serve(then)
    assert poll() == "ok"
    assert poller.state.fault is None
    assert poller.server.seen("/feed.xml")[-1].header("if-none-match") is None
    assert poller.server.seen("/feed.xml")[-1].header("if-modified-since") is None
    with poller.store.read() as conn:
        assert [c.items for c in captures.listing(conn, limit=1)] == [2]
    assert poll() == "not-modified"
    assert poller.server.seen("/feed.xml")[-1].header("if-none-match") == '"7"'


def test_half_a_feed_that_waits_to_be_taken_in_costs_nothing(poller: Poller) -> None:
    """Poll and intake are different processes: a 304 may come between them."""
    poller.server.answer("/feed.xml", HALF, {"ETag": '"7"'})
    assert poller.poll().state == "ok"
    assert poller.poll().state == "not-modified"
    with clock.reading(lambda: poller.now):
        intake.take_in_waiting(poller.store, poller.config)
    poller.server.answer("/feed.xml", items(1, 2), {"ETag": '"7"'})
    assert poller.poll().state == "ok"


def test_more_items_than_are_read_are_no_half_feed(poller: Poller) -> None:
    poller.server.answer("/feed.xml", items(*range(2_001)), {"ETag": '"7"'})
    poller.poll()
    with clock.reading(lambda: poller.now):
        intake.take_in_waiting(poller.store, poller.config)
    assert "too-many-items" in (poller.state.fault or "")
    assert poller.poll().state == "not-modified"
