"""Hubs that agencies' feeds name: which, how they are asked to push to us, what their answers mean
(W3C WebSub, as subscriber). Pure; :mod:`ingest.subscribe` asks, ``publish/web/callback.py`` takes
what they push.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from ingest.item import Channel
from net.backoff import LONGEST_RETRY_AFTER, retry_after, spread, weight
from net.client import Request, Response
from net.errors import FetchError
from net.ssrf import shown, web_url
from stories.config import Config
from stories.db.hubs import ANSWERED, Subscription

MOST_HUBS = 5
"""Of those that a feed names. One is asked, the next where it fails."""

LEASE = timedelta(days=10)
"""For how long a hub is asked to push; what it promises counts."""

SECONDS = 10.0
"""That a hub has to answer."""

LARGEST_ANSWER = 4096

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=1)
"""After the first failure and, twice as long each time, at most. The wire is polled meanwhile."""

GIVEN_UP = 3.0
"""The weight of failures from which on nobody is told any more that something is to be ended: who
pushes all the same is answered 410."""

MOVED = frozenset({301, 302, 307, 308})
"""Redirects after which a hub is asked in the same way elsewhere: WebSub §5.1 leaves no other use,
and 303 asks for a GET."""

_LINK = re.compile(
    r"<([^<>]*+)>((?:\s*+;\s*+[^\s=;,\"<>]++(?:\s*+=\s*+(?:\"(?:[^\"\\]|\\.)*+\"|[^\s;,\"<>]*+))?)*+)"
)
_PARAMETER = re.compile(r";\s*+([^\s=;,\"]++)\s*+=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;,\"]*+))")


@dataclass(frozen=True, slots=True)
class Announced:
    """The hubs that a feed names, and by which topic it is known there."""

    hubs: tuple[str, ...]
    topic: str


def announced(headers: Mapping[str, str], channel: Channel, url: str) -> Announced:
    """What a feed, had at *url* with these *headers*, says: the headers first, then the feed itself
    (§4). Its topic is its own word (``rel=self``), else where it was had."""
    links = _links(headers.get("link", ""))
    hubs = _addresses([to for to, rels in links if "hub" in rels], url)
    own = [to for to, rels in links if "self" in rels]
    hubs = hubs or _addresses(channel.hubs, url)
    topics = _addresses([*own, channel.topic], url)
    return Announced(hubs, topics[0] if topics else url)


def _links(value: str) -> list[tuple[str, set[str]]]:
    """The links of a header ``Link`` (RFC 8288), and their relations. Those of something else than
    the answer itself, which have an anchor, are left out."""
    found = []
    for match in _LINK.finditer(value):
        told = {
            m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(match[2])
        }
        if "anchor" not in told:
            found.append((match[1].strip(), set(told.get("rel", "").lower().split())))
    return found


def _addresses(references: Sequence[str], base: str) -> tuple[str, ...]:
    """The *references* that are web addresses, each once. Whole ones stay as they are spelt: a
    topic is compared byte by byte."""
    found: dict[str, None] = {}
    for text in references:
        try:
            whole = web_url(text, base=base) if text else ""
        except FetchError:
            continue
        if whole:
            found[text if urlsplit(text).netloc and text.isascii() else whole] = None
    return tuple(found)[:MOST_HUBS]


def callback(config: Config, of: Subscription) -> str:
    """Where the hub finds us. Nobody guesses it."""
    return f"{config.site.url}/wires/{of.wire}/{of.token}"


def request(of: Subscription, config: Config, hub: str = "") -> Request:
    """What the hub is asked for (§5.1); *hub* is where it has moved to."""
    wire = config.wire(of.wire)
    parts = {
        "hub.mode": "unsubscribe" if of.leaving else "subscribe",
        "hub.topic": of.topic,
        "hub.callback": callback(config, of),
    }
    if not of.leaving:
        parts["hub.lease_seconds"] = str(int(LEASE.total_seconds()))
        parts["hub.secret"] = of.secret
    return Request(
        wire=of.token,
        url=hub or of.hub,
        headers=(("Accept", "*/*"), ("Content-Type", "application/x-www-form-urlencoded")),
        proxy=wire.proxy.get_secret_value() if wire and wire.proxy is not None else None,
        allow_private=wire.allow_private if wire else of.allow_private,
        timeout=SECONDS,
        max_bytes=LARGEST_ANSWER,
        body=urlencode(parts).encode(),
        follow=False,
    )


def moved(response: Response) -> str:
    """Where a hub asks to be asked instead; empty where it does not, or where what it is told would
    no longer be secret."""
    location = next((value for name, value in response.headers if name == "location"), "")
    if response.status not in MOVED or not location:
        return ""
    try:
        target = web_url(location, base=response.url)
    except FetchError:
        return ""
    secure, stays = (urlsplit(url).scheme == "https" for url in (response.url, target))
    return target if stays or not secure else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What was asked for came to nothing: *hub* is asked when ``due``, None for never."""

    due: datetime | None
    failures: float
    hub: str
    error: str


def answered(of: Subscription, response: Response, now: datetime) -> Failure | None:
    """What the *response* of a hub that was asked means; None where it will call us (any 2xx)."""
    if 200 <= response.status < 300:
        return None
    if response.error is not None:
        return _failure(of, response.error.state, str(response.error), response, now)
    told = response.body.decode("utf-8", "replace").strip().partition("\n")[0]
    said = "".join(c for c in told if c.isprintable())[:200]
    text = f"it answered {response.status}{f': {said}' if said else ''}"
    return _failure(of, f"http-{response.status}", text, response, now)


def unanswered(of: Subscription, now: datetime) -> Failure:
    """What it means that a hub has not called in the time it has."""
    minutes = ANSWERED.total_seconds() / 60
    text = (
        f"it was asked, and has not called in {minutes:.0f} minutes; see that site.url can be"
        " reached from the internet"
    )
    return _failure(of, "unanswered", text, None, now)


def _failure(
    of: Subscription, state: str, text: str, response: Response | None, now: datetime
) -> Failure:
    failures = of.failures + weight(state)
    at = of.named.index(of.hub) if of.hub in of.named else -1
    hub = of.hub if of.leaving or not of.named else of.named[(at + 1) % len(of.named)]
    error = f"{shown(of.hub)}: {text}"
    if of.leaving and failures >= GIVEN_UP:
        return Failure(None, failures, hub, error)
    wait = min(FIRST_WAIT * 2 ** min(of.failures, 20), LONGEST_WAIT)
    wait *= 1 + spread(of.token, now) / 10
    headers = dict(response.headers) if response is not None else {}
    asked = retry_after(headers.get("retry-after"), now)
    return Failure(now + max(wait, min(asked or wait, LONGEST_RETRY_AFTER)), failures, hub, error)


def is_over(of: Subscription, now: datetime) -> bool:
    """Whether there is nobody to be told any more that it is to be ended."""
    return of.leaving and not of.holds(now)
