"""Polling: claimed wires in, captures out. ``claim due wires | fetch | capture``."""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

from ingest.capture import Polled, keep
from net.client import Client, Request
from net.errors import FetchError
from net.ssrf import origin, web_url
from stories import clock
from stories.config import Config, Wire
from stories.db import Store
from stories.models import WireState

LEASE_SLACK = timedelta(seconds=20)
"""Added to the longest timeout of a batch: a poll alive must not lose its lease."""


def lease_for(config: Config, names: Collection[str] | None = None) -> timedelta:
    """How long polling the wires *names* (None: any) may take before others may have them."""
    timeouts = (w.timeout for w in config.wires if names is None or w.name in names)
    return max(timeouts, default=timedelta(0)) + LEASE_SLACK


def request_of(wire: Wire, state: WireState) -> Request:
    """The conditional GET for a wire: both validators, exactly as received, every time.

    It goes to where the wire is polled. Where that is another origin than the configured one, the
    wire's own headers stay behind: they may be secrets, and the move was the server's word.
    """
    trusted = wire.trust_validators
    own = wire.headers if _same_origin(wire.url, state.url) else {}
    return Request(
        wire=wire.name,
        url=state.url,
        etag=state.etag if trusted else None,
        last_modified=state.last_modified if trusted else None,
        headers=tuple((k, v.get_secret_value()) for k, v in own.items()),
        allow_private=wire.allow_private,
        timeout=wire.timeout.total_seconds(),
        max_bytes=wire.max_bytes,
    )


def _same_origin(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return origin(web_url(one)) == origin(web_url(other))
    except FetchError:
        return False


def poll(
    store: Store, config: Config, client: Client, claimed: Iterable[WireState | None]
) -> Iterator[Polled]:
    """Fetch the *claimed* wires and keep what comes, each as soon as it is there.

    They are read as there are places for them; None says that more will come, none just now. One
    wire's failure is its own: it ends as that wire's state.
    """
    known: dict[str, tuple[Wire, WireState]] = {}

    def requests() -> Iterator[Request | None]:
        for state in claimed:
            rules = config.wire(state.name) if state is not None else None
            if state is None:
                yield None
            elif rules is not None:
                known[state.name] = rules, state
                yield request_of(rules, state)

    for response in client.fetch(requests(), user_agent=config.agent):
        rules, state = known.pop(response.wire)
        with store.write() as conn:
            polled = keep(conn, rules, state, response, clock.now())
        yield polled
