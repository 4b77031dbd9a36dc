"""The load generator: one process, connections kept alive, the next request after each answer.

    python -m bench.client HOST PORT PATH CONNECTIONS SECONDS [ETAG]

asks for one address for so many seconds and prints the counts as JSON. It uses plain sockets,
because it must be several times faster than any server it measures.
"""

import json
import re
import socket
import sys
import time

from bench.cost import Stopwatch

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_ROOM = 1 << 20


class Connection:
    """One connection: sends the request, reads whole answers (RFC 9112 §6) with a stated length."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self._socket = socket.create_connection(address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._room = bytearray(_ROOM)
        self._view = memoryview(self._room)

    def send(self) -> None:
        """Ask."""
        self._socket.sendall(self._request)

    def receive(self) -> tuple[int, int]:
        """Status and length in bytes of the answer, head included."""
        have, head = 0, -1
        while head < 0:
            have += self._more(have)
            head = self._room.find(b"\r\n\r\n", 0, have)
        status = int(self._room[9:12])
        found = _LENGTH.search(self._room, 0, head + 2)
        whole = head + 4 + (int(found[1]) if found and status != 304 else 0)
        while have < whole:
            have += self._more(have)
        if have > whole:
            raise RuntimeError("the server sent more than it was asked for")
        return status, whole

    def body(self, length: int) -> tuple[bytes, bytes]:
        """Head and body of the answer just received."""
        head, _, body = bytes(self._room[:length]).partition(b"\r\n\r\n")
        return head, body

    def _more(self, have: int) -> int:
        if have == len(self._room):
            raise RuntimeError(f"an answer of more than {_ROOM:,} bytes")
        got = self._socket.recv_into(self._view[have:])
        if not got:
            raise RuntimeError("the server closed the connection")
        return got

    def close(self) -> None:
        """Close the connection."""
        self._view.release()
        self._socket.close()


def request(host: str, path: str, etag: str = "") -> bytes:
    """A GET, conditional when *etag* is given."""
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{condition}\r\n".encode()


def ask(address: tuple[str, int], path: str) -> tuple[int, bytes, bytes]:
    """Status, head and body of one answer."""
    connection = Connection(address, request(address[0], path))
    connection.send()
    status, length = connection.receive()
    head, body = connection.body(length)
    connection.close()
    return status, head, body


def header(head: bytes, name: str) -> str:
    """The value of the field *name* in *head*, empty when it is not there."""
    found = re.search(rb"\r\n" + name.encode() + rb":\s*([^\r]*)", head, re.IGNORECASE)
    return found[1].decode("latin-1") if found else ""


def load(
    address: tuple[str, int], path: str, connections: int, seconds: float, etag: str
) -> dict[str, float]:
    """Ask for *path* for *seconds*: answers, wall and CPU seconds, and how many were 200 or 304."""
    asked = request(address[0], path, etag)
    every = [Connection(address, asked) for _ in range(connections)]
    counts = {200: 0, 304: 0}
    for connection in every:  # the first answers find out, warm up and do not count
        connection.send()
        connection.receive()
    end = time.perf_counter() + seconds
    with Stopwatch() as watch:
        for connection in every:
            connection.send()
        while time.perf_counter() < end:
            for connection in every:
                status, _ = connection.receive()
                counts[status] += 1
                connection.send()
        for connection in every:
            status, _ = connection.receive()
            counts[status] += 1
    for connection in every:
        connection.close()
    cost = watch.cost
    return {"wall": cost.wall, "cpu": cost.cpu, "200": counts[200], "304": counts[304]}


def main(host: str, port: str, path: str, connections: str, seconds: str, etag: str = "") -> None:
    """Be one client."""
    print(json.dumps(load((host, int(port)), path, int(connections), float(seconds), etag)))


if __name__ == "__main__":
    main(*sys.argv[1:])
