"""How the library fetches documents by default: urllib, https only, bounded in size and time."""

import ipaddress
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from .encoding import LARGEST_DOCUMENT

SECONDS = 60
"""How long one document may take."""

_AT_ONCE = 4  # politeness: this asks one site for many small things
_AGENT = {"User-Agent": "Wirecopy/1.0 (verify)"}


def fetch(urls: Sequence[str]) -> dict[str, bytes]:
    """The documents at *urls*, by address, of those that could be had (status 200).

    By https, or by http from this machine, of at most :data:`~wirecopy.encoding.LARGEST_DOCUMENT`
    bytes within :data:`SECONDS` each. Redirects are followed within one host alone.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        bodies = pool.map(_fetch_one, urls)
        return {url: body for url, body in zip(urls, bodies, strict=True) if body is not None}


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the same scheme and host only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SameHost)


def _fetch_one(url: str) -> bytes | None:
    if not _is_allowed(url):
        return None
    until = time.monotonic() + SECONDS
    body = bytearray()
    try:
        request = urllib.request.Request(url, headers=_AGENT)  # noqa: S310 (looked at above)
        with _OPENER.open(request, timeout=SECONDS) as answer:
            while piece := answer.read1(65_536):
                body += piece
                if len(body) > LARGEST_DOCUMENT or time.monotonic() > until:
                    return None
            return bytes(body) if answer.status == 200 else None
    except HTTPError as error:
        error.close()  # it is an answer, and holds a connection
        return None
    except (OSError, HTTPException, ValueError):
        return None


def _is_allowed(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        at_home = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        at_home = False
    return parts.scheme == "http" and at_home
