"""Renders the desk's pages: HTML with forms that work without scripts, escaped by default."""

import hashlib
from pathlib import Path
from typing import Any

from starlette.responses import Response

import publish.web
from desk.newsroom.queues import QUEUES
from desk.newsroom.sign_in import Visitor
from publish.web.pages import ICON, PERMISSIONS, templates
from stories.config import Config

_HERE = Path(__file__).parent

_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types desk"
)
"""Nothing of another host, and no script or style in a page. Rows come as HTML, which the policy
``desk`` of our script may take."""

HEADERS = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # With `no-referrer` browsers send our own forms with `Origin: null` (Fetch, "append a request
    # Origin header"), and none would be taken.
    "referrer-policy": "same-origin",
    "permissions-policy": PERMISSIONS,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}

_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


class Pages:
    """The pages of the desk of *config*."""

    def __init__(self, config: Config) -> None:
        style = (Path(publish.web.__file__).parent / "site.css").read_bytes()  # the look of both
        self._files = {
            "desk.css": (style + (_HERE / "static" / "desk.css").read_bytes(), "text/css"),
            "desk.js": ((_HERE / "static" / "desk.js").read_bytes(), "text/javascript"),
        }
        version = hashlib.sha256(b"\0".join(body for body, _ in self._files.values())).hexdigest()
        self._folder = f"/static/{version[:16]}"
        self._jinja = templates(_HERE / "templates")
        self._jinja.globals.update(
            publisher=config.publisher, static=self._folder, queues=QUEUES, site=config.site.url
        )

    def answer(
        self,
        template: str,
        visitor: Visitor,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """*template* filled with *values*, for *visitor*."""
        html = self._jinja.get_template(template).render(visitor=visitor, **values)
        every = {**HEADERS, **(headers or {})}
        return Response(html.encode("utf-8", "replace"), status, every, "text/html")

    def file(self, path: str) -> Response | None:
        """Our own file at *path*; None where there is none."""
        folder, _, name = path.rpartition("/")
        found = self._files.get(name) if folder == self._folder else None
        if found is None:
            return None
        body, kind = found
        return Response(body, 200, {**HEADERS, **_FOREVER}, kind)

    def icon(self) -> Response:
        """The icon of both sites."""
        return Response(ICON, 200, {**HEADERS, "cache-control": "max-age=86400"}, "image/svg+xml")
