"""What is sent to us, over real HTTP: kept before it is answered, of proven senders only."""

import hashlib
import hmac
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ingest import intake
from publish.web import inbox
from publish.web.allowance import Allowance
from publish.web.app import create
from publish.web.inbox import A_SECOND, BURST, credentials, is_secret, is_signed
from stories import clock
from stories.config import Config
from stories.db import Store, captures, outbox, wires
from stories.db import stories as records
from stories.models import Capture, WireState
from tests import hostile
from tests.conftest import ConfigOf
from tests.serving import Answer, Port, served

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SECRET = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {SECRET}"}
FEED = hostile.FEED


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Sender:
    """Somebody who sends to the site, and the store in which it should be."""

    port: Port
    config: Config
    store: Store

    def send(
        self, body: bytes, headers: Mapping[str, str] = BEARER, path: str = "/wires/w"
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port.number, timeout=60)
        try:
            connection.request("POST", path, body, dict(headers))
            found = connection.getresponse()
            told = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, told, found.read())
        finally:
            connection.close()

    def captured(self) -> list[Capture]:
        with self.store.read() as conn:
            return captures.listing(conn)[::-1]

    @property
    def state(self) -> WireState:
        with self.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found


@pytest.fixture
def sender(config: ConfigOf, store: Store) -> Iterator[Sender]:
    wire = {"name": "w", "agency": "A", "url": "push:", "secret": SECRET, "max_bytes": 5000}
    conf = config(wires=[{**wire, "timeout": "2s"}, {"name": "x", "url": "https://x.example/f"}])
    with store.write() as conn:
        wires.sync(conn, conf.wires, NOW)
    app = create(conf, store, ready=dict, metrics=None)
    with clock.reading(lambda: NOW), served(app) as port:
        yield Sender(port, conf, store)


def test_what_is_sent_is_kept_before_it_is_answered_and_becomes_a_story(sender: Sender) -> None:
    answer = sender.send(FEED, {**BEARER, "Content-Type": "application/rss+xml", "X-Other": "1"})
    (capture,) = sender.captured()
    assert (answer.status, json.loads(answer.text)) == (201, {"capture": capture.id})
    assert (capture.state, capture.wire, capture.received_at) == ("pending", "w", NOW)
    assert [list(field) for field in capture.headers] == [["content-type", "application/rss+xml"]]
    assert (sender.state.state, sender.state.captured_at) == ("ok", NOW)
    with sender.store.read() as conn:
        assert captures.body(conn, capture.digest) == FEED
        assert [w.kind for w in outbox.waiting(conn, NOW)] == ["ingest"]
    intake.take_in_waiting(sender.store, sender.config)
    with sender.store.read() as conn:
        assert records.newest(conn)


def test_an_hmac_of_the_body_is_as_good(sender: Sender) -> None:
    for number, name in enumerate(("X-Hub-Signature-256", "X-Hub-Signature")):
        body = FEED + b" " * number
        assert sender.send(body, {name: signature(body)}).status == 201


def test_the_same_body_again_is_answered_and_not_kept_again(sender: Sender) -> None:
    first = sender.send(FEED)
    other = sender.send(FEED + b" ")
    again = sender.send(FEED)
    assert [first.status, other.status, again.status] == [201, 201, 200]
    assert json.loads(again.text) == json.loads(first.text)
    assert len(sender.captured()) == 2
    with clock.reading(lambda: NOW + timedelta(days=2)):  # by then it may be news again
        assert sender.send(FEED).status == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {SECRET}"},
        {"X-Hub-Signature-256": "sha256=00"},
        {"X-Hub-Signature-256": signature(b"other")},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), FEED, "sha1").hexdigest()},
        {"X-Hub-Signature-256": signature(FEED, "another")},
        {"X-Hub-Signature-256": "sha256=é"},
    ],
)
def test_who_has_not_the_secret_is_refused_as_for_a_wire_that_is_not_there(
    sender: Sender, headers: dict[str, str]
) -> None:
    raw = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    told = [sender.send(FEED, raw, path) for path in ("/wires/w", "/wires/none", "/wires/x")]
    assert {each.status for each in told} == {401}
    assert len({each.body for each in told}) == 1
    assert sender.captured() == []


def test_a_secret_opens_its_own_wire_only(sender: Sender) -> None:
    assert sender.send(FEED, BEARER, "/wires/x").status == 401
    assert sender.captured() == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", BEARER, 400),
        (b"x" * 5001, BEARER, 413),
        (b"x" * 5001, {"X-Hub-Signature": signature(b"x" * 5001)}, 413),
        (FEED, {**BEARER, "Content-Encoding": "gzip"}, 415),
    ],
)
def test_what_is_not_taken_is_named_and_not_kept(
    sender: Sender, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert sender.send(body, headers).status == status
    assert sender.captured() == []


def test_a_body_that_never_ends_is_given_up(sender: Sender) -> None:
    head = f"POST /wires/w HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    with socket.create_connection(("127.0.0.1", sender.port.number), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: 100\r\n\r\nabc".encode())
        assert b" 408 " in connection.recv(1000)
    assert sender.captured() == []


def test_a_body_that_breaks_off_is_not_kept(sender: Sender) -> None:
    head = f"POST /wires/w HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    with socket.create_connection(("127.0.0.1", sender.port.number), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: {len(FEED)}\r\n\r\n".encode() + FEED[:-1])
    assert sender.send(b"x").status == 201  # it goes on
    assert len(sender.captured()) == 1


def test_a_wire_is_only_written_to(sender: Sender) -> None:
    assert sender.port.ask("/wires/w").status == 405


def test_where_no_wire_is_sent_there_is_no_such_address(config: ConfigOf, store: Store) -> None:
    conf = config(wires=[{"name": "x", "url": "https://x.example/f"}])
    with served(create(conf, store, ready=dict, metrics=None)) as port:
        assert port.ask("/wires/x", method="POST").status == 404


def test_a_database_that_cannot_be_written_is_no_2xx(sender: Sender) -> None:
    with sender.store.write() as conn:
        conn.execute(text("ALTER TABLE captures RENAME TO away"))
    answer = sender.send(FEED)
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")


def test_a_wire_that_was_renamed_meanwhile_is_sent_again_later(sender: Sender) -> None:
    with sender.store.write() as conn:
        wires.sync(conn, (), NOW)
    assert sender.send(FEED).status == 503
    assert sender.captured() == []


def test_too_many_at_once_are_told_to_wait(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Allowance, "wait", lambda _: 2.5)
    answer = sender.send(FEED)
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert sender.captured() == []


def test_unproven_bodies_are_read_a_few_at_once(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "UNPROVEN", 0)
    assert sender.send(FEED, {"X-Hub-Signature": signature(FEED)}).status == 503
    assert sender.send(FEED).status == 201  # who has the secret does not wait for those


def test_an_allowance_is_a_burst_and_then_so_many_a_second() -> None:
    now = 0.0
    allowance = Allowance(lambda: now, BURST, A_SECOND)
    assert [allowance.wait() for _ in range(BURST)] == [0.0] * BURST
    assert 0 < allowance.wait() <= 1 / A_SECOND
    now = 1.0
    assert [allowance.wait() == 0.0 for _ in range(int(A_SECOND) + 1)] == [
        *[True] * int(A_SECOND),
        False,
    ]


def test_credentials_and_how_they_are_judged() -> None:
    assert credentials({"authorization": " bearer  a b "}) == ("a b", None)
    assert credentials({"x-hub-signature": "s", "x-hub-signature-256": "t"}) == (None, "t")
    assert is_secret("a", "a")
    assert not is_secret("", "a")
    assert is_signed(b"x", signature(b"x").upper().replace("SHA256", "sha256"), SECRET)
    assert not is_signed(b"x", signature(b"x").removeprefix("sha256="), SECRET)
