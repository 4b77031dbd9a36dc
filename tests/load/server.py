"""The agency over HTTP/1.1 (RFC 9112), on loopback: keep-alive, pipelining, faults.

A hand-written protocol on asyncio and nothing besides, so that the agency costs a bench little.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from typing import cast

from desk.demo.items import instant
from desk.demo.server import Clock, running
from stories.errors import WirecopyError
from tests.load.load import Load
from tests.load.site import Answer, Site

_LONGEST_HEAD = 16 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@asynccontextmanager
async def opened(
    load: Load,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    speed: float = 1.0,
) -> AsyncIterator[str]:
    """Serve *load* on the running loop while the block runs; yields the base URL (no slash).

    *port* 0 takes a free one. *clock* gives the moment, by default :func:`running` at *speed*.

    :raises WirecopyError: when the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise WirecopyError(
            f"the simulated agency cannot listen on {host}:{port}: {error.strerror};"
            " name another port, or 0 for any that is free"
        ) from error
    base = f"http://{host}:{listener.getsockname()[1]}"
    desk = _Desk(Site(replace(load, site=base)), clock or running(speed))
    server = await loop.create_server(lambda: _Connection(desk), sock=listener)
    try:
        yield base
    finally:
        server.close()
        for transport in list(desk.open):
            transport.abort()
        await server.wait_closed()
        # Transports that were aborted close their sockets in the loop's next turn.
        await asyncio.sleep(0)


@contextmanager
def serve(
    load: Load,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    speed: float = 1.0,
) -> Iterator[str]:
    """As :func:`opened`, from a thread of its own, for callers without a loop."""
    started: list[str] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def perform() -> None:
        async with opened(load, host=host, port=port, clock=clock, speed=speed) as base:
            started.append(base)
            ready.set()
            await stop.wait()

    def work() -> None:
        try:
            loop.run_until_complete(perform())
        except BaseException as error:  # handed to the thread that waits for us
            failed.append(error)
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=work, name="simulated-agency", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        thread.join()
        raise failed[0]
    try:
        yield started[0]
    finally:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        thread.join()


class _Desk:
    """What all connections share."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site = site
        self.clock = clock
        self.open: set[asyncio.Transport] = set()
        self._second = -1
        self._date = b""

    def moment(self) -> float:
        return max(0.0, self.clock())

    def date(self, moment: float) -> bytes:
        """The Date field: the agency's own time, which at speed 1 from now is the real one."""
        if int(moment) != self._second:
            self._second = int(moment)
            now = instant(self.site.load.epoch, moment).astimezone(UTC)
            self._date = f"Date: {format_datetime(now, usegmt=True)}\r\n".encode()
        return self._date


class _Connection(asyncio.Protocol):
    """One connection: reads requests one after the other, answers each before the next."""

    transport: asyncio.Transport

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.received = b""
        self.waiting = False
        self.later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.desk.open.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.desk.open.discard(self.transport)
        if self.later:
            self.later.cancel()

    def pause_writing(self) -> None:
        self.waiting = True

    def resume_writing(self) -> None:
        if self.later is None:
            self.waiting = False
            self._work()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.waiting:
            self._work()
        elif len(self.received) > _LONGEST_HEAD:
            self.transport.pause_reading()

    def _work(self) -> None:
        while not self.waiting and not self.transport.is_closing():
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                if len(self.received) > _LONGEST_HEAD:
                    self._send(Answer(431), "GET", close=True)
                break
            head, self.received = self.received[:end], self.received[end + 4 :]
            self._request(head.decode("latin-1"))
        if not self.waiting and not self.transport.is_closing():
            self.transport.resume_reading()

    def _request(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            self._send(Answer(400), "GET", close=True)
            return
        method, target, version = words
        if not target.startswith("/"):
            # The absolute form that proxies send, which every server must take (RFC 9112 §3.2.2).
            target = "/" + target.partition("://")[2].partition("/")[2]
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        # The agency reads no bodies; after one, where the next request starts is not known.
        body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        wish = headers.get("connection", "").lower()
        close = body or wish == "close" or (version == "HTTP/1.0" and wish != "keep-alive")
        moment = self.desk.moment()
        answer = self.desk.site.answer(method, target, headers, moment)
        if answer.delay:
            self.waiting = True
            loop = asyncio.get_running_loop()
            self.later = loop.call_later(answer.delay, self._after, answer, method, close)
        else:
            self._send(answer, method, close=close, moment=moment)

    def _after(self, answer: Answer, method: str, close: bool) -> None:
        self.later = None
        self.waiting = False
        self._send(answer, method, close=close)
        self._work()

    def _send(
        self, answer: Answer, method: str, *, close: bool, moment: float | None = None
    ) -> None:
        if answer.reset:
            # Lingering for no time at all makes the kernel send RST and not FIN.
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
            return
        date = self.desk.date(self.desk.moment() if moment is None else moment)
        fields = "".join([f"{name}: {value}\r\n" for name, value in answer.headers])
        length = "" if answer.status == 304 else f"Content-Length: {len(answer.body)}\r\n"
        ending = "Connection: close\r\n\r\n" if close else "\r\n"
        start = f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\n"
        rest = f"X-Simulation: yes\r\n{fields}{length}{ending}"
        body = b"" if method == "HEAD" else answer.body[: answer.cut]
        self.transport.write(b"".join((start.encode(), date, rest.encode("latin-1"), body)))
        if close or (answer.cut is not None and method != "HEAD"):
            self.transport.close()
