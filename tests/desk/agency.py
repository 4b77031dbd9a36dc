"""The demo's agency in tests: what stands on its wires, a clock and a connection to hold."""

import http.client
import socket
from urllib.parse import urlsplit

from desk.demo import newswire
from desk.demo.items import WireItem
from desk.demo.newswire import Script


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = 0.0

    def __call__(self) -> float:
        return self.moment


class Client:
    """One kept connection to the agency."""

    def __init__(self, base: str, clock: Hand) -> None:
        self.base = base
        self.clock = clock
        self.address = str(urlsplit(base).hostname), urlsplit(base).port or 0
        self.connection = http.client.HTTPConnection(*self.address, timeout=20)

    def ask(
        self, path: str, method: str = "GET", /, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=named)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back for *data* until the agency closes."""
        with socket.create_connection(self.address, timeout=20) as wire:
            wire.sendall(data)
            received = b""
            while piece := wire.recv(65536):
                received += piece
        return received


def stories_at(script: Script, wire: int, moment: float) -> tuple[WireItem, ...]:
    """The stories on *wire* at *moment*, newest date first."""
    editions = newswire.standing(script, wire, moment).editions
    return tuple(newswire.item(script, edition) for edition in editions)
