"""``POST /hub``: who asks to be told of changes of a feed, or no more (W3C WebSub §5.1).

What is asked for is noted and answered 202. Whether the callback wants it, a worker asks there
(:mod:`publish.push`).
"""

import secrets
import time
from collections.abc import Callable

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from publish.hub import RefusedError, asked
from publish.web import sent
from publish.web.allowance import Allowance
from stories import clock
from stories.config import Config
from stories.db import SQLAlchemyError, Store, subscriptions
from stories.db.subscriptions import Wish
from stories.errors import StoreError

LARGEST = 16 * 1024
"""Bytes of a form: a callback, a topic, a secret."""

SECONDS = 5.0
"""In which a form has to come."""

BURST, A_SECOND = 2_000, 50.0
"""Wishes that are noted at once, and how many a second after those, by each web process: a reader
of many feeds subscribes to all of them when it starts."""

log = structlog.get_logger(__name__)


class Hub:
    """Takes what is asked of the hub of *config*; *monotonic* in seconds."""

    def __init__(
        self, config: Config, store: Store, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._store = store
        self._allowance = Allowance(monotonic, BURST, A_SECOND)

    async def receive(self, request: Request) -> Response:
        """Note one wish, or say why not."""
        if not self._config.is_hub:
            raise HTTPException(404)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if kind != "application/x-www-form-urlencoded":
                raise RefusedError(415, "send a form, application/x-www-form-urlencoded")
            wish = asked(self._config, await sent.body_of(request, LARGEST, SECONDS))
            if self._allowance.wait() > 0:
                raise RefusedError(429, "too many ask at once; ask again shortly")
            await run_in_threadpool(self._note, wish)
        except sent.RefusedError as refused:
            return refused.response
        except RefusedError as refused:
            wait = {"retry-after": "10"} if refused.status in (429, 503) else {}
            return sent.plain(refused.status, str(refused), wait)
        return sent.plain(202, "the callback will be asked whether it wants that")

    def _note(self, wish: Wish) -> None:
        try:
            with self._store.write() as conn:
                noted = subscriptions.ask(conn, wish, secrets.token_urlsafe(32), clock.now())
        except (SQLAlchemyError, StoreError) as error:
            log.warning("not noted", error=f"{type(error).__name__}: {error}")
            raise RefusedError(503, "it cannot be noted now; ask again") from error
        if not noted:
            log.warning("too many subscriptions", host=wish.host, feed=wish.feed)
            raise RefusedError(429, "there are too many subscriptions; ask again later")
