"""Renders pages from views: plain HTML that works without scripts, escaped by default.

Of the scripts one checks a story's signed statement in the reader's browser, and one copies the
addresses of feeds.
"""

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from publish import licence
from publish.formats import WRITERS
from publish.licence import Licence
from publish.selection import FRESHEST
from publish.web.documents import FORMS
from publish.web.pictures import SIZES
from publish.web.proofs import links
from publish.web.readers import subscribing
from publish.web.representation import Representation, etag_of, represent
from publish.web.wording import legend, without_bidi_marks
from stories.config import Config, is_address

HTML = "text/html; charset=utf-8"

_HERE = Path(__file__).parent

ICON = (_HERE / "icon.svg").read_bytes()
PICTURE = (_HERE / "icon.png").read_bytes()
"""The icon for feeds, whose readers show no SVG."""

SCRIPT = "text/javascript; charset=utf-8"

_OPERATORS = ("metrics", "healthz", "readyz", "status")


def robots(config: Config) -> str:
    """``/robots.txt`` (RFC 9309): the operator's addresses are not for robots. RSL and Sitemaps say
    in it where their documents are."""
    site = config.site.url
    return "\n".join(
        [
            "User-agent: *",
            *(f"Disallow: /{name}" for name in _OPERATORS),
            "",
            f"License: {licence.of_site(config).address(site)}",
            *([f"Sitemap: {site}/sitemap-news.xml"] if config.has_own_pages else []),
            "",
        ]
    )


PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), usb=()"
"""What no page of ours asks of a browser."""

CACHED = 300
"""Pages cached, of 30 to 90 KB each, plain and gzipped; any other is rendered in 4 ms."""


class PageCache:
    """The pages asked for last, each with the state it was rendered from, and when (in seconds) the
    database confirmed that. Thread-safe."""

    def __init__(self, limit: int = CACHED) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, tuple[object, Representation, float]] = OrderedDict()

    def get(self, path: str) -> tuple[object, Representation, float] | None:
        """The page of *path* with its state and time, None when it is not cached."""
        with self._lock:
            found = self._pages.get(path)
            if found is not None:
                self._pages.move_to_end(path)
            return found

    def put(self, path: str, page: tuple[object, Representation, float]) -> None:
        """Cache *page*, in place of the one that was not asked for the longest."""
        with self._lock:
            self._pages[path] = page
            self._pages.move_to_end(path)
            while len(self._pages) > self._limit:
                self._pages.popitem(last=False)


class Scripts:
    """Our scripts, served below an address that changes whenever one of them does."""

    def __init__(self) -> None:
        files = {p.name: p.read_bytes() for p in sorted((_HERE / "static").glob("*.js"))}
        version = hashlib.sha256()
        for name, script in files.items():
            version.update(f"{name}\0{len(script)}\0".encode() + script)
        # In one folder, so that they import each other by name and are never of two versions.
        self.folder = f"/static/{version.hexdigest()[:16]}"
        headers = [("cache-control", "public, max-age=31536000, immutable")]
        self._ready = {
            f"{self.folder}/{name}": represent(script, etag_of(script), SCRIPT, None, headers)
            for name, script in files.items()
        }

    def addresses(self) -> list[str]:
        """Where they are."""
        return list(self._ready)

    def get(self, path: str) -> Representation | None:
        """The script at *path*, None when there is none."""
        return self._ready.get(path)


def templates(folder: Path) -> Environment:
    """The templates of a *folder*, which escape what is put in, and take no name for nothing."""
    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["without_bidi_marks"] = without_bidi_marks
    return found


def _origins_of_keys(config: Config) -> list[str]:
    """Where the agencies' key sets are, as scheme and host."""
    found = (urlsplit(wire.keys) for wire in config.wires if wire.keys and is_address(wire.keys))
    return sorted({f"{parts.scheme}://{parts.netloc}" for parts in found})


class Pages:
    """Renders the pages of the site of *config* from templates, style and scripts."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.root = urlsplit(config.site.url).path.rstrip("/")
        style = (_HERE / "site.css").read_text(encoding="utf-8").strip()
        self.scripts = Scripts()
        self.robots = robots(config)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # Pictures and films come from wherever the agency has them.
        policy = (
            "default-src 'none'; img-src https: http:; media-src https: http:;"
            f" style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self';"
            " frame-ancestors 'none'"
        )
        self.headers = _headers(policy)
        # Our scripts run on pages of feeds and stories. They may not make markup of a string, so
        # that no text of a story becomes markup.
        scripted = (
            f"{policy}; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
        )
        self._headers_of_feeds = _headers(scripted)
        # That of a story's page asks this site, and agencies for their keys, alone.
        asked = "".join(f" {origin}" for origin in _origins_of_keys(config))
        self._headers_of_story = _headers(f"{scripted}; connect-src 'self'{asked}")
        self._jinja = templates(_HERE / "templates")
        self._jinja.globals.update(
            publisher=config.publisher,
            site=config.site.url,
            root=self.root,
            # Our own file, not a wire's: its quotation marks must not be escaped.
            style=Markup(style),  # noqa: S704
            formats=[
                (format, writer.name, writer.content_type.partition(";")[0])
                for format, writer in WRITERS.items()
            ],
            documents=[
                (name, form.name, form.content_type.partition(";")[0])
                for name, form in FORMS.items()
            ],
            feeds=config.public_feeds,
            legend=legend(),
            subscribing=subscribing,
            sizes=SIZES,
            searchable=config.site.is_searched,
            scripts=f"{self.root}{self.scripts.folder}",
        )

    def html(self, template: str, **values: Any) -> bytes:
        """*template* filled with *values*."""
        return self._jinja.get_template(template).render(values).encode("utf-8", "replace")

    def ready(
        self,
        html: bytes,
        under: Licence,
        modified: datetime | None = None,
        story: str | None = None,
        searched: Sequence[tuple[str, str]] = (),
    ) -> Representation:
        """The page *html* (of *story*, whose statement it checks), *under* a licence, ready to be
        served.

        It gets security headers, those *searched* by search engines, the digest of its bytes as
        tag, and links to what statements are checked with.
        """
        lifetime = int(FRESHEST.total_seconds())
        headers = self._headers_of_feeds if story is None else self._headers_of_story
        return represent(
            html,
            etag_of(html),
            HTML,
            modified,
            [("cache-control", f"public, max-age={lifetime}"), *headers, *searched],
            under.headers(self._config.site.url, links(self._config, story)),
        )


def _headers(policy: str) -> list[tuple[str, str]]:
    return [
        ("content-security-policy", policy),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", PERMISSIONS),
        ("cross-origin-opener-policy", "same-origin"),
    ]
