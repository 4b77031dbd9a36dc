"""An agency's hub, and the feed that names it (W3C WebSub): what comes on one wire is pushed."""

import hashlib
import hmac
import secrets
import urllib.request
from collections import deque
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.hostile import Exchange, Server

LEASE = 60
"""Seconds for which it promises to push, whatever it is asked for: it is asked again half-way."""

PATIENCE = 10.0
"""Seconds until it gives up, and tries again."""


class Hub:
    """On *server*, with its feed. Whoever subscribes is asked first, and pushed to until it takes
    what is pushed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._asked: deque[dict[str, str]] = deque()
        self._secrets: dict[str, str] = {}
        """By the path of each callback."""
        self.verified = 0
        server.route("/hub", self._receive)

    @property
    def feed(self) -> str:
        """The feed's address, which is its topic."""
        return f"{self._server.url}/feed"

    def shows(self, document: bytes) -> None:
        """The feed is *document* from now on."""
        links = f'</hub>; rel="hub", <{self.feed}>; rel="self"'
        tag = hashlib.sha256(document).hexdigest()[:16]
        self._server.answer("/feed", document, {"Link": links, "ETag": f'"{tag}"'})

    def _receive(self, exchange: Exchange) -> None:
        form = parse_qs(exchange.seen.body.decode())
        self._asked.append({name: values[0] for name, values in form.items()})
        exchange.reply(202)

    def verify(self, web: str) -> bool:
        """Ask who asked whether they did, at *web*; whether anybody is subscribed.

        :raises OSError: while nobody answers; it is asked again.
        """
        while self._asked:
            form = self._asked[0]
            path, challenge = urlsplit(form["hub.callback"]).path, secrets.token_hex(16)
            asked = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"]}
            asked |= {"hub.challenge": challenge, "hub.lease_seconds": str(LEASE)}
            with urllib.request.urlopen(f"{web}{path}?{urlencode(asked)}", timeout=PATIENCE) as got:
                if got.read().decode() == challenge:
                    self._secrets[path] = form["hub.secret"]
                    self.verified += 1
            self._asked.popleft()
        return bool(self._secrets)

    def push(self, document: bytes, web: str) -> None:
        """Push *document* to all, at *web*.

        :raises OSError: where one has not taken it; all are pushed to again.
        """
        for path, secret in self._secrets.items():
            signed = hmac.new(secret.encode(), document, hashlib.sha256).hexdigest()
            told = {"X-Hub-Signature": f"sha256={signed}", "Content-Type": "application/rss+xml"}
            request = urllib.request.Request(f"{web}{path}", document, told)
            with urllib.request.urlopen(request, timeout=PATIENCE):
                pass  # any other answer than 2xx is an error here
