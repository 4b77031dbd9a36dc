"""A subscriber on a real port, for tests: it notes all that comes, and answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit


class Came(NamedTuple):
    """A request: its path, the parameters after it, its headers by name in lower case, its body."""

    method: str
    path: str
    asked: dict[str, str]
    headers: dict[str, str]
    body: bytes


def echo(came: Came) -> tuple[int, bytes]:
    """Confirm whatever is asked, take whatever comes."""
    return 200, came.asked.get("hub.challenge", "").encode()


@dataclass
class Subscriber:
    """What came to it; how it answers may be changed at any time."""

    url: str
    answer: Callable[[Came], tuple[int, bytes]] = echo
    came: list[Came] = field(default_factory=list)

    @property
    def asked(self) -> list[dict[str, str]]:
        """What it was asked to confirm, or told of its subscriptions."""
        return [each.asked for each in self.came if each.method == "GET"]

    @property
    def delivered(self) -> list[Came]:
        """What was delivered to it."""
        return [each for each in self.came if each.method == "POST"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


@contextmanager
def subscriber(host: str = "127.0.0.1") -> Iterator[Subscriber]:
    """One that listens on *host* until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            path, _, query = self.path.partition("?")
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            came = Came(self.command, path, asked, headers, body)
            here.came.append(came)
            status, answer = here.answer(came)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{here.url}/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _take  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server((host, 0), Handler)
    here = Subscriber(f"http://{host}:{server.server_port}")
    assert urlsplit(here.url).port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
