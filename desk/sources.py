"""Things named on a command line as a file or a URL, read whole."""

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from net.client import Client, Request, Response
from net.ssrf import refusal
from stories.errors import WirecopyError
from wirecopy.encoding import LARGEST_DOCUMENT, bounded
from wirecopy.errors import Missing, Refused
from wirecopy.verify import is_address

AGENT = "Wirecopy/1.0 (verify)"


class SourceError(WirecopyError):
    """A file or a URL could not be read."""


class Sources:
    """Reads files, and fetches URLs over kept connections.

    A private address is connected to only for a host that was named on the command line
    (:meth:`named`) and is itself private: what a feed says can lead nowhere inside.
    """

    def __init__(self) -> None:
        self._client = Client()
        self._private: set[str] = set()

    def __enter__(self) -> "Sources":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def named(self, source: str) -> bytes:
        """The bytes of a file or URL that the operator named.

        :raises SourceError: when they cannot be had.
        """
        if not source:
            raise SourceError("the name of what to read is empty; name a file or a URL")
        if not is_address(source):
            if "://" in source and not Path(source).exists():
                raise SourceError(
                    f"{source}: only http:// and https:// are fetched; fetch it and name the file"
                )
            try:
                return bounded(Path(source), LARGEST_DOCUMENT)
            except Refused as error:
                raise SourceError(f"{error}; name a smaller file") from None
            except OSError as error:
                raise SourceError(f"{source}: {error.strerror}; name a file or a URL") from None
        host = urlsplit(source).hostname or ""
        if _is_private(host):
            self._private.add(host)
        (response,) = self._fetch([source])
        if why := _refused(response):
            raise SourceError(f"{source}: {why}; check the address, or fetch it and name the file")
        return response.body

    def found(self, urls: Iterable[str]) -> dict[str, bytes | Missing]:
        """The bodies of *urls*, many asked at once, or why one could not be had."""
        return {
            r.wire: Missing(f"{r.wire}: {why}") if (why := _refused(r)) else r.body
            for r in self._fetch(urls)
        }

    def _fetch(self, urls: Iterable[str]) -> list[Response]:
        requests = (
            Request(
                wire=url,
                url=url,
                allow_private=(urlsplit(url).hostname or "") in self._private,
                max_bytes=LARGEST_DOCUMENT,
            )
            for url in urls
        )
        # Politeness: this asks one publisher's site for many small things.
        return list(self._client.fetch(requests, user_agent=AGENT, concurrency=4))


def _refused(response: Response) -> str:
    """Why *response* has no document; empty when it has."""
    if response.error is None:
        return "" if response.status == 200 else f"answered {response.status}"
    # What a wire's operator is advised to do, after the semicolon, is of no use here.
    return str(response.error).partition("; ")[0].removeprefix(f"{response.wire}: ")


def _is_private(host: str) -> bool:
    try:
        addresses = {ipaddress.ip_address(host).compressed}
    except ValueError:
        try:
            addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        except OSError:
            return False
    return any(
        refusal(address, allow_private=False) and not refusal(address, allow_private=True)
        for address in addresses
    )
