"""The HTTP client: fetches many wires at once in one loop; a response is whole, or a named error.

::

    with Client() as client:
        for response in client.fetch(requests, user_agent=config.agent):  # as they complete
            ...

Nothing that a server sends is trusted. Every address is checked before it is connected to, and
again before a request goes out on a kept connection (``net/ssrf.py``); where a proxy connects,
no host is asked for whose name says that it is inside. Every redirect is decided here, not by the
library; a body is taken whole or not at all (``net/decoder.py``); no server can
delay another wire. Of HTTP (RFC 9110, RFC 9112) this is what polls need: GET, conditional by both
validators (§13.1), up to five redirects (§15.4), packed bodies (§8.4.1).

Deliberately not used:

* HTTP/2: on a shared connection one stalled or broken stream hits all wires of a host.
* ``.netrc``, ``Alt-Svc``, HSTS, cookies beyond the redirects of one request: a poll depends on its
  request and on nothing older.
* libcurl's total timeout: it would run on while the caller is busy between two responses.
"""

import os
import re
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, get_args
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import pycurl

from net.decoder import OFFERED, Body
from net.errors import FetchError
from net.ssrf import inside, is_loopback, refusal, same_origin, shown, web_url

State = Literal[
    "bad-url",
    "bad-header",
    "dns",
    "forbidden-address",
    "refused",
    "tls",
    "timeout",
    "reset",
    "protocol",
    "proxy",
    "redirects",
    "too-large",
    "truncated",
]
STATES: Final[tuple[str, ...]] = get_args(State)
"""Every ``state`` of a :class:`~net.errors.FetchError` that the client returns."""

PERMANENT = frozenset({301, 308})
"""Statuses of a permanent redirect (RFC 9110 §15.4.2, §15.4.9)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One poll of one wire.

    ``etag`` and ``last_modified`` are sent verbatim as If-None-Match and If-Modified-Since, both,
    every time. A body with the name *known* (:attr:`Response.sent`) is not decoded. ``headers`` are
    the wire's own and may be secrets: they are kept out of ``repr`` and
    messages, and are sent to the origin of ``home`` (``url``, where that is empty) only, never to
    another one that a redirect leads to (RFC 9110 §15.4). ``timeout`` is in seconds, for the whole
    transfer.
    ``max_bytes`` limits the body as sent and as decoded; a larger one is refused, not cut.
    ``proxy`` is the address of one, empty for none, None for the environment's (HTTPS_PROXY …).
    ``client_cert`` and ``client_key`` are paths of PEM files, and go where ``headers`` go.
    A *body* is sent by POST; its Content-Type is among the ``headers``. Without *follow* a redirect
    is the answer. After the moment ``sent_by`` (:func:`time.monotonic`) it is not sent any more: a
    process that was stopped wakes when others have sent what is newer.
    """

    wire: str
    url: str = field(repr=False)
    etag: str | None = None
    last_modified: str | None = None
    known: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    home: str = field(default="", repr=False)
    proxy: str | None = field(default=None, repr=False)
    client_cert: str | None = None
    client_key: str | None = None
    allow_private: bool = False
    timeout: float = 30.0
    max_bytes: int = 16 * 1024 * 1024
    body: bytes | None = field(default=None, repr=False)
    follow: bool = True
    sent_by: float = inf


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed: its status, from which URL and to which, both absolute."""

    status: int
    url: str = field(repr=False)
    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """How one request ended.

    Any status is a response: 404, 429 and 503 are no errors here, even when their body breaks off
    or is too large (``body`` is then empty). ``error`` is set when there is no whole response;
    ``status`` (0 for none), ``url`` and ``headers`` then say how far it got, and ``body`` is empty.
    ``url`` is the last one requested. ``headers`` are those of the last response as received, names
    in lower case, order and repetitions kept, and decoded as ISO 8859-1, so that validators are
    sent back byte for byte. ``withheld`` are the names of the request's own headers if ``url`` was
    not sent them. ``sent`` names the body of a 200 as it was sent, where that was coded; if that is
    what the request says is ``known``, the body is left empty and ``same`` set.
    """

    wire: str
    status: int
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    hops: tuple[Hop, ...]
    error: FetchError | None
    withheld: tuple[str, ...] = ()
    sent: str | None = None
    same: bool = False

    @property
    def moved_to(self) -> str | None:
        """The final URL if every hop to it was permanent (301, 308), else None."""
        permanent = self.hops and all(hop.status in PERMANENT for hop in self.hops)
        return self.url if permanent and self.error is None else None


WITHHELD = "were not sent there, as it is another host than that of its url"
"""Of a wire's own headers, in messages."""

ASK_AGAIN_SECONDS = 0.1
"""Seconds until an iterator of requests that gave None is asked again."""

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json,"
    " application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)
MAX_REDIRECTS = 5
MAX_HEADER_BYTES = 64 * 1024
"""Of one response with its interim ones; real servers stay under 16 KiB."""
MAX_REDIRECT_BODY = 64 * 1024
"""A longer body is not read to its end only to keep the connection."""
CONNECT_SECONDS = 15.0
"""To resolve, connect and shake hands. More than the 10 s after which a system's resolver usually
gives up: its error says more than ours."""
SILENCE_SECONDS = 30.0
"""Most seconds between two pieces of one body, also for a wire with a long timeout."""
LONGEST_SECONDS = 3600.0
"""The longest timeout that a request can have; a wire's is shorter (``stories.config``)."""

_FOLLOWED = frozenset({301, 302, 303, 307, 308})
_BODILESS = frozenset({204, 304})  # a 304 may state the length that a 200 would have (§8.6)
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110 §5.1
_LINE_BREAK = re.compile(r"[\r\n\0]")
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-9][0-9]{2})")  # RFC 9112 §4
_BLANK = " \t\r\n"  # str.strip would take bytes off an ETag that are not white space in HTTP

_REMEDIES: dict[State, str] = {
    "bad-url": "correct the wire's url",
    "bad-header": "correct the wire's headers",
    "dns": "check the host name in the wire's url, and this machine's resolver",
    "forbidden-address": "no wire may be there: set its url to the agency's public address",
    "refused": "check host and port in the wire's url; the next poll tries again",
    "tls": "have the agency correct its certificate, or name the authority in SSL_CERT_FILE",
    "timeout": "the next poll tries again; raise the wire's timeout if it is always this slow",
    "reset": "the next poll tries again; ask the agency if it stays so",
    "protocol": "check that the wire's url is a feed's; ask the agency if it stays so",
    "proxy": "check the wire's proxy, or HTTPS_PROXY and NO_PROXY in the environment",
    "redirects": "set the wire's url to where the feed really is",
    "too-large": "ask the agency",
    "truncated": "nothing was kept, the next poll tries again",
}

_E_PROXY = 97  # CURLE_PROXY, a handshake with it; unnamed in pycurl
_E_TOO_LARGE = 100  # CURLE_TOO_LARGE, a header line beyond libcurl's own limit; unnamed in pycurl
_STATES: dict[int, State] = {
    pycurl.E_URL_MALFORMAT: "bad-url",
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy",
    _E_PROXY: "proxy",
    _E_TOO_LARGE: "too-large",
    pycurl.E_COULDNT_CONNECT: "refused",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CACERT_BADFILE: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_ISSUER_ERROR: "tls",
    pycurl.E_SSL_INVALIDCERTSTATUS: "tls",
    pycurl.E_USE_SSL_FAILED: "tls",
}

_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, the BSDs
)

_AUTHORITY_OPTIONS = (
    (pycurl.CAINFO, pycurl.PROXY_CAINFO),
    (pycurl.CAPATH, pycurl.PROXY_CAPATH),
)
_WANTS_CERTIFICATE = re.compile("certificate required|peer did not return a certificate")

_NOTHING = Request("", "")


class Client:
    """Fetches many wires at once; keeps connections, TLS sessions and resolved names in between.

    For one thread of one process: a worker makes its own after it was forked. Closing waits for
    name look-ups that hang, until the system's resolver gives them up. Once *stopping* says so,
    what is under way is given up within a second, without a response.
    """

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self._stopping = stopping
        self._idle: list[Transfer] = []
        self._active: dict[object, Transfer] = {}
        self._done: deque[Response] = deque()
        self._busy = False
        self._away = 0.0  # seconds spent in callers
        self._timer: float | None = None  # when libcurl must be called
        # select(2) cannot watch descriptors over 1023, and epoll exists on Linux only.
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
        """Close every connection. The client cannot be used afterwards."""
        while self._idle:
            self._idle.pop().curl.close()
        self._multi.close()

    def fetch(
        self, requests: Iterable[Request | None], *, user_agent: str, concurrency: int = 50
    ) -> Iterator[Response]:
        """Yield one response for each request, in order of completion; never raises for a bad wire.

        See :meth:`fetch_together`, of which this is the single responses.
        """
        groups = self.fetch_together(requests, user_agent=user_agent, concurrency=concurrency)
        with closing(groups):
            for responses in groups:
                yield from responses

    def fetch_together(
        self,
        requests: Iterable[Request | None],
        *,
        user_agent: str,
        concurrency: int = 50,
        company: float = 0.0,
    ) -> Generator[list[Response], None, None]:
        """Yield one response for each request, those together that come within *company* seconds of
        the first, in order of completion; never raises for a bad wire.

        *requests* is read as places become free; at most *concurrency* are under way at once. None
        among them means that more will come and that none may be started now. The time that the
        caller takes between two responses counts against no wire's timeout. One call at a time.
        """
        if self._busy:
            raise RuntimeError("this client is in use: end its running fetch(), or make another")
        self._busy = True
        coming, more = iter(requests), True
        first: float | None = None  # when the first response came of those that wait
        try:
            while True:
                longest = 1.0
                more = not self._given_up() and more
                while more and len(self._active) + len(self._done) < max(1, concurrency):
                    try:
                        request = next(coming)
                    except StopIteration:
                        more = False
                    else:
                        if request is None:
                            longest = ASK_AGAIN_SECONDS
                            break
                        self._begin(request, user_agent)
                now = time.monotonic()
                first = (first or now) if self._done else None
                waits = 0.0 if first is None else first + company - now
                if first is not None and waits > 0 and self._active:
                    self._handle_events(min(longest, waits))
                elif self._done:
                    responses = list(self._done)
                    self._done.clear()
                    yield responses
                    first = None
                    self._caller_returned(time.monotonic() - now)
                elif self._active or more:
                    self._handle_events(longest)
                else:
                    return
        finally:
            self._release_all()
            self._done.clear()
            self._busy = False

    def _now(self) -> float:
        # This clock stands still while the caller is busy between two responses.
        return time.monotonic() - self._away

    def _given_up(self) -> bool:
        """Give up what is under way if this process is told to end; whether it is."""
        if self._stopping():
            self._release_all()
            return True
        return False

    def _release_all(self) -> None:
        for transfer in list(self._active.values()):
            self._release(transfer)

    def _begin(self, request: Request, user_agent: str) -> None:
        transfer = self._idle.pop() if self._idle else Transfer(self._now)
        transfer.begin(request, user_agent)
        self._ask(transfer, request.url)

    def _ask(self, transfer: "Transfer", url: str) -> None:
        try:
            transfer.prepare(url)
        except FetchError as error:
            self._end(transfer, transfer.response(error))
        else:
            self._active[transfer.curl] = transfer
            self._multi.add_handle(transfer.curl)

    def _complete(self, curl: object, code: int, text: str) -> None:
        transfer = self._active[curl]
        outcome = transfer.outcome(code, text)
        if isinstance(outcome, Response):
            self._end(transfer, outcome)
        else:
            del self._active[curl]
            self._multi.remove_handle(curl)
            self._ask(transfer, outcome)

    def _end(self, transfer: "Transfer", response: Response) -> None:
        self._release(transfer)
        self._done.append(response)

    def _release(self, transfer: "Transfer") -> None:
        if self._active.pop(transfer.curl, None):
            self._multi.remove_handle(transfer.curl)
        transfer.reset()
        self._idle.append(transfer)

    def _caller_returned(self, seconds: float) -> None:
        self._away += seconds
        if seconds > 0.05:
            for transfer in self._active.values():
                transfer.extend_connecting(seconds)

    def _handle_events(self, longest: float) -> None:
        """Wait for events, at most *longest* seconds, handle them, and end what is complete or
        overdue."""
        wait = longest
        if self._active:
            wait = min(wait, min(e.due for e in self._active.values()) - self._now())
        if self._timer is not None:
            wait = min(wait, self._timer - time.monotonic())
        # Rounded up: woken a moment too early, the loop would spin until the time has come.
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
                self._complete(curl, pycurl.E_OK, "")
            for curl, code, text in bad:
                self._complete(curl, code, text)
        now = self._now()
        for transfer in [e for e in self._active.values() if e.due <= now]:
            self._end(transfer, transfer.response(transfer.timeout_error()))

    def _watch(self, what: int, descriptor: int, multi: object, data: object) -> None:
        """libcurl says which events on *descriptor* it waits for."""
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


class _Socket(socket.socket):
    """A socket closed with its last reference: pycurl duplicates the descriptor it is given."""

    def __del__(self) -> None:
        self.close()


class Transfer:
    """A libcurl handle, reused, and the one request that it carries now.

    Everything that a hostile server can send passes here: resolved addresses, headers, redirects,
    body. Each is checked when it comes, so nothing is held in memory that will be refused.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.curl: Any = pycurl.Curl()
        self._now = now
        self._proxies = getproxies_environment()
        self._authorities = authorities()
        self._set_up()
        self.deadline = 0.0
        self.reset()

    def _set_up(self) -> None:
        """Give the handle the options that all requests have."""
        web = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROTOCOLS, web),
            (pycurl.REDIR_PROTOCOLS, web),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.NOPROXY, ""),  # which names are asked without one is decided here
            (pycurl.COOKIEFILE, ""),  # no file: kept in memory, until reset()
            (pycurl.USERAGENT, "Wirecopy"),  # what a proxy is told
            (pycurl.KEYPASSWD, ""),  # instead of asking a terminal
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.OPENSOCKETFUNCTION, self._on_address),
            (pycurl.PREREQFUNCTION, self._on_connection),
            (pycurl.HEADERFUNCTION, self._on_header),
            (pycurl.WRITEFUNCTION, self._on_body),
        ):
            self.curl.setopt(option, value)
        for options, path in zip(_AUTHORITY_OPTIONS, self._authorities, strict=True):
            for option in options if path else ():
                self.curl.setopt(option, path)
        self._connect_ms = 0
        self._certificate: tuple[str | None, str | None] = (None, None)

    def begin(self, request: Request, user_agent: str) -> None:
        """Start *request*; its timeout runs from here."""
        self.request = request
        self.user_agent = user_agent
        self.url = request.url
        self.hops: tuple[Hop, ...] = ()
        self.withheld: tuple[str, ...] = ()
        self.started = self._now()
        limit = request.timeout if request.timeout > 0 else 0.0  # NaN is not greater, either
        self.deadline = self.started + min(limit, LONGEST_SECONDS)
        self._clear()

    def reset(self) -> None:
        """Drop the request and all that came of it, before the handle is idle."""
        self.request = _NOTHING
        self.hops = ()
        self._asked: set[object] = set()
        self.curl.setopt(pycurl.COOKIELIST, "ALL")  # erases them
        self._clear()

    def _clear(self) -> None:
        self.due = self.deadline
        self._lines: list[bytes] = []
        self._header_bytes = 0
        self._headed = False  # the final response's headers are complete
        self._status = 0
        self._fields: tuple[tuple[str, str], ...] = ()
        self._body: Body | None = None
        self._fault: FetchError | None = None  # why a callback ended the transfer
        self._forbidden: tuple[str, str] | None = None
        self._tried = False  # some address was let through
        self._connected = False
        self._proxy = ""

    def prepare(self, url: str) -> None:
        """Set the handle up to request *url*: the request's own, or a redirect's.

        :raises FetchError: the URL or a header cannot be sent.
        """
        self._clear()
        self.url = url
        self.url = web_url(url)
        own = same_origin(self.url, self.request.home or self.request.url)
        fields = _fields(self.request, self.user_agent, own)
        self._asked.add((self.url, self._cookies()))
        self._prove(own)
        self._go_through(self.request.proxy)
        self.withheld = () if own else self._own()
        self.curl.setopt(pycurl.URL, self.url)
        # libcurl joins what it is told so with the cookies of this chain of redirects.
        if cookie := fields.pop("cookie", None):
            self.curl.setopt(pycurl.COOKIE, _field_line(*cookie).partition(b": ")[2])
        else:
            self.curl.unsetopt(pycurl.COOKIE)
        lines = [_field_line(*each) for each in fields.values()]
        if (body := self.request.body) is None:
            self.curl.setopt(pycurl.HTTPGET, 1)
        else:
            self.curl.setopt(pycurl.POST, 1)
            self.curl.setopt(pycurl.POSTFIELDS, body)
            # Without 100-continue, which costs a second at servers that do not know it.
            lines.append(b"Expect:")
        self.curl.setopt(pycurl.HTTPHEADER, lines)
        self._allow_connecting(int(CONNECT_SECONDS * 1000))

    def _own(self) -> tuple[str, ...]:
        """Names of what is for the wire's own origin only."""
        names = tuple(name for name, _ in self.request.headers)
        return (*names, "client certificate") if self.request.client_cert else names

    def _cookies(self) -> tuple[str, ...]:
        return tuple(sorted(self.curl.getinfo(pycurl.INFO_COOKIELIST)))

    def _prove(self, own: bool) -> None:
        """Show the wire's certificate to its *own* origin, and to no other."""
        cert = self.request.client_cert if own else None
        wanted = (cert, self.request.client_key or cert) if cert else (None, None)
        if wanted == self._certificate:
            return
        self.curl.reset()  # as pycurl cannot take a certificate back; connections stay
        self._set_up()
        for option, path in zip((pycurl.SSLCERT, pycurl.SSLKEY), wanted, strict=True):
            if path:
                self.curl.setopt(option, path)
        self._certificate = wanted

    def _go_through(self, proxy: str | None) -> None:
        """Have *proxy* asked for the host of the URL, or that of the environment if it is None.

        :raises FetchError: when it would be asked for a host inside, which nothing else guards.
        """
        address = urlsplit(self.url)
        self._proxy = self._proxy_for(address) if proxy is None else proxy
        self.curl.setopt(pycurl.PROXY, self._proxy)
        if not self._proxy:
            return
        host = address.hostname or ""
        if reason := inside(host, allow_private=self.request.allow_private):
            raise _fault("forbidden-address", f"its host {host} is {reason}")

    def _proxy_for(self, address: SplitResult) -> str:
        """The environment's proxy for *address*: none for this machine itself."""
        found = self._proxies.get(address.scheme) or self._proxies.get("all") or ""
        if not found:
            return ""
        host = address.hostname or ""
        return "" if is_loopback(host) or proxy_bypass(host, self._proxies) else found

    def extend_connecting(self, seconds: float) -> None:
        """Extend the time to connect by *seconds* in which the caller was busy."""
        if not self._connected:
            self._allow_connecting(self._connect_ms + int(seconds * 1000))

    def _allow_connecting(self, milliseconds: int) -> None:
        if milliseconds != self._connect_ms:
            self._connect_ms = milliseconds
            self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, milliseconds)

    def _on_address(self, purpose: int, candidate: Any) -> Any:
        """Check a resolved address; libcurl calls for each one, on each hop, before connecting."""
        if candidate.family not in (socket.AF_INET, socket.AF_INET6):
            return pycurl.SOCKET_BAD
        if self._refuses(candidate.addr[0]):
            return pycurl.SOCKET_BAD
        try:
            opened = _Socket(candidate.family, candidate.socktype, candidate.protocol)
        except OSError:  # no descriptor left, or no IPv6 on this machine: another may do
            return pycurl.SOCKET_BAD
        self._tried = True
        return opened

    def _on_connection(self, address: str, local: str, port: int, local_port: int) -> Any:
        """Check the connection, new or kept, that is about to carry the request.

        A kept one may have been opened for another wire, whose private addresses are allowed.
        """
        self._connected = True
        late = time.monotonic() >= self.request.sent_by
        if late:
            self._fault = self.timeout_error()
        return pycurl.PREREQFUNC_ABORT if late or self._refuses(address) else pycurl.PREREQFUNC_OK

    def _refuses(self, address: str) -> bool:
        if self._proxy:  # its own address, which the operator chose
            return False
        reason = refusal(address, allow_private=self.request.allow_private)
        if reason:
            self._forbidden = (address, reason)
        return reason is not None

    def _on_header(self, line: bytes) -> int | None:
        try:
            self._take_header(line)
        except FetchError as error:
            return self._refuse(error)
        return None

    def _on_body(self, data: bytes) -> int | None:
        try:
            self._take_body(data)
        except FetchError as error:
            return self._refuse(error)
        return None

    def _refuse(self, error: FetchError) -> int:
        """For a callback: fewer bytes than libcurl offered, so it ends the transfer."""
        self._fault = error
        return 0

    def _take_header(self, line: bytes) -> None:
        self._header_bytes += len(line)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _fault("too-large", f"its headers are over {MAX_HEADER_BYTES:,} bytes")
        if not self._connected:
            return  # a proxy's answer to CONNECT (RFC 9110 §9.3.6)
        if self._headed:
            return  # trailers (RFC 9110 §6.5) count towards the limit and are ignored
        if line.strip(b"\r\n"):
            self._lines.append(line)
            return
        match = _STATUS.match(self._lines[0]) if self._lines else None
        if match is None:
            raise _fault("protocol", "its answer does not begin with a status line")
        status, fields = int(match[1]), _parse_fields(self._lines[1:])
        self._lines.clear()
        if status >= 200:  # else interim (RFC 9110 §15.2): the real one is still to come
            self._headed, self._status, self._fields = True, status, fields
            self._heard()
            self._expect_body()

    def _expect_body(self) -> None:
        """Prepare for the body, or refuse it already by its headers."""
        if self._status in _BODILESS:
            return
        if self._status in _FOLLOWED:
            self._body = Body(MAX_REDIRECT_BODY)
            return
        self._body = Body(self.request.max_bytes, self._values("content-encoding"))
        for length in self._values("content-length"):
            if length.isascii() and length.isdigit():  # libcurl refuses what is none, or two
                self._body.announce(int(length[:18]))

    def _take_body(self, data: bytes) -> None:
        self._heard()
        if self._body:
            self._body.feed(data)

    def _heard(self) -> None:
        """Something came: the time for silence starts anew."""
        self.due = min(self.deadline, self._now() + SILENCE_SECONDS)

    def _values(self, name: str) -> list[str]:
        return [value for known, value in self._fields if known == name]

    def outcome(self, code: int, text: str) -> Response | str:
        """What the transfer ended in, by libcurl's *code* and *text*: a response, or the next URL
        to request."""
        try:
            if self._status in _FOLLOWED and self.request.follow:
                return self._follow()
            if self._fault:
                raise self._fault
            if code:
                raise self._failure(code, text)
            if not self._headed:
                raise _fault("protocol", "its answer breaks off in the headers")
            sent = self._body.name() if self._body and self._status == 200 else None
            same = sent is not None and sent == self.request.known
            body = self._body.whole() if self._body and not same else b""
        except FetchError as error:
            return self.response(error)
        return self.response(None, body, sent, same=same)

    def _follow(self) -> str:
        if not (locations := self._values("location")):
            raise _fault("redirects", f"it answers {self._status} without saying where to")
        if len(self.hops) == MAX_REDIRECTS:
            raise _fault("redirects", f"it redirects more than {MAX_REDIRECTS} times")
        # Some servers put raw UTF-8 there; fields are read as ISO 8859-1, so undo that first.
        location = locations[0].encode("latin-1").decode("utf-8", "replace")
        try:
            target = web_url(location, base=self.url)
        except FetchError as error:
            raise FetchError(error.state, f"it redirects to {error}") from None
        if (target, self._cookies()) in self._asked:
            raise _fault("redirects", f"it redirects in a circle, back to {shown(target)}")
        self.hops = (*self.hops, Hop(self._status, self.url, target))
        return target

    def _failure(self, code: int, text: str) -> FetchError:
        if self._forbidden and not self._tried:
            address, reason = self._forbidden
            what = f"its host leads to {address}, {reason}"
            if refusal(address, allow_private=True) is None:
                remedy = "set allow_private = true on the wire if it is meant to live there"
                return _fault("forbidden-address", what, remedy)
            return _fault("forbidden-address", what)
        state = _STATES.get(code, "protocol")
        what, remedy = "".join(c for c in text if c.isprintable())[:200] or f"error {code}", ""
        told = self.curl.getinfo(pycurl.HTTP_CONNECTCODE)
        if self._proxy and not self._connected and (told >= 300 or state in ("refused", "proxy")):
            state = "proxy"
            what = (
                f"its proxy answers {told}" if told >= 300 else f"its proxy cannot be had: {what}"
            )
        elif code == _E_TOO_LARGE:
            what = "one line of its headers is too long"
        elif code == pycurl.E_SSL_CERTPROBLEM:
            remedy = "correct the wire's client_cert and client_key, PEM without a pass phrase"
        elif self.request.client_cert is None and _WANTS_CERTIFICATE.search(text):
            state, remedy = "tls", "set the wire's client_cert to the one that the agency gave"
        elif state == "reset" and self._headed:
            state = "truncated"
        elif state == "timeout" and not self._tried:
            state = "dns"
        return _fault(state, what, remedy)

    def timeout_error(self) -> FetchError:
        """The error of a transfer that is not complete at :attr:`due`."""
        limit = f"{self.deadline - self.started:g} s"
        if not self._tried and not self._connected:
            return _fault("dns", f"its host name was not resolved within {limit}")
        if not self._headed:
            return _fault("timeout", f"no answer within {limit}")
        came = f"{self._body.received if self._body else 0:,} bytes of its body came"
        if self.due < self.deadline:
            return _fault("timeout", f"{came}, then nothing for {SILENCE_SECONDS:g} s")
        return _fault("timeout", f"only {came} within {limit}")

    def response(
        self,
        error: FetchError | None,
        body: bytes = b"",
        sent: str | None = None,
        *,
        same: bool = False,
    ) -> Response:
        """The response, ended by *error* or, with *body*, whole."""
        if error and self._status >= 400:
            error = None  # the status counts, and its Retry-After
        if error:
            came = f" (redirected from {shown(self.hops[0].url)})" if self.hops else ""
            error = FetchError(error.state, f"{shown(self.url)}{came}: {error}")
        return Response(
            wire=self.request.wire,
            status=self._status,
            url=self.url,
            headers=self._fields,
            body=body,
            hops=self.hops,
            error=error,
            withheld=self.withheld,
            sent=sent,
            same=same,
        )


def _fault(state: State, what: str, remedy: str = "") -> FetchError:
    return FetchError(state, f"{what}; {remedy or _REMEDIES[state]}")


def _parse_fields(lines: Iterable[bytes]) -> tuple[tuple[str, str], ...]:
    """Header lines as names in lower case and values without the white space around them.

    Every byte is kept (ISO 8859-1), as an ETag must be sent back unchanged.
    """
    found: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            found.append((name.strip(_BLANK).lower(), value.strip(_BLANK)))
    return tuple(found)


def _fields(request: Request, user_agent: str, own: bool) -> dict[str, tuple[str, str]]:
    """The headers to send, by their names in lower case. The wire's, sent if this is its *own*
    origin, override ours, except Accept-Encoding: only what :class:`Body` decodes may be offered.
    """
    fields = {"user-agent": ("User-Agent", user_agent), "accept": ("Accept", ACCEPT)}
    if request.etag:
        fields["if-none-match"] = ("If-None-Match", request.etag)
    if request.last_modified:
        fields["if-modified-since"] = ("If-Modified-Since", request.last_modified)
    if own:
        fields.update((name.lower(), (name, value)) for name, value in request.headers)
    fields["accept-encoding"] = ("Accept-Encoding", OFFERED)
    return fields


@lru_cache(maxsize=4096)
def _field_line(name: str, value: str) -> bytes:
    if not _FIELD_NAME.fullmatch(name):
        raise _fault("bad-header", f"{name[:40]!r} is not the name of a header")
    if _LINE_BREAK.search(value):  # what follows it would be read as another header (§5.5)
        raise _fault("bad-header", f"the value of {name[:40]} holds a line break or NUL")
    line = (
        f"{name}: {value}" if value.strip(_BLANK) else f"{name};"
    )  # how libcurl is given an empty value
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "replace")


def authorities() -> tuple[str | None, str | None]:
    """The file and the folder of certificate authorities to trust, as far as there are any.

    pycurl's wheels bring their own OpenSSL, whose default paths are those of the machine that built
    it. So, first found: SSL_CERT_FILE and SSL_CERT_DIR, as everywhere; what this Python trusts;
    where systems are known to have them; certifi, if it is installed.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return file, folder
    python = ssl.get_default_verify_paths()
    for path in (python.cafile, *_AUTHORITIES):
        if path and Path(path).is_file():
            return path, None
    if python.capath and any(Path(python.capath).iterdir()):
        return None, python.capath
    try:
        return str(import_module("certifi").where()), None
    except ImportError:
        return None, None
