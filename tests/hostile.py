"""A real HTTP server on loopback that behaves as badly as it is told to.

::

    with hostile.serve() as server:
        server.answer("/feed.xml", body, {"ETag": '"1"'})   # may be called again, to change it
        server.route("/odd", lambda exchange: exchange.send(b"anything at all"))
        ...                                                 # ask server.url + "/feed.xml"
        assert server.seen("/feed.xml")[0].header("user-agent")

The paths of :data:`SCRIPTS` are there from the start. It speaks raw sockets, because a proper
server library would not send what a broken or wicked one does. One thread per connection; every
script gives up when the client has gone or the server stops.
"""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import zstandard

CERTIFICATE = Path(__file__).with_name("hostile.pem")
"""Of a TLS server here, for 127.0.0.1 and localhost; set SSL_CERT_FILE to it to trust it."""

FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Test agency</title><link>https://agency.example/</link>
<description>Loopback</description><item><guid isPermaLink="false">1</guid>
<title>Rain stops play</title><description>It rained.</description></item></channel></rss>
"""

REASONS = {200: "OK", 304: "Not Modified", 404: "Not Found", 410: "Gone"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived. ``target`` is the request target, ``headers`` have lower-case names
    and are in order; ``connection`` numbers the connections of the server from 1.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    connection: int
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The last value of each name in the target's query."""
        return {k: v[-1] for k, v in parse_qs(urlsplit(self.target).query).items()}

    def header(self, name: str) -> str | None:
        """The first header of that name (lower case), None without one."""
        return next((value for known, value in self.headers if known == name), None)


@dataclass(slots=True)
class Exchange:
    """One request being answered. A script sends what it likes, then returns.

    The connection is closed afterwards unless the script set ``keep``.
    """

    seen: Seen
    server: "Server"
    _socket: socket.socket
    keep: bool = False

    def send(self, data: bytes) -> None:
        """Send *data* as it is."""
        self._socket.sendall(data)

    def reply(
        self, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """A proper response with its Content-Length (unless *headers* hold one); keeps alive."""
        fields = dict(headers or {})
        if status not in (204, 304) and "content-length" not in {n.lower() for n in fields}:
            fields["Content-Length"] = str(len(body))
        self.head(status, fields)
        if status not in (204, 304):
            self.send(body)
        self.keep = True

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """A status line and headers, and the blank line after them."""
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def pause(self, seconds: float) -> None:
        """Wait, at most until the server stops or the client has gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.server.stopping.wait(min(left, 0.05)):
                raise ConnectionAbortedError("the server stops")
            if not isinstance(self._socket, ssl.SSLSocket):
                with contextlib.suppress(BlockingIOError):
                    if not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                        raise ConnectionAbortedError("the client has gone")

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


Handler = Callable[[Exchange], object]


@dataclass
class Server:
    """The running server: where it is, what it was asked, what it answers."""

    host: str
    port: int
    scheme: str = "http"
    requests: list[Seen] = field(default_factory=list, repr=False)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    connections: int = 0
    _routes: dict[str, Handler] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def route(self, path: str, handler: Handler) -> None:
        """Have *handler* answer every request for *path* from now on."""
        self._routes[path] = handler

    def answer(
        self,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> None:
        """Answer *path* with this from now on.

        A 200 whose *headers* hold ``ETag`` or ``Last-Modified`` is conditional: the request that
        brings the same validator gets a 304 (RFC 9110 §13.2.2: the ETag decides if it brings both).
        """
        fields = dict(headers or {})
        validators = {name.lower(): value for name, value in fields.items()}

        def handler(exchange: Exchange) -> None:
            match = exchange.seen.header("if-none-match")
            since = exchange.seen.header("if-modified-since")
            if match is not None:
                fresh = match == validators.get("etag")
            else:
                fresh = since is not None and since == validators.get("last-modified")
            if fresh and status == 200:
                exchange.reply(304, fields)
            else:
                exchange.reply(status, fields, body)

        self.route(path, handler)

    def seen(self, path: str) -> list[Seen]:
        """The requests for *path* so far, in order of arrival."""
        return [request for request in self.requests if request.path == path]

    def handler(self, path: str) -> Handler:
        """What answers *path*: 404 where nothing was registered."""
        return self._routes.get(path, _missing)


@contextmanager
def serve(
    *, host: str = "127.0.0.1", tls: bool = False, hello_after: float = 0.0
) -> Iterator[Server]:
    """A server on a free port of *host*, for as long as the block runs.

    With *tls* it has :data:`CERTIFICATE`, and answers a hello after *hello_after* seconds.
    """
    listener = socket.create_server((host, 0), backlog=256)
    server = Server(host, listener.getsockname()[1], "https" if tls else "http")
    for path, script in SCRIPTS.items():
        server.route(path, script)
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    open_sockets: set[socket.socket] = set()
    lock = threading.Lock()
    threads: list[threading.Thread] = []

    def talk(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # whatever the client does to us, it has gone
            if context:
                server.stopping.wait(hello_after)
                connection = context.wrap_socket(connection, server_side=True)
            with lock:
                open_sockets.add(connection)
            _converse(server, connection, number)
        with contextlib.suppress(OSError):
            connection.close()
        with lock:
            open_sockets.discard(connection)

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with lock:
                open_sockets.add(connection)
            thread = threading.Thread(target=talk, args=(connection, server.connections))
            thread.start()
            threads[:] = [t for t in threads if t.is_alive()] + [thread]

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        server.stopping.set()
        with contextlib.suppress(OSError):  # wakes accept() on Linux; elsewhere closing does
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        with lock:
            for connection in open_sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _converse(server: Server, connection: socket.socket, number: int) -> None:
    received = b""
    while not server.stopping.is_set():
        while b"\r\n\r\n" not in received:
            more = connection.recv(65536)
            if not more:
                return
            received += more
            if received[0] == 0x16:  # a TLS hello to a server that speaks none
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
        head, _, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        fields = tuple((n.lower(), v.strip()) for n, _, v in (x.partition(":") for x in lines))
        length = int(dict(fields).get("content-length", "0"))
        while len(received) < length:
            if not (more := connection.recv(65536)):
                return
            received += more
        seen = Seen(method, target, fields, number, received[:length])
        received = received[length:]
        server.requests.append(seen)
        exchange = Exchange(seen, server, connection)
        server.handler(seen.path)(exchange)
        if not exchange.keep:
            return


# The scripts. Each is one bad habit that has been met, or one attack that is known.


def _missing(exchange: Exchange) -> None:
    exchange.reply(404, {"Content-Type": "text/plain"}, b"nothing here\n")


def _rounds(exchange: Exchange, most: int = 1_000_000) -> Iterator[int]:
    """For ever, in effect: the client is expected to go, and sending then fails."""
    for turn in range(most):
        if exchange.server.stopping.is_set():
            return
        yield turn


def _conditional(exchange: Exchange) -> None:
    """Both validators, odd as they are met: weak, with a byte beyond ASCII, with white space."""
    etag, modified = 'W/"caf\xe9 \xa0"', "Sun, 22 Nov 2026 06:00:00 IST"
    fields = {"ETag": etag, "Last-Modified": modified, "Content-Type": "application/rss+xml"}
    seen = exchange.seen
    if seen.header("if-none-match") == etag and seen.header("if-modified-since") == modified:
        # RFC 9110 §8.6: the length that a 200 would have had; no body follows.
        exchange.reply(304, {**fields, "Content-Length": str(10**12)})
    else:
        exchange.reply(200, fields, FEED)


def _gzipped(body: bytes) -> Handler:
    return lambda exchange: exchange.reply(200, {"Content-Encoding": "gzip"}, body)


def _coded(*codings: str) -> Handler:
    fields = {"Content-Encoding": ", ".join(codings)}
    return lambda exchange: exchange.reply(200, fields, FEED)


def bomb(mebibytes: int) -> bytes:
    """A gzip stream of that many MiB of zeros, about a thousandth as long, made in no time."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # RFC 1952 §2.3
    return header + block * mebibytes


def _endless_members(exchange: Exchange) -> None:
    """Empty gzip members for ever: nothing decoded ever comes of it."""
    exchange.head(200, {"Content-Encoding": "gzip"})
    empty = gzip.compress(b"") * 500
    for _ in _rounds(exchange):
        exchange.send(empty)


def _trickle(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": "1000000"})
    for _ in _rounds(exchange):
        exchange.send(b".")
        exchange.pause(0.02)


def _slow(exchange: Exchange) -> None:
    """A whole feed, but over ``seconds``, in twenty pieces."""
    seconds = float(exchange.seen.query["seconds"])
    exchange.head(200, {"Content-Length": str(len(FEED))})
    step = len(FEED) // 20 + 1
    for start in range(0, len(FEED), step):
        exchange.pause(seconds / 20)
        exchange.send(FEED[start : start + step])
    exchange.keep = True


def _stall(exchange: Exchange) -> None:
    exchange.pause(600)


def _stall_body(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": "1000"})
    exchange.send(b"<rss>")
    exchange.pause(600)


def _stall_chunked(exchange: Exchange) -> None:
    exchange.head(200, {"Transfer-Encoding": "chunked"})
    exchange.send(b"5\r\n<rss>\r\n")
    exchange.pause(600)


def _endless_chunked(exchange: Exchange) -> None:
    exchange.head(200, {"Transfer-Encoding": "chunked"})
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    for _ in _rounds(exchange):
        exchange.send(chunk)


def _endless_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    for turn in _rounds(exchange):
        exchange.send(f"X-{turn}: {'a' * 200}\r\n".encode())


def _endless_line(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in _rounds(exchange):
        exchange.send(b"a" * 4096)


def _endless_interim(exchange: Exchange) -> None:
    """Interim responses (RFC 9110 §15.2) without end, and never the real one."""
    for _ in _rounds(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")


def _endless_trailers(exchange: Exchange) -> None:
    exchange.head(200, {"Transfer-Encoding": "chunked"})
    exchange.send(b"1\r\nx\r\n0\r\n")
    for turn in _rounds(exchange):
        exchange.send(f"X-{turn}: {'a' * 200}\r\n".encode())


def _interim(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n")
    exchange.reply(200, {"ETag": '"real"'}, FEED)


def _trailer(exchange: Exchange) -> None:
    """A trailer that would like to be a header."""
    exchange.head(200, {"Transfer-Encoding": "chunked", "ETag": '"real"'})
    exchange.send(b"%x\r\n%s\r\n0\r\nETag: late\r\n\r\n" % (len(FEED), FEED))
    exchange.keep = True


def _folded(exchange: Exchange) -> None:
    """An obsolete folded header line (RFC 9112 §5.2)."""
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 0\r\n\r\n")


def _short(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": str(len(FEED) + 100)})
    exchange.send(FEED)


def _unended_chunks(exchange: Exchange) -> None:
    """The connection closes without the last chunk (RFC 9112 §8: incomplete)."""
    exchange.head(200, {"Transfer-Encoding": "chunked"})
    exchange.send(b"%x\r\n%s\r\n" % (len(FEED), FEED))


def _unframed(exchange: Exchange) -> None:
    """Neither length nor chunks: the body ends with the connection, which is allowed."""
    exchange.head(200)
    exchange.send(FEED)


def _two_lengths(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 500\r\n\r\n<rss>")


def _huge(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": "9" * 18})
    for _ in _rounds(exchange):
        exchange.send(bytes(65536))


def _reset_body(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": "1000"})
    exchange.send(b"<rss>")
    exchange.pause(0.05)  # so that what was sent is read before the reset throws it away
    exchange.reset()


def _stale(exchange: Exchange) -> None:
    """Promises to keep the connection and closes it."""
    exchange.reply(200, {"Connection": "keep-alive"}, FEED)
    exchange.keep = False


def _redirect(exchange: Exchange) -> None:
    """To ``to`` with ``status``."""
    query = exchange.seen.query
    exchange.reply(int(query.get("status", "302")), {"Location": query["to"]}, b"over there\n")


def _chain(exchange: Exchange) -> None:
    """``left`` more redirects of ``status``, then the feed; relative Locations."""
    query = exchange.seen.query
    left, status = int(query["left"]), int(query.get("status", "301"))
    if left:
        exchange.reply(status, {"Location": f"chain?left={left - 1}&status={status}"}, b"moved\n")
    else:
        exchange.reply(200, {}, FEED)


def _redirect_endlessly(exchange: Exchange) -> None:
    """A redirect whose own body never ends."""
    exchange.head(302, {"Location": "/good", "Transfer-Encoding": "chunked"})
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    for _ in _rounds(exchange):
        exchange.send(chunk)


def _echo(exchange: Exchange) -> None:
    """The request's header lines, as JSON."""
    exchange.reply(200, {}, json.dumps(exchange.seen.headers).encode())


def _unavailable_endlessly(exchange: Exchange) -> None:
    exchange.head(503, {"Retry-After": "120", "Transfer-Encoding": "chunked"})
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    for _ in _rounds(exchange):
        exchange.send(chunk)


def _unavailable_cut(exchange: Exchange) -> None:
    exchange.head(503, {"Retry-After": "120", "Content-Length": "1000"})
    exchange.send(b"<html>")


SCRIPTS: dict[str, Handler] = {
    "/good": lambda exchange: exchange.reply(200, {"Content-Type": "application/rss+xml"}, FEED),
    "/empty": lambda exchange: exchange.reply(200),
    "/conditional": _conditional,
    "/gzip": _gzipped(gzip.compress(FEED)),
    "/gzip/unsaid": lambda exchange: exchange.reply(200, {}, gzip.compress(FEED)),
    "/gzip/again": _gzipped(gzip.compress(gzip.compress(FEED))),
    "/zstd": lambda exchange: exchange.reply(
        200, {"Content-Encoding": "zstd"}, zstandard.compress(FEED)
    ),
    "/gzip/members": _gzipped(gzip.compress(FEED[:100]) + gzip.compress(FEED[100:])),
    "/gzip/padded": _gzipped(gzip.compress(FEED) + bytes(512)),
    "/gzip/cut": _gzipped(gzip.compress(FEED)[:-9]),
    "/gzip/lie": _gzipped(FEED),
    "/gzip/empty": _gzipped(b""),
    "/gzip/bomb": _gzipped(bomb(1024)),
    "/gzip/endless-members": _endless_members,
    "/gzip/twice": _coded("gzip", "gzip"),
    "/brotli": _coded("br"),
    "/coded-as-utf-8": _coded("utf-8"),
    "/trickle": _trickle,
    "/slow": _slow,
    "/stall": _stall,
    "/stall-body": _stall_body,
    "/stall-chunked": _stall_chunked,
    "/endless-chunked": _endless_chunked,
    "/endless-headers": _endless_headers,
    "/endless-line": _endless_line,
    "/endless-interim": _endless_interim,
    "/endless-trailers": _endless_trailers,
    "/interim": _interim,
    "/trailer": _trailer,
    "/folded": _folded,
    "/short": _short,
    "/unended-chunks": _unended_chunks,
    "/unframed": _unframed,
    "/two-lengths": _two_lengths,
    "/huge": _huge,
    "/reset": lambda exchange: exchange.reset(),
    "/reset-body": _reset_body,
    "/hang-up": lambda exchange: None,
    "/stale": _stale,
    "/garbage": lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(range(256))),
    "/version-0.9": lambda exchange: exchange.send(FEED),
    "/bad-chunk": lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nwhat?\r\n"
    ),
    "/redirect": _redirect,
    "/chain": _chain,
    "/loop": lambda exchange: exchange.reply(302, {"Location": "/loop/back"}),
    "/loop/back": lambda exchange: exchange.reply(301, {"Location": "/loop"}),
    "/nowhere": lambda exchange: exchange.reply(302),
    "/redirect-endlessly": _redirect_endlessly,
    "/echo": _echo,
    "/busy": lambda exchange: exchange.reply(429, {"Retry-After": "120"}, b"slow down\n"),
    "/unavailable": lambda exchange: exchange.reply(503, {"Retry-After": "120"}, b"later\n"),
    "/unavailable/endlessly": _unavailable_endlessly,
    "/unavailable/cut": _unavailable_cut,
    "/gone": lambda exchange: exchange.reply(410, {}, b"gone\n"),
}
