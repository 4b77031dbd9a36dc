"""A relay in front of a server's socket, which can stop passing things on without a word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, make_url


class Relay:
    """Passes on what comes on a port of this machine to the Unix socket at *to*, and what is
    answered. While ``frozen`` it takes everything and passes nothing on; a connection by which a
    message with ``cut_at`` comes is closed, both ways, once it was passed on (``late``) or instead.
    """

    def __init__(self, to: Path) -> None:
        self._to = to
        self.frozen = threading.Event()
        self.cut_at: bytes | None = None
        self.late = False
        self.taken = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self.taken += 1
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._to))
                self._open += [near, far]
                cut = threading.Event()
                for way in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass, args=(*way, cut), daemon=True).start()

    def _pass(
        self, one: socket.socket, other: socket.socket, asks: bool, cut: threading.Event
    ) -> None:
        with suppress(OSError):
            while said := one.recv(65536):
                if self.frozen.is_set():
                    continue
                if cut.is_set():  # it was done, and nobody hears of it
                    break
                if asks and self.cut_at is not None and self.cut_at in said:
                    cut.set()
                    if not self.late:
                        break
                other.sendall(said)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close everything."""
        for each in (self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def relayed(url: str) -> Iterator[tuple[Relay, str]]:
    """A relay in front of the PostgreSQL of *url*, which is on a Unix socket; and the URL by which
    clients come to it."""
    parts: URL = make_url(url)
    relay = Relay(Path(str(parts.query["host"])) / ".s.PGSQL.5432")
    through = parts.set(host="127.0.0.1", port=relay.port).difference_update_query(["host"])
    try:
        yield relay, through.render_as_string(hide_password=False)
    finally:
        relay.close()
