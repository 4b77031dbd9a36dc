"""Polling: claimed wires in, captures out. ``fetch | judge | redirects | schedule | keep``.

Of a wire whose items are verified by its agency's keys, these are asked for first, now and then
(:mod:`ingest.pinning`); one that must sign is not polled before some are pinned.

Every 200 whose bytes differ from the wire's last is stored raw with its headers and time, before
anything is parsed, in one transaction with the validators it came with, the next due time and the
wish to have it taken in. A crash before the commit leaves the wire as it was; the poll is simply
done again.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ingest import pinning
from ingest.collect import collect
from ingest.schedule import (
    GOOD,
    Address,
    Due,
    Polled,
    address_after_answer,
    address_after_failure,
    combined,
    next_poll,
)
from net.client import WITHHELD, Client, Request, Response
from net.errors import FetchError
from net.ssrf import shown
from stories import clock
from stories.config import Config, Wire, is_address
from stories.db import Connection, Store, captures, custody, outbox, wires
from stories.db.custody import Pin
from stories.models import WireState, body_digest, host_of
from wirecopy.jose import LARGEST_SET

LEASE_SLACK = timedelta(seconds=20)
"""Added to the longest timeout of a batch: a poll that is alive must not lose its lease."""

COMPANY = 0.05
"""Seconds that a response may wait for others of its batch, with which it is written. The last
under way waits for nobody."""

PLACES = 50
"""Places that are read at once: as many as a batch can hold, or the last would lose its lease."""

GONE = "http-410"
"""The state that pauses a wire: the server says that the feed is gone for good."""


def poll(
    store: Store, config: Config, client: Client, claimed: Iterable[WireState | None]
) -> Iterator[Polled]:
    """Fetch the *claimed* wires and keep what comes, as soon as it is there: what comes at about
    the same time in one transaction.

    *claimed* is read as places become free; None in it means that more will come, but none now. A
    failure concerns its wire only: it becomes that wire's state.
    """
    under_way: dict[str, tuple[Wire, WireState]] = {}
    places: list[Future[Polled]] = []
    keys = _Keys(store)

    def requests() -> Iterator[Request | None]:
        coming, more = iter(claimed), True
        while more or keys.asked or keys.ready:
            if keys.ready:
                yield _feed_of(*under_way[keys.ready.popleft()])
                continue
            state = next(coming, _LAST) if more else None
            more = more and state is not _LAST
            wire = config.wire(state.name) if isinstance(state, WireState) else None
            if isinstance(state, WireState) and wire is not None and wire.way != "pull":
                asked = _for_keys(wire) if wire.keys is not None else None
                places.append(threads.submit(collect, store, wire, config.agent, state, asked))
            elif isinstance(state, WireState) and wire is not None:
                under_way[state.name] = wire, state
                yield keys.request(wire) if keys.must_come(wire) else _feed_of(wire, state)
            elif state is None:
                yield None

    def finished(responses: Sequence[Response]) -> list[Polled]:
        known = [under_way.pop(response.wire) for response in responses]
        with store.write() as conn:
            now = clock.now()
            results = [
                _Result(before, response, *outcome(wire, before, response, now), keys.pinned(wire))
                for (wire, before), response in zip(known, responses, strict=True)
            ]
            return _keep(conn, results, now)

    groups = client.fetch_together(requests(), user_agent=config.agent, company=COMPANY)
    # None is started where every wire is pulled. A place may be slow, and delays no other wire.
    with ThreadPoolExecutor(PLACES, "place") as threads, closing(groups):
        for answers in groups:
            responses = [each for each in answers if each.wire not in keys.asked]
            for each in answers:
                if each.wire in keys.asked:
                    responses += keys.learn(under_way[keys.asked[each.wire]][0], each)
            if responses:
                yield from finished(responses)
            for ended in [place for place in places if place.done()]:
                places.remove(ended)
                yield ended.result()
        for ended in as_completed(places):
            yield ended.result()


_LAST = object()


class _Keys:
    """The keys of agencies that are asked for beside the feeds of one batch."""

    def __init__(self, store: Store) -> None:
        self.asked: dict[str, str] = {}
        """The wires whose keys are under way, by the names of those requests."""
        self.ready: deque[str] = deque()
        """The wires whose feeds may be asked for now."""
        self._store = store
        self._pins: dict[str, Pin | None] = {}

    def must_come(self, wire: Wire) -> bool:
        """Whether the keys of *wire* are to be asked for before its feed."""
        if wire.keys is None:
            return False
        now = clock.now()
        with self._store.read() as conn:
            pin = self._pins[wire.name] = custody.pinned(conn, wire.name)
        if not is_address(wire.keys):
            with self._store.write() as conn:
                pin = self._pins[wire.name] = pinning.from_file(conn, wire, pin, now)
            return self.pinned(wire) is None and wire.must_sign
        return pinning.is_due(wire, pin, now)

    def request(self, wire: Wire) -> Request:
        """:func:`_for_keys`, whose answer is to be learnt from."""
        request = _for_keys(wire)
        self.asked[request.wire] = wire.name
        return request

    def learn(self, wire: Wire, response: Response) -> list[Response]:
        """Learn from the *response* with the keys of *wire*, whose feed may be asked for then. One
        that must sign, and of which no keys are known, is answered by this failure."""
        del self.asked[response.wire]
        answer = pinning.answered(response)
        if is_address(wire.keys):
            with self._store.write() as conn:
                before = self._pins[wire.name]
                self._pins[wire.name] = pinning.learn(conn, wire, before, answer, clock.now())
        pin = self._pins[wire.name]
        if pin is None or self.pinned(wire) is not None or not wire.must_sign:
            self.ready.append(wire.name)
            return []
        why = FetchError("keys", f"it must sign, and its keys cannot be had: {pin.fault}")
        return [replace(response, wire=wire.name, error=why)]

    def pinned(self, wire: Wire) -> str | None:
        """The digest of the key set that is pinned for *wire*."""
        pin = self._pins.get(wire.name)
        return pin.key_set if pin is not None and pin.address == wire.keys else None


def _for_keys(wire: Wire) -> Request:
    """The request for the keys of *wire*: as for its feed, from their address. A file's name is
    refused for an address at once."""
    name = f"{wire.name} keys"  # no wire is named so
    return replace(request_of(wire, str(wire.keys)), wire=name, max_bytes=LARGEST_SET)


def _feed_of(wire: Wire, state: WireState) -> Request:
    return request_of(wire, state.url, *_validators(wire, state), known=state.sent_digest)


@dataclass(frozen=True, slots=True)
class _Result:
    """A wire as it was claimed, its response, and what that means; the keys pinned for it."""

    before: WireState
    response: Response
    polled: Polled
    values: dict[str, Any]
    key_set: str | None


def outcome(
    wire: Wire, before: WireState, response: Response, now: datetime
) -> tuple[Polled, dict[str, Any]]:
    """What *response* means for the wire, and the columns of its row that say so, always the same
    ones. Pure.

    *before* is the row as it was claimed.
    """
    conditional = any(_validators(wire, before))
    came = response.status == 200 and response.error is None
    digest = body_digest(response.body) if came and not response.same else before.body_digest
    unchanged = came and digest == before.body_digest
    state, message = judge(response, unchanged=unchanged, conditional=conditional)
    headers = combined(response.headers)
    due = next_poll(
        wire=wire.name,
        now=now,
        every=wire.every,
        state=state,
        failures=before.failures,
        headers=headers,
        channel=before.channel,
        news=before.news,
        trust_ttl=wire.trust_ttl,
        pushed_until=before.pushed_until,
    )
    address = Address(before.url, before.moved_to, before.moved_count, before.moved_since)
    if state in GOOD:
        address = address_after_answer(address, response, now)
    else:
        configured = before.configured_url or before.url
        address = address_after_failure(address, configured, due.failures, state == GONE)
    moved = address.url != before.url
    paused = state == GONE and not moved
    if moved:
        due = Due(now + wire.every, f"its address changed: {address.notice}", 0.0)
    if paused:
        message = f"{message}; paused: `wirecopy poll {wire.name}` resumes it, or another url"
        due = Due(due.at, "paused, as the agency says that this feed is gone", due.failures)
    values: dict[str, Any] = {
        "polled_at": now,
        "due_at": due.at,
        "due_because": due.because,
        "state": state,
        "message": message,
        "failures": due.failures,
        "failing_since": None if state in GOOD else before.failing_since or now,
        "paused_at": now if paused else None,
        "url": address.url,
        "host": host_of(address.url, wire.name) if moved else before.host,
        "moved_to": address.moved_to,
        "moved_count": address.moved_count,
        "moved_since": address.moved_since,
        "retry_at": due.retry_at,
    }
    for name in ("etag", "last_modified", "body_digest", "sent_digest", "captured_at"):
        values[name] = getattr(before, name)
    if state in GOOD:
        # Validators are kept after every 200 and 304, the same body included: servers change
        # them without changing a byte, and a stale one costs a full download at every poll.
        # A 304 that names none leaves those we have standing (RFC 9110 §15.4.5).
        if state != "not-modified" or "etag" in headers:
            values["etag"] = headers.get("etag")
        if state != "not-modified" or "last-modified" in headers:
            values["last_modified"] = headers.get("last-modified")
    if moved:
        values["etag"] = values["last_modified"] = None  # they belong to the other address
    if came:
        values["sent_digest"] = response.sent
    if state == "ok":
        values["body_digest"] = digest
        values["captured_at"] = now
    return Polled(wire.name, state, message, due, notice=address.notice), values


def _keep(conn: Connection, results: Sequence[_Result], now: datetime) -> list[Polled]:
    """Write the rows and, where the bytes are new, captures and the wish to have them taken in.

    Where the lease is no longer ours, somebody else polls the wire; the response is dropped, since
    older bytes written after newer ones would turn stories back.
    """
    held = wires.finish_polls(
        conn, {each.before.name: (each.before.lease or "", each.values) for each in results}
    )
    fresh = [
        _received(conn, r) for r in results if r.before.name in held and r.polled.state == "ok"
    ]
    numbers = captures.add_all(conn, now, fresh)
    outbox.want(conn, "ingest", numbers, now)
    return [_told(each, held, numbers.get(each.before.name)) for each in results]


def _received(conn: Connection, result: _Result) -> captures.Received:
    response, before = result.response, result.before
    digest = str(result.values["body_digest"])
    after = before.body_digest
    if before.pushed_at is not None and before.pushed_at == before.captured_at:
        after = captures.newest_whole(conn, before.name)  # what a hub pushed is less like it
    return captures.Received(
        before.name,
        response.url,
        kept_headers(response),
        response.body,
        digest,
        after,
        result.key_set,
    )


def kept_headers(response: Response) -> list[tuple[str, str]]:
    """The headers that are kept with a capture."""
    # A session that the agency gave us is nobody else's business.
    return [field for field in response.headers if not field[0].startswith("set-cookie")]


def _told(result: _Result, held: Collection[str], number: int | None) -> Polled:
    polled, before = result.polled, result.before
    if before.name not in held:
        message = "polled by somebody else meanwhile"
        return Polled(polled.wire, before.state, message, polled.due, superseded=True)
    return polled if number is None else replace(polled, captures=(number,))


def lease_for(config: Config, names: Collection[str] | None = None) -> timedelta:
    """How long a lease for polling the wires *names* (None: any) must last."""
    named = [w for w in config.wires if names is None or w.name in names]
    timeouts = (w.timeout * (2 if is_address(w.keys) else 1) for w in named)  # keys come first
    return max(timeouts, default=timedelta(0)) + LEASE_SLACK


def _validators(wire: Wire, state: WireState) -> tuple[str | None, str | None]:
    """ETag and Last-Modified as sent back. Those of half a feed are not: its server may write the
    rest under the same ones, and would never be asked for it again."""
    return (
        (state.etag, state.last_modified) if wire.trust_validators and state.whole else (None, None)
    )


def request_of(
    wire: Wire,
    url: str,
    etag: str | None = None,
    last_modified: str | None = None,
    known: str | None = None,
) -> Request:
    """The GET for a wire at *url*, conditional by both validators, exactly as received; *known* is
    the name of its last body as sent.

    Its headers may be secrets: they go to the configured origin only, wherever a server says that
    the wire moved.
    """
    return Request(
        wire=wire.name,
        url=url,
        etag=etag,
        last_modified=last_modified,
        known=known,
        headers=tuple((k, v.get_secret_value()) for k, v in wire.headers.items()),
        home=wire.url,
        proxy=wire.proxy.get_secret_value() if wire.proxy is not None else None,
        client_cert=str(wire.client_cert) if wire.client_cert else None,
        client_key=str(wire.client_key) if wire.client_key else None,
        allow_private=wire.allow_private,
        timeout=wire.timeout.total_seconds(),
        max_bytes=wire.max_bytes,
    )


def judge(
    response: Response, *, unchanged: bool = False, conditional: bool = False
) -> tuple[str, str]:
    """State and message of a response: ``ok`` for new bytes, ``unchanged`` for the wire's last,
    ``not-modified``, the fetch error's own state, or ``http-NNN``.

    A 304 answers a *conditional* request only (RFC 9110 §15.4.5); to another it says nothing.
    """
    if response.error is not None:
        return response.error.state, str(response.error)
    if response.status == 304 and conditional:
        return "not-modified", ""
    if response.status == 200:
        return ("unchanged" if unchanged else "ok"), ""
    return f"http-{response.status}", _advice(response)


def _advice(response: Response) -> str:
    """The message of a status that brings no feed."""
    status = response.status
    name = f"HTTP {status}"
    if response.hops:
        name += f", redirected from {shown(response.hops[0].url)} to {shown(response.url)}"
    if response.withheld and status in _WANTS_MORE:
        return (
            f"{name}: the wire's headers ({', '.join(response.withheld)}) {WITHHELD};"
            f" set the wire's url to {shown(response.url)} if that is the agency's"
        )
    other = "the agency's server failed; it is tried again" if status >= 500 else "not a feed"
    return f"{name}: {_REMEDIES.get(status, other)}"


_WANTS_MORE = frozenset({400, 401, 403, 404})
"""Statuses with which servers answer requests without credentials."""

_REMEDIES = {
    202: "accepted, it says, but the feed is not there yet; it is tried again",
    204: "no content, it says; ask the agency if it stays so, as an empty feed is a feed too",
    206: "a part of the feed, it says, though all of it was asked for; the agency's server is"
    " broken, or a cache before it",
    304: "not modified, it says, though we named nothing that it could be compared with;"
    " the agency's server is broken, or a cache before it",
    401: "the agency wants credentials; set the wire's headers",
    403: "the agency refuses us; check the licence and the wire's headers",
    404: "nothing is there; check the wire's url",
    407: "the proxy wants credentials; put them in its address (proxy, or HTTP_PROXY)",
    410: "the agency says this feed is gone for good; ask them for the new one",
    429: "we came too often; raise the wire's every",
}
