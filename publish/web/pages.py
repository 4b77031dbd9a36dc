"""Pages for people: plain HTML that works without scripts, escaped by default.

One script there is: on a story's page it checks the signed statement in the reader's browser.

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

from publish.formats import WRITERS
from publish.selection import FRESHEST
from publish.web.proofs import links
from publish.web.representation import Representation, represent
from publish.web.wording import legend, unturned
from stories.config import Config
from stories.db.feeds import etag_of

HTML = "text/html; charset=utf-8"

_HERE = Path(__file__).parent

ICON = (_HERE / "icon.svg").read_bytes()

SCRIPT = "text/javascript; charset=utf-8"

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


class Scripts:
    """Our own scripts, ready to be served below an address that changes whenever they do."""

    def __init__(self) -> None:
        files = {p.name: p.read_bytes() for p in sorted((_HERE / "static").glob("*.js"))}
        told = hashlib.sha256()
        for name, script in files.items():
            told.update(f"{name}\0{len(script)}\0".encode() + script)
        # All below one folder, so that they find each other by name and are never of two makes.
        self.folder = f"/static/{told.hexdigest()[:16]}"
        headers = [("cache-control", "public, max-age=31536000, immutable")]
        self._ready = {
            f"{self.folder}/{name}": represent(script, etag_of(script), SCRIPT, None, headers)
            for name, script in files.items()
        }

    def get(self, path: str) -> Representation | None:
        """The script at *path*, None when none is there."""
        return self._ready.get(path)


class Pages:
    """Renders the pages of *newsroom*; holds nothing but templates, style and scripts."""

    def __init__(self, config: Config) -> None:
        self._newsroom = config
        self.root = urlsplit(config.site.url).path.rstrip("/")
        style = (_HERE / "site.css").read_text(encoding="utf-8").strip()
        self.scripts = Scripts()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # Nothing runs. Pictures and films come from wherever the agency keeps them.
        policy = (
            "default-src 'none'; img-src https: http:; media-src https: http:;"
            f" style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        self.headers = _headers(policy)
        # Here our own script runs and asks this site alone. It makes no markup of any string, so
        # that nothing that stands in a story can.
        self.checking = _headers(
            f"{policy}; script-src 'self'; connect-src 'self';"
            " require-trusted-types-for 'script'; trusted-types 'none'"
        )
        self._jinja = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["unturned"] = unturned
        self._jinja.globals.update(
            publisher=config.publisher,
            site=config.site.url,
            root=self.root,
            # Our own file, not a wire's: its quotation marks must reach the browser as they are.
            style=Markup(style),  # noqa: S704
            formats=[
                (format, writer.name, writer.content_type.partition(";")[0])
                for format, writer in WRITERS.items()
            ],
            feeds=config.outgoing,
            legend=legend(),
            scripts=f"{self.root}{self.scripts.folder}",
        )

    def html(self, template: str, **values: Any) -> bytes:
        """*template* filled with *values*."""
        return self._jinja.get_template(template).render(values).encode("utf-8", "replace")

    def ready(
        self, html: bytes, modified: datetime | None = None, story: str | None = None
    ) -> Representation:
        """A page (of *story*, which it checks) ready to be served, with its security headers, a
        tag of its bytes, and where to find what its statements are checked with."""
        lifetime = int(FRESHEST.total_seconds())
        headers = self.headers if story is None else self.checking
        return represent(
            html,
            etag_of(html),
            HTML,
            modified,
            [("cache-control", f"public, max-age={lifetime}"), *headers],
            [("link", links(self._newsroom, story))],
        )


def _headers(policy: str) -> list[tuple[str, str]]:
    return [
        ("content-security-policy", policy),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", _PERMISSIONS),
        ("cross-origin-opener-policy", "same-origin"),
    ]
