"""The agency over HTTP, on loopback."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from desk.demo.items import instant
from desk.demo.newswire import Script
from desk.demo.site import answer
from stories.errors import WirecopyError

Clock = Callable[[], float]
"""Seconds since the agency started: the moment."""


def running(speed: float = 1.0) -> Clock:
    """A clock that starts now and runs *speed* times as fast as time does."""
    start = time.monotonic()
    return lambda: (time.monotonic() - start) * speed


@contextmanager
def serve(script: Script, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve *script* from a thread while the block runs; yields the base URL (no slash).

    *port* 0 takes a free one.

    :raises WirecopyError: when the address cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept
        wbufsize = -1  # head and body in one packet
        timeout = 60

        def answer(self) -> None:
            moment = max(0.0, clock())
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = answer(shown, self.path, headers, moment)
            # The agency's own time: at speed 1 from now it is the real one.
            date = instant(shown.epoch, moment).astimezone(UTC)
            self.send_response_only(found.status)
            self.send_header("Date", format_datetime(date, usegmt=True))
            self.send_header("X-Simulation", "yes")
            for name, value in found.headers:
                self.send_header(name, value)
            if found.status != 304:
                self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(found.body)

        do_GET = do_HEAD = answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: object) -> None:
            """Log nothing."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise WirecopyError(
            f"the simulated agency cannot listen on {host}:{port}: {error.strerror};"
            " name another port, or 0 for any that is free"
        ) from error
    base = f"http://{host}:{server.server_port}"
    shown = replace(script, site=base)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
