"""Polling over real HTTP into a real store: what is kept, what is remembered, what is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import polling
from ingest.capture import Polled
from ingest.fetch import Client
from stories import clock
from stories.newsroom import Newsroom
from stories.store import Store, captures, outbox, wires
from stories.store.wires import WireState
from tests import hostile
from tests.conftest import NewsroomOf

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
FEED = hostile.FEED


class Poller:
    """A newsroom of one wire, polled by hand at moments of the test's choosing."""

    def __init__(self, newsroom_of: NewsroomOf, store: Store, server: hostile.Server) -> None:
        self.newsroom_of = newsroom_of
        self.store = store
        self.server = server
        self.now = NOW
        self.configure()

    def configure(self, path: str = "/feed.xml", **keys: object) -> None:
        wire = {"name": "w", "agency": "A", "every": "2m", "allow_private": True, "timeout": "2s"}
        self.newsroom: Newsroom = self.newsroom_of(
            wires=[{**wire, "url": f"{self.server.url}{path}", **keys}]
        )
        with self.store.write() as conn:
            wires.sync(conn, self.newsroom.wires, self.now)

    def claim(self) -> list[WireState]:
        with self.store.write() as conn:
            return wires.take(conn, ["w"], self.now + timedelta(minutes=1))

    def poll(self, claimed: list[WireState] | None = None) -> Polled:
        claimed = self.claim() if claimed is None else claimed
        with clock.reading(lambda: self.now), Client() as http:
            (polled,) = polling.poll(self.store, self.newsroom, http, claimed)
            return polled

    @property
    def state(self) -> WireState:
        with self.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found

    def captured(self) -> int:
        with self.store.read() as conn:
            return captures.volume(conn).captures


@pytest.fixture
def poller(newsroom: NewsroomOf, store: Store) -> Iterator[Poller]:
    with hostile.serve() as server:
        server.answer("/feed.xml", FEED, {"ETag": '"1"', "Last-Modified": "then"})
        yield Poller(newsroom, store, server)


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


def test_a_304_without_validators_forgets_none(poller: Poller) -> None:
    poller.poll()
    poller.server.route("/feed.xml", lambda exchange: exchange.reply(304))
    assert poller.poll().state == "not-modified"
    assert (poller.state.etag, poller.state.last_modified) == ('"1"', "then")


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
    assert poller.state.failures == 0
    assert poller.state.failing_since is None


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
        patched.setattr("stories.store.outbox.want", crash)
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
    assert "s3cret" not in repr(poller.newsroom)
    assert tmp_path.exists()
