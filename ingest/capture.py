"""From a response to a capture: judged, then kept, before anything is parsed.

Every 200 whose bytes differ from the wire's last is stored raw with its headers and time, in one
transaction with the validators it came with, the next due time and the wish to have it taken in.
A crash before the commit leaves the wire as it was; the poll is simply done again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ingest import redirects
from ingest.redirects import Place
from ingest.schedule import GOOD, KEPT_NEWS, Due, next_poll
from net.client import Response
from stories.config import Wire
from stories.db import captures, outbox, wires
from stories.models import Capture, WireState, body_digest, host_of

GONE = "http-410"
"""The state that pauses a wire: the agency says that the feed will not come back."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll came to. ``state`` is the wire's state now; ``capture_id`` what was kept;
    ``told`` what the desk should hear of the wire's address, in a sentence."""

    wire: str
    state: str
    message: str
    due: Due
    capture_id: int | None = None
    superseded: bool = False
    told: str = ""


def judge(response: Response, last_digest: str | None, *, conditional: bool) -> tuple[str, str]:
    """State and message of a response: ``ok`` for new bytes, ``unchanged``, ``not-modified``,
    the fetch error's own state, or ``http-NNN``.

    A 304 answers a *conditional* request only (RFC 9110 §15.4.5); to another it says nothing.
    """
    if response.error is not None:
        return response.error.state, str(response.error)
    if response.status == 304 and conditional:
        return "not-modified", ""
    if response.status == 200:
        same = body_digest(response.body) == last_digest
        return ("unchanged" if same else "ok"), ""
    return f"http-{response.status}", _advice(response)


def keep(
    conn: Connection, wire: Wire, before: WireState, response: Response, now: datetime
) -> Polled:
    """Write what *response* means for the wire; *before* is the row as claimed, with our lease.

    When the lease is no longer ours, somebody else polls the wire; the response is dropped, since
    older bytes written after newer ones would turn stories back.
    """
    conditional = wire.trust_validators and bool(before.etag or before.last_modified)
    state, message = judge(response, before.body_digest, conditional=conditional)
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
    )
    place = _placed(before, response, state, due.failures, now)
    if place.url != before.url:
        due = Due(now + wire.every, f"its address changed: {place.told}", 0.0)
    paused = state == GONE and place.url == before.url
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
        "url": place.url,
        "host": host_of(place.url),
        "moved_to": place.moved_to,
        "moved_count": place.moved_count,
        "moved_since": place.moved_since,
    }
    if state in GOOD:
        # Validators are kept after every 200 and 304, the same body included: servers change
        # them without changing a byte, and a stale one costs a full download at every poll.
        # A 304 that names none leaves those we have standing (RFC 9110 §15.4.5).
        if state != "not-modified" or "etag" in headers:
            values["etag"] = headers.get("etag")
        if state != "not-modified" or "last-modified" in headers:
            values["last_modified"] = headers.get("last-modified")
    if place.url != before.url:
        values["etag"] = values["last_modified"] = None  # they belong to the other address
    if state == "ok":
        values["body_digest"] = body_digest(response.body)
        values["captured_at"] = now
    if not wires.finish_poll(conn, wire.name, before.lease or "", values):
        return Polled(wire.name, before.state, "polled by somebody else meanwhile", due, None, True)
    number = None
    if state == "ok":
        number = captures.add(conn, wire.name, now, response.url, response.headers, response.body)
        outbox.want(conn, "ingest", [wire.name], now)
    return Polled(wire.name, state, message, due, number, told=place.told)


def _placed(
    before: WireState, response: Response, state: str, failures: float, now: datetime
) -> Place:
    place = Place(before.url, before.moved_to, before.moved_count, before.moved_since)
    if state in GOOD:
        return redirects.answered(place, response, now)
    return redirects.failed(place, before.configured_url or before.url, failures, state == GONE)


def heard(
    conn: Connection, wire: Wire, capture: Capture, channel: Mapping[str, Any], *, news: bool
) -> None:
    """What the content of *capture* means for the schedule: *channel* as it now stands, and
    whether *news* came, a story new or updated.

    The next poll was set before the capture was read. It is set again by the same rules from the
    same moment, so that a wire which had slowed down in silence is up to speed at its first news,
    and a feed's first wish is heard at once.
    """
    before = wires.get(conn, wire.name)
    if before is None:
        return
    at = capture.received_at
    moments = before.news
    if news and (not moments or at > moments[-1]):
        moments = [*moments, at][-KEPT_NEWS:]
        wires.note_content(conn, wire.name, {"news": moments})
    due = next_poll(
        wire=wire.name,
        now=at,
        every=wire.every,
        state="ok",
        failures=0.0,
        headers=combined([(name.lower(), value) for name, value in capture.headers]),
        channel=channel,
        news=moments,
    )
    if due.at != before.due_at:
        wires.reschedule(conn, wire.name, at, {"due_at": due.at, "due_because": due.because})


def combined(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Header fields by name; those sent several times joined by commas (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in fields:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _advice(response: Response) -> str:
    remedies = {
        304: "not modified, it says, though we named nothing that it could be compared with;"
        " the agency's server is broken, or a cache before it",
        401: "the agency wants credentials; set the wire's headers",
        403: "the agency refuses us; check the licence and the wire's headers",
        404: "nothing is there; check the wire's url",
        410: "the agency says this feed is gone for good; ask them for the new one",
        429: "we came too often; raise the wire's every",
    }
    kind = "the agency's server failed; it is tried again" if response.status >= 500 else ""
    return f"HTTP {response.status}: {remedies.get(response.status, kind or 'not a feed')}"


def as_mapping(channel: Any) -> dict[str, Any]:
    """A channel as JSON holds it."""
    return asdict(channel)
