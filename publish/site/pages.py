"""Pages for people: plain HTML that works without scripts, escaped by default.

A page is rendered from a view, and kept ready as long as nothing it shows has changed.
"""

import base64
import hashlib
import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from publish.feed import FRESHEST
from publish.site.representation import Representation, represent
from publish.site.wording import legend, unturned
from stories.newsroom import Newsroom
from stories.store.feeds import FORMATS, etag_of

HTML = "text/html; charset=utf-8"

_HERE = Path(__file__).parent

FORMAT_NAMES = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}
FORMAT_TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}

ICON = (_HERE / "icon.svg").read_bytes()

_OPERATORS = ("metrics", "healthz", "readyz", "status")
ROBOTS = "\n".join(["User-agent: *", *(f"Disallow: /{n}" for n in _OPERATORS), ""]).encode()

_PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), usb=()"

KEPT = 300
"""Pages kept ready, of 30 to 90 KB each, packed and not; the rest are made in 4 ms when asked."""


class Kept:
    """The pages asked for last, each with the state it was made of. Safe between threads."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, tuple[object, Representation]] = OrderedDict()

    def get(self, path: str) -> tuple[object, Representation] | None:
        """The page of *path* with its state, None when it is not kept."""
        with self._lock:
            found = self._pages.get(path)
            if found is not None:
                self._pages.move_to_end(path)
            return found

    def put(self, path: str, page: tuple[object, Representation]) -> None:
        """Keep *page*; the one that nobody asked for the longest goes."""
        with self._lock:
            self._pages[path] = page
            self._pages.move_to_end(path)
            while len(self._pages) > self._limit:
                self._pages.popitem(last=False)


class Pages:
    """Renders the pages of *newsroom*; holds nothing but templates and style."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._newsroom = newsroom
        self.root = urlsplit(newsroom.site.url).path.rstrip("/")
        style = (_HERE / "site.css").read_text(encoding="utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.headers = [
            (
                # Nothing runs. Pictures and films come from wherever the agency keeps them.
                "content-security-policy",
                "default-src 'none'; img-src https: http:; media-src https: http:;"
                f" style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
                " frame-ancestors 'none'",
            ),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("permissions-policy", _PERMISSIONS),
            ("cross-origin-opener-policy", "same-origin"),
        ]
        self._jinja = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["unturned"] = unturned
        self._jinja.globals.update(
            publisher=newsroom.publisher,
            site=newsroom.site.url,
            root=self.root,
            # Our own file, not a wire's: its quotation marks must reach the browser as they are.
            style=Markup(style),  # noqa: S704
            formats=[(name, FORMAT_NAMES[name], FORMAT_TYPES[name]) for name in FORMATS],
            feeds=newsroom.outgoing,
            legend=legend(),
        )

    def html(self, template: str, **values: Any) -> bytes:
        """*template* filled with *values*."""
        return self._jinja.get_template(template).render(values).encode("utf-8", "replace")

    def ready(self, html: bytes, modified: datetime | None = None) -> Representation:
        """A page ready to be served, with its security headers and a tag of its bytes."""
        lifetime = int(FRESHEST.total_seconds())
        return represent(
            html,
            etag_of(html),
            HTML,
            modified,
            [("cache-control", f"public, max-age={lifetime}"), *self.headers],
        )
