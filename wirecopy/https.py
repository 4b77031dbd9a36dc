"""How the library fetches documents by default: urllib, https only, bounded in size and time."""

import ipaddress
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from .encoding import LARGEST_DOCUMENT
from .errors import Missing

SECONDS = 60
"""How long one document may take."""

_AT_ONCE = 4  # politeness: this asks one site for many small things
_AGENT = {"User-Agent": "Wirecopy/1.0 (verify)"}


def fetch(urls: Sequence[str]) -> dict[str, bytes | Missing]:
    """The documents at *urls*, by address, or why one cannot be had (another status than 200).

    By https, or by http from this machine, of at most :data:`~wirecopy.encoding.LARGEST_DOCUMENT`
    bytes within :data:`SECONDS` each. Redirects are followed within one host alone.
    """

    def one(url: str) -> bytes | Missing:
        try:
            return _fetch_one(url)
        except HTTPError as error:
            error.close()  # it is an answer, and holds a connection
            why = f"answered {error.code}"
        except URLError as error:
            why = f"is not to be had ({error.reason})"
        except (OSError, HTTPException, ValueError) as error:
            why = f"is not to be had ({error})"
        return Missing(f"{url}: {why}")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(urls, pool.map(one, urls), strict=True))


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


def _fetch_one(url: str) -> bytes:
    if not _is_allowed(url):
        raise ValueError("only https is fetched, and http from this machine")
    until = time.monotonic() + SECONDS
    body = bytearray()
    request = urllib.request.Request(url, headers=_AGENT)  # noqa: S310 (looked at above)
    with _OPENER.open(request, timeout=SECONDS) as answer:
        while piece := answer.read1(65_536):
            body += piece
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError(f"more than {LARGEST_DOCUMENT:,} bytes")
            if time.monotonic() > until:
                raise ValueError(f"not there in {SECONDS} s")
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
    return bytes(body)


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
