"""The HTTP client: many wires asked at once from one loop, each answer whole or an error by name.

::

    with Client() as client:
        for response in client.fetch(requests, user_agent=newsroom.agent):  # as they complete
            ...

A wire is never believed. Every address is judged before it is connected to, and again before a
request goes out on a kept connection (``net/ssrf.py``); every redirect is decided here, not by
the library; a body is taken whole or not at all (``net/decoder.py``); and nothing that a wire does
holds up another one. Of HTTP (RFC 9110, RFC 9112) this is what polls need: GET, conditional by both
validators (§13.1), up to five redirects (§15.4), gzip (§8.4.1.3).

Deliberately not used:

* HTTP/2: on a shared connection one stalled or broken stream hits all wires of a host.
* The environment's proxies: a proxy resolves names itself, so no address could be judged.
* Cookies, ``.netrc``, ``Alt-Svc``, HSTS: a poll depends on its request and on nothing older.
* libcurl's total timeout: it would run on while the caller is busy between two responses.
"""

import select
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType

import pycurl

from net.request import STATES, Hop, Request, Response, State
from net.transfer import Exchange
from stories.errors import FetchError

__all__ = ["STATES", "Client", "Hop", "Request", "Response", "State", "fetch"]

LOOK_AGAIN = 0.1
"""Seconds until it is asked again who gave no request just now."""


def fetch(
    requests: Iterable[Request], *, user_agent: str, concurrency: int = 50
) -> Iterator[Response]:
    """:meth:`Client.fetch` of a client that lives for this one call."""
    with Client() as client:
        yield from client.fetch(requests, user_agent=user_agent, concurrency=concurrency)


class Client:
    """Asks many wires at once; keeps connections, TLS sessions and looked-up names in between.

    For one thread of one process: a worker makes its own after it was forked. Closing waits for
    look-ups that hang, until the system's resolver gives them up.
    """

    def __init__(self) -> None:
        self._idle: list[Exchange] = []
        self._active: dict[object, Exchange] = {}
        self._done: deque[Response] = deque()
        self._busy = False
        self._away = 0.0  # seconds spent in callers
        self._timer: float | None = None  # when libcurl wants to be called
        # select(2) cannot watch descriptors over 1023, epoll is Linux's alone; poll(2) will do.
        self._poll = select.poll()
        self._watched: set[int] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. The client is of no use afterwards."""
        while self._idle:
            self._idle.pop().curl.close()
        self._multi.close()

    def fetch(
        self, requests: Iterable[Request | None], *, user_agent: str, concurrency: int = 50
    ) -> Iterator[Response]:
        """One response for each request, in order of completion; never raises for a bad wire.

        *requests* is read as places become free; at most *concurrency* are under way at once. None
        among them says that there are more, and that none may be begun just now. The time that the
        caller takes between two responses is charged to no wire. One call at a time.
        """
        if self._busy:
            raise RuntimeError("this client is at work: end its running fetch(), or make another")
        self._busy = True
        coming, more = iter(requests), True
        try:
            while True:
                longest = 1.0
                while more and len(self._active) + len(self._done) < max(1, concurrency):
                    try:
                        request = next(coming)
                    except StopIteration:
                        more = False
                    else:
                        if request is None:
                            longest = LOOK_AGAIN
                            break
                        self._begin(request, user_agent)
                if self._done:
                    response = self._done.popleft()
                    left = time.monotonic()
                    yield response
                    self._returned(time.monotonic() - left)
                elif self._active or more:
                    self._turn(longest)
                else:
                    return
        finally:
            for exchange in list(self._active.values()):
                self._release(exchange)
            self._done.clear()
            self._busy = False

    def _now(self) -> float:
        # Durations only, so no matter for stories.clock, which may stand still. This clock does
        # so while the caller is busy.
        return time.monotonic() - self._away

    def _begin(self, request: Request, user_agent: str) -> None:
        exchange = self._idle.pop() if self._idle else Exchange(self._now)
        exchange.begin(request, user_agent)
        self._ask(exchange, request.url)

    def _ask(self, exchange: Exchange, url: str) -> None:
        try:
            exchange.aim(url)
        except FetchError as error:
            self._end(exchange, exchange.response(error))
        else:
            self._active[exchange.curl] = exchange
            self._multi.add_handle(exchange.curl)

    def _settle(self, curl: object, code: int, text: str) -> None:
        exchange = self._active[curl]
        outcome = exchange.outcome(code, text)
        if isinstance(outcome, Response):
            self._end(exchange, outcome)
        else:
            del self._active[curl]
            self._multi.remove_handle(curl)
            self._ask(exchange, outcome)

    def _end(self, exchange: Exchange, response: Response) -> None:
        self._release(exchange)
        self._done.append(response)

    def _release(self, exchange: Exchange) -> None:
        if self._active.pop(exchange.curl, None):
            self._multi.remove_handle(exchange.curl)
        exchange.forget()
        self._idle.append(exchange)

    def _returned(self, seconds: float) -> None:
        self._away += seconds
        if seconds > 0.05:
            for exchange in self._active.values():
                exchange.extend_connecting(seconds)

    def _turn(self, longest: float) -> None:
        """Wait until there is something to do, at most *longest* seconds; do it, and see what has
        ended by it."""
        wait = longest
        if self._active:
            wait = min(wait, min(e.due for e in self._active.values()) - self._now())
        if self._timer is not None:
            wait = min(wait, self._timer - time.monotonic())
        # Rounded up: waking a moment too early would mean turning again and again until then.
        events = self._poll.poll(int(max(0.0, wait) * 1000 + 0.999))
        for descriptor, event in events:
            failed = event & (select.POLLERR | select.POLLHUP | select.POLLNVAL)
            what = pycurl.CSELECT_IN if failed or event & select.POLLIN else 0
            what |= pycurl.CSELECT_OUT if failed or event & select.POLLOUT else 0
            self._multi.socket_action(descriptor, what)
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        queued = 1
        while queued:
            queued, good, bad = self._multi.info_read()
            for curl in good:
                self._settle(curl, pycurl.E_OK, "")
            for curl, code, text in bad:
                self._settle(curl, code, text)
        now = self._now()
        for exchange in [e for e in self._active.values() if e.due <= now]:
            self._end(exchange, exchange.response(exchange.overdue()))

    def _watch(self, what: int, descriptor: int, multi: object, data: object) -> None:
        """libcurl's wish to be told about *descriptor*."""
        if what != pycurl.POLL_REMOVE:
            events = select.POLLIN if what & pycurl.POLL_IN else 0
            events |= select.POLLOUT if what & pycurl.POLL_OUT else 0
            self._poll.register(descriptor, events)
            self._watched.add(descriptor)
        elif descriptor in self._watched:
            self._watched.remove(descriptor)
            self._poll.unregister(descriptor)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000
