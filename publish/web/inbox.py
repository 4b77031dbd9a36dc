"""``POST /wires/NAME``: copy that an agency sends to us, kept before it is answered.

The body is the same as a poll would bring. Its sender proves that it has the wire's secret, by
``Authorization: Bearer SECRET``, or by an HMAC of the body in ``X-Hub-Signature-256`` or
``X-Hub-Signature`` (``sha256=`` and hex, as WebSub §8 and others write it). 2xx says that the body
is stored; the same body again is answered the same, and stored once.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from publish.web.allowance import Allowance
from publish.web.sent import RefusedError, body_of, later
from stories import clock
from stories.config import Config, Wire
from stories.db import SQLAlchemyError, Store, captures, outbox, wires
from stories.errors import StoreError
from stories.models import body_digest

RETRIED = timedelta(days=1)
"""For how long the same body is taken for a sender's second try. Later it may be news again."""

UNPROVEN = 8
"""Bodies that are read at once of senders who have proven nothing yet: an HMAC needs the body."""

BURST = 200
"""Bodies of one wire that are taken at once, by each web process."""

A_SECOND = 10.0
"""And how many a second after those."""

_KEPT = frozenset({"content-type", "content-language", "date", "last-modified", "link"})
"""Headers that say something of the body, and are kept with it."""

log = structlog.get_logger(__name__)


class Inbox:
    """Takes what is sent to the wires of *config* that are sent to us; *came* is called whenever
    some is stored; *monotonic* in seconds."""

    def __init__(
        self,
        config: Config,
        store: Store,
        came: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._came = came
        self._wires = {wire.name: wire for wire in config.wires if wire.way == "push"}
        self._most = max((wire.max_bytes for wire in self._wires.values()), default=0)
        self._longest = max((w.timeout.total_seconds() for w in self._wires.values()), default=0.0)
        # Of a wire that is not there: which are, nobody can tell by how we answer, or how soon.
        self._nobody = secrets.token_hex(24)
        self._allowances = {name: Allowance(monotonic, BURST, A_SECOND) for name in self._wires}
        self._reading = 0

    async def receive(self, request: Request) -> Response:
        """Take one body, or say why not."""
        if not self._wires:
            raise HTTPException(404)
        try:
            wire, body = await self._proven(request)
            if len(body) > wire.max_bytes:
                raise RefusedError(413, f"more than {wire.max_bytes:,} bytes")
            if not body:
                raise RefusedError(400, "the body is empty")
            if (wait := self._allowances[wire.name].wait()) > 0:
                raise RefusedError(429, "too many at once", {"retry-after": str(int(wait) + 1)})
            return await run_in_threadpool(self._keep, wire, request, body)
        except RefusedError as refused:
            return refused.response

    async def _proven(self, request: Request) -> tuple[Wire, bytes]:
        """The wire and the body of a sender who has its secret.

        :raises RefusedError: where that is not proven, or the body cannot be had.
        """
        wire = self._wires.get(str(request.path_params["name"]))
        secret = wire.secret.get_secret_value() if wire and wire.secret else self._nobody
        bearer, signature = credentials(request.headers)
        proven = bearer is not None and is_secret(bearer, secret)
        if not proven and signature is None:
            raise _unproven()
        if not proven and self._reading >= UNPROVEN:
            raise RefusedError(503, "too many are being read; send it again", {"retry-after": "5"})
        self._reading += not proven
        try:
            # How long and how large it may be tells nobody which wires there are.
            body = await body_of(request, self._most, self._longest)
        finally:
            self._reading -= not proven
        if wire is None or not (proven or is_signed(body, signature or "", secret)):
            raise _unproven()
        return wire, body

    def _keep(self, wire: Wire, request: Request, body: bytes) -> Response:
        """Store *body* and the wish to have it taken in; answered once that is committed."""
        digest = body_digest(body)
        try:
            with self._store.write() as conn:
                now = clock.now()
                row = wires.lock(conn, [wire.name]).get(wire.name)
                if row is None or not row.configured:  # it was renamed, by a newer configuration
                    raise later()
                number = captures.received(conn, wire.name, digest, now - RETRIED)
                if number is not None:
                    return _taken(200, number)
                number = captures.add(conn, wire.name, now, wire.url, kept_headers(request), body)
                wires.note_push(conn, wire.name, digest, now)
                outbox.want(conn, "ingest", [wire.name], now)
        except (SQLAlchemyError, StoreError) as error:
            log.warning("not taken", wire=wire.name, error=f"{type(error).__name__}: {error}")
            raise later() from error
        log.info("captured", wire=wire.name, capture=number)
        self._came()
        return _taken(201, number)


def kept_headers(request: Request) -> list[tuple[str, str]]:
    """The headers that are kept with a body that was sent to us."""
    return [(k, v) for k, v in request.headers.items() if k in _KEPT]


def credentials(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The bearer token and the signature that *headers* carry, None for what is not there."""
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    bearer = given.strip() if scheme.lower() == "bearer" else None
    return bearer, headers.get("x-hub-signature-256") or headers.get("x-hub-signature")


def is_secret(given: str, secret: str) -> bool:
    """Whether *given* is *secret*; as long for every wrong one."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def is_signed(
    body: bytes, signature: str, secret: str, methods: Collection[str] = ("sha256",)
) -> bool:
    """Whether *signature*, ``METHOD=HEX`` by one of *methods*, is *body*'s HMAC by *secret*."""
    method, _, given = signature.strip().partition("=")
    if (method := method.lower()) not in methods:
        return False
    made = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(given.lower().encode("utf-8", "replace"), made.encode())


def _taken(status: int, number: int) -> Response:
    return Response(
        json.dumps({"capture": number}) + "\n",
        status,
        {"cache-control": "no-store"},
        "application/json",
    )


def _unproven() -> RefusedError:
    text = "no such wire, or not its secret"
    return RefusedError(401, text, {"www-authenticate": 'Bearer realm="Wirecopy"'})
