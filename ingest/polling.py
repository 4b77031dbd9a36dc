"""Polling: claimed wires in, captures out. ``claim due wires | fetch | capture``."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ingest.capture import Polled, keep
from ingest.fetch import Client, Request
from stories import clock
from stories.newsroom import Newsroom, Wire
from stories.store import Store
from stories.store.wires import WireState

LEASE_SLACK = timedelta(seconds=20)
"""Added to the longest timeout of a batch: a poll alive must not lose its lease."""


def lease_for(newsroom: Newsroom) -> timedelta:
    """How long a claimed batch may take before others may have its wires."""
    longest = max((w.timeout for w in newsroom.wires), default=timedelta(0))
    return longest + LEASE_SLACK


def request_of(wire: Wire, state: WireState) -> Request:
    """The conditional GET for a wire: both validators, exactly as received, every time."""
    trusted = wire.trust_validators
    return Request(
        wire=wire.name,
        url=wire.url,
        etag=state.etag if trusted else None,
        last_modified=state.last_modified if trusted else None,
        headers=tuple((k, v.get_secret_value()) for k, v in wire.headers.items()),
        allow_private=wire.allow_private,
        timeout=wire.timeout.total_seconds(),
        max_bytes=wire.max_bytes,
    )


def poll(
    store: Store, newsroom: Newsroom, client: Client, claimed: Sequence[WireState]
) -> Iterator[Polled]:
    """Fetch the *claimed* wires and keep what comes, each as soon as it is there.

    One wire's failure is its own: it ends as that wire's state.
    """
    known = {w.name: (rules, w) for w in claimed if (rules := newsroom.wire(w.name)) is not None}
    requests = [request_of(rules, state) for rules, state in known.values()]
    for response in client.fetch(requests, user_agent=newsroom.agent):
        rules, state = known[response.wire]
        with store.write() as conn:
            polled = keep(conn, rules, state, response, clock.now())
        yield polled
