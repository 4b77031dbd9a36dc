"""The hub's decisions (W3C WebSub): what a request asks for, and what a callback's answer means.

Pure. :mod:`publish.web.hub` takes requests, and :mod:`publish.push` asks callbacks.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from net.backoff import LONGEST_RETRY_AFTER, retry_after, spread, weight
from net.client import Request, Response
from net.errors import FetchError
from net.ssrf import inside, web_url
from publish.formats import WRITERS
from publish.xml import iri
from stories.config import Config
from stories.db.feeds import FORMATS, Format
from stories.db.subscriptions import FORGOTTEN, LONGEST_WAIT, Subscription, Wish

LEAST, USUAL, MOST = timedelta(minutes=1), timedelta(days=10), timedelta(days=30)
"""Of a lease: what is asked for is brought between least and most."""

LONGEST_CALLBACK = 4000
"""Characters, so that an address with what is asked of it is none too long."""

LONGEST_SECRET = 199
"""Bytes (WebSub §5.1)."""

MOST_FIELDS = 20

SECONDS = 10.0
"""That a callback has to answer."""

LARGEST_ANSWER = 4096
"""Bytes. A challenge is shorter, and of other answers the status counts."""

TRIES = 3
"""Times that a callback which does not answer is asked whether it wants what was asked for."""

FIRST_WAIT = timedelta(seconds=5)
"""Before the second try; then twice as long each time, up to :data:`LONGEST_WAIT`."""

RETIRED = timedelta(days=3)
"""After which a callback that took nothing in all that time is given up."""

JITTER = 0.2
"""Share of a wait that is added, so that callbacks that failed together do not stay together."""


class RefusedError(Exception):
    """A request asks for what is not done; *status* and the text say so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def topic(config: Config, feed: str, format: Format) -> str:
    """The address of a feed's document, by which it is subscribed."""
    return f"{config.site.url}/feeds/{feed}.{format}"


def asked(config: Config, form: bytes) -> Wish:
    """What the *form* of a request asks for (§5.1).

    :raises RefusedError: when that is nothing, or nothing that we do.
    """
    try:
        pairs = parse_qsl(
            form.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise RefusedError(400, "the body is no form that can be read") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RefusedError(400, "a field stands there twice")
    mode = fields.get("hub.mode")
    if mode not in ("subscribe", "unsubscribe"):
        raise RefusedError(400, "hub.mode has to be subscribe or unsubscribe")
    name = fields.get("hub.topic", "")
    found = next(
        (
            (feed.name, format)
            for feed in config.public_feeds
            for format in FORMATS
            if name == topic(config, feed.name, format)
        ),
        None,
    )
    if found is None:
        raise RefusedError(404, "hub.topic is no feed of this site, as its rel=self names it")
    callback = _callback(fields.get("hub.callback", ""), allow_private=config.hub.allow_private)
    return Wish(
        mode="subscribe" if mode == "subscribe" else "unsubscribe",
        topic=name,
        feed=found[0],
        format=found[1],
        callback=callback,
        host=urlsplit(callback).hostname or "",
        seconds=_seconds(fields.get("hub.lease_seconds", "")),
        secret=_secret(fields.get("hub.secret", "")),
    )


def _callback(text: str, *, allow_private: bool) -> str:
    if len(text) > LONGEST_CALLBACK:
        raise RefusedError(400, f"hub.callback is longer than {LONGEST_CALLBACK:,} characters")
    try:
        callback = web_url(text)
    except FetchError as error:
        what = str(error).partition(";")[0]
        raise RefusedError(400, f"hub.callback is {what}") from error
    host = urlsplit(callback).hostname or ""
    if kind := inside(host, allow_private=allow_private):
        raise RefusedError(400, f"hub.callback is at {kind}, where nothing is sent")
    return callback


def _seconds(text: str) -> int:
    least, usual, most = (int(each.total_seconds()) for each in (LEAST, USUAL, MOST))
    if not text:
        return usual
    if not re.fullmatch("[0-9]{1,12}", text, re.ASCII):
        raise RefusedError(400, "hub.lease_seconds has to be a number of seconds")
    return min(max(int(text), least), most)


def _secret(text: str) -> str | None:
    if len(text.encode()) > LONGEST_SECRET:
        raise RefusedError(400, "hub.secret has to be shorter than 200 bytes")
    return text or None


def question(of: Subscription, config: Config) -> Request:
    """What a callback is asked, or told, of what was asked for in its name (§5.2, §5.3)."""
    parts = {"hub.mode": of.asked or "", "hub.topic": of.topic}
    if of.asked == "denied":
        parts["hub.reason"] = "this feed is no more"
    else:
        parts["hub.challenge"] = of.challenge
    if of.asked == "subscribe":
        parts["hub.lease_seconds"] = str(of.asked_seconds)
    between = "&" if urlsplit(of.callback).query else "?"
    return _request(of, config, f"{of.callback.rstrip('?')}{between}{urlencode(parts)}")


def delivery(of: Subscription, config: Config, body: bytes) -> Request:
    """The *body* for a callback, signed if it gave a secret (§7, §8)."""
    hub = iri(config.hub_address or "")
    headers = [
        ("Content-Type", WRITERS[of.format].content_type),
        ("Link", f'<{hub}>; rel="hub", <{iri(of.topic)}>; rel="self"'),
    ]
    if of.secret is not None:
        headers.append(("X-Hub-Signature", signature(body, of.secret, config.hub.signature)))
    return _request(of, config, of.callback, headers, body)


def signature(body: bytes, secret: str, method: Literal["sha256", "sha384", "sha512"]) -> str:
    """The HMAC of *body* as X-Hub-Signature has it."""
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def _request(
    of: Subscription,
    config: Config,
    url: str,
    headers: list[tuple[str, str]] | None = None,
    body: bytes | None = None,
) -> Request:
    return Request(
        wire=str(of.id),
        url=url,
        headers=(("Accept", "*/*"), *(headers or ())),
        allow_private=config.hub.allow_private,
        timeout=SECONDS,
        max_bytes=LARGEST_ANSWER,
        body=body,
        follow=False,
    )


Outcome = Literal["delivered", "failed", "gone", "retired", "confirmed", "unconfirmed", "denied"]
OUTCOMES: tuple[Outcome, ...] = (
    *("delivered", "failed", "gone", "retired"),
    *("confirmed", "unconfirmed", "denied"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. ``due`` is when to try again, None for never; ``failures`` what all in
    a row weigh then; ``error`` why."""

    outcome: Outcome
    due: datetime | None = None
    failures: float = 0.0
    error: str = ""


def confirmed(of: Subscription, answer: Response, now: datetime) -> Verdict:
    """What the *answer* to a :func:`question` means. Only a 2xx with the challenge, byte by byte,
    confirms; no answer, or a server's fault, is none yet."""
    if of.asked == "denied":
        return Verdict("denied")
    good = 200 <= answer.status < 300 and answer.error is None
    if good and hmac.compare_digest(answer.body, of.challenge.encode()):
        return Verdict("confirmed")
    error = "it did not echo the challenge" if good else _fault(answer)
    answered = 0 < answer.status < 500 and answer.status != 429
    if answered or of.tries + 1 >= TRIES:
        return Verdict("unconfirmed", error=error)
    # Whoever is not verified yet takes a place, and may not have it for as long as it likes.
    due = _again(of, answer, float(of.tries), now, FORGOTTEN)
    return Verdict("failed", due, error=error)


def taken(of: Subscription, answer: Response, now: datetime) -> Verdict:
    """What the *answer* to a :func:`delivery` means. Any 2xx takes it, however it goes on; 410 ends
    the subscription; all else is tried again, for :data:`RETIRED`."""
    if 200 <= answer.status < 300:
        return Verdict("delivered")
    if answer.status == 410:
        return Verdict("gone", error="it answered 410")
    if of.failing_since is not None and now - of.failing_since > RETIRED:
        return Verdict("retired", error=_fault(answer))
    failures = of.failures + weight(answer.error.state if answer.error else f"http-{answer.status}")
    return Verdict("failed", _again(of, answer, of.failures, now), failures, _fault(answer))


def _fault(answer: Response) -> str:
    if answer.error is not None:
        return answer.error.state
    return f"it answered {answer.status}"


def _again(
    of: Subscription,
    answer: Response,
    failures: float,
    now: datetime,
    longest: timedelta = LONGEST_RETRY_AFTER,
) -> datetime:
    """When to try again after *failures*; no sooner than the *answer* asks for, up to *longest*."""
    wait = min(FIRST_WAIT * 2 ** min(failures, 20), LONGEST_WAIT)
    wait *= 1 + JITTER * spread(str(of.id), now)
    asked = retry_after(dict(answer.headers).get("retry-after"), now)
    return now + max(wait, min(asked or wait, longest))
