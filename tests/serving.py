"""An ASGI application on a real server and port, in a thread of the test."""

import asyncio
import gzip
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from publish.web.app import App
from tests.processes import until


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its headers by name in lower case, its body as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, unpacked if it was packed."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


@dataclass(frozen=True, slots=True)
class Port:
    """Where a server listens on loopback."""

    number: int

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Answer:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.number, timeout=60)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            found = connection.getresponse()
            told = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, told, found.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Everything that comes back on a connection on which *request* asks for its end."""
        with socket.create_connection(("127.0.0.1", self.number), timeout=60) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def open(self) -> bool:
        """True when somebody listens."""
        try:
            socket.create_connection(("127.0.0.1", self.number), timeout=5).close()
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(app: App, number: int = 0) -> Iterator[Port]:
    """*app* behind the server that carries it in earnest, until the block ends; on the port of that
    *number*, or any."""
    port = Port(number or free_port())
    held: list[tuple[asyncio.AbstractEventLoop, Any]] = []

    async def run() -> None:
        server: Any = Server(
            app,
            port=port.number,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            backpressure=1024,
            log_enabled=False,
        )
        server.workers_kill_timeout = 10
        held.append((asyncio.get_running_loop(), server))
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    until(port.open)
    try:
        yield port
    finally:
        loop, server = held[0]
        loop.call_soon_threadsafe(server.stop)
        thread.join(60)
        assert not thread.is_alive()
