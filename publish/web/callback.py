"""``/wires/NAME/TOKEN``: what an agency's hub asks of us, and what it pushes (W3C WebSub, as
subscriber). The token of the address is ours alone (:mod:`stories.db.hubs`).

By GET the hub asks whether we want what was asked for in our name (§5.3). What it pushes, by POST
(§7), is kept before it is answered, as what a poll brings is, if it is signed by the secret that
the hub was given. Otherwise it is answered as if it were, and forgotten (§8).
"""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from publish.web.allowance import Allowance
from publish.web.inbox import A_SECOND, BURST, is_signed, kept_headers
from publish.web.sent import RefusedError, body_of, later, plain
from stories import clock
from stories.config import Config, Wire
from stories.db import Connection, SQLAlchemyError, Store, captures, custody, hubs, outbox, wires
from stories.db.hubs import LONGEST_LEASE, Subscription
from stories.errors import StoreError
from stories.models import body_digest

METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})
"""By which a hub may sign (§8). SHA-1 as well: the large public hubs know no other, and what is
broken of it, finding two texts of one digest, does not break an HMAC whose key is secret."""

UNSAID = timedelta(days=1)
"""The lease of a hub that does not say for how long it promises to push, as it must."""

LONGEST_CHALLENGE = 4096

_TOKEN = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)
"""All that a database need be asked for."""

log = structlog.get_logger(__name__)


class Callbacks:
    """Answers the hubs that wires of *config* name; *came* is called whenever what one pushed is
    stored; *monotonic* in seconds."""

    def __init__(
        self,
        config: Config,
        store: Store,
        came: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._store = store
        self._came = came
        self._monotonic = monotonic
        self._allowances: dict[str, Allowance] = {}

    async def answer(self, request: Request) -> Response:
        """Answer one hub."""
        try:
            of = await run_in_threadpool(self._known, str(request.path_params["token"]))
            if request.method != "POST":
                return await run_in_threadpool(self._verify, of, request)
            wire = self._config.wire(of.wire) if of else None
            if of is None or of.leaving or wire is None or not wire.push:
                # Whoever pushes here is to know that nobody wants it any more (§7).
                raise RefusedError(410, "nothing is subscribed here")
            allowance = self._allowances.setdefault(
                wire.name, Allowance(self._monotonic, BURST, A_SECOND)
            )
            if (wait := allowance.wait()) > 0:
                raise RefusedError(429, "too many at once", {"retry-after": str(int(wait) + 1)})
            body = await body_of(request, wire.max_bytes, wire.timeout.total_seconds())
            await run_in_threadpool(self._take, of, wire, request, body)
        except RefusedError as refused:
            return refused.response
        return plain(202, "taken")

    def _known(self, token: str) -> Subscription | None:
        if not _TOKEN.fullmatch(token):
            return None
        try:
            with self._store.read() as conn:
                return hubs.get(conn, token)
        except (SQLAlchemyError, StoreError) as error:
            raise later() from error

    def _verify(self, of: Subscription | None, request: Request) -> Response:
        asked = request.query_params
        mode, challenge = asked.get("hub.mode", ""), asked.get("hub.challenge", "")
        if of is None or not wanted(of, mode, asked.get("hub.topic", "")):
            raise HTTPException(404)
        if len(challenge) > LONGEST_CHALLENGE:
            raise RefusedError(
                400, f"hub.challenge is longer than {LONGEST_CHALLENGE:,} characters"
            )
        now = clock.now()
        try:
            with self._store.write() as conn:
                if mode == "denied":
                    why = f"it denies that: {_line(asked.get('hub.reason', '')) or 'no reason'}"
                    hubs.denied(conn, of, why, now)
                elif mode == "unsubscribe":
                    hubs.drop(conn, of.token)
                else:
                    hubs.granted(conn, of.token, lease(asked.get("hub.lease_seconds", "")), now)
        except (SQLAlchemyError, StoreError) as error:
            raise later() from error
        log.info("hub called", wire=of.wire, mode=mode)
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response("" if mode == "denied" else challenge, 200, headers, "text/plain")

    def _take(self, of: Subscription, wire: Wire, request: Request, body: bytes) -> None:
        signature = request.headers.get("x-hub-signature", "")
        signed = is_signed(body, signature, of.secret, METHODS)
        try:
            with self._store.write() as conn:
                if signed:
                    number = _keep(conn, of, wire, request, body)
                else:
                    hubs.refuse(conn, of.token)
        except (SQLAlchemyError, StoreError) as error:
            log.warning("not taken", wire=wire.name, error=f"{type(error).__name__}: {error}")
            raise later() from error
        if not signed:
            method = _line(signature.partition("=")[0])[:20] or "nothing"
            log.warning("pushed, and not signed as it must be", wire=wire.name, by=method)
        elif number is not None:
            log.info("captured", wire=wire.name, capture=number, pushed=True)
            self._came()


def _keep(
    conn: Connection, of: Subscription, wire: Wire, request: Request, body: bytes
) -> int | None:
    """Store *body* and the wish to have it taken in; its number.

    None for what the wire has brought before. It may be news again, but who repeats it may as well
    be late, or wicked: the wire itself is asked soon. So it is for a body without a word.
    """
    now = clock.now()
    state = wires.lock(conn, [wire.name]).get(wire.name)
    if state is None or not state.configured:  # it was renamed, by a newer configuration
        raise later()
    digest = body_digest(body)
    if not body or captures.received(conn, wire.name, digest) is not None:
        soon = max(now, (state.polled_at or now) + wire.every)
        wires.bring_forward(conn, wire.name, soon, "its hub pushed nothing that it had not before")
        return None
    number = captures.add(
        conn,
        wire.name,
        now,
        state.url,
        kept_headers(request),
        body,
        key_set=custody.key_set_of(conn, wire),
        partial=True,
    )
    hubs.came(conn, of, digest, now, wire.every)
    outbox.want(conn, "ingest", [wire.name], now)
    return number


def wanted(of: Subscription, mode: str, topic: str) -> bool:
    """Whether what a hub asks about is what we want. Pure."""
    if topic != of.topic:
        return False
    return mode in ("denied", "unsubscribe" if of.leaving else "subscribe")


def lease(seconds: str) -> timedelta:
    """For how long a hub promises to push."""
    if not re.fullmatch("[0-9]{1,12}", seconds, re.ASCII):
        return UNSAID
    return min(max(timedelta(seconds=int(seconds)), timedelta(seconds=1)), LONGEST_LEASE)


def _line(text: str) -> str:
    """*text* from outside, for a line of ours."""
    return "".join(c for c in text[:200] if c.isprintable())
