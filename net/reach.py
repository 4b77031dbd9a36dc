"""A connection to a host whose address was judged first (:mod:`net.ssrf`), for what is not HTTP."""

import socket
import ssl

from net.errors import FetchError
from net.ssrf import refusal


def reach(host: str, port: int, *, allow_private: bool, seconds: float) -> socket.socket:
    """A socket connected to *host*, which times out after *seconds*.

    :raises FetchError: state ``dns``, ``forbidden-address`` or ``refused``, as of HTTP.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            "dns", f"{host}: the name leads to no address; check the wire's url"
        ) from error
    addresses = list(dict.fromkeys(str(where[4][0]) for where in found))
    for address in addresses:
        if kind := refusal(address, allow_private=allow_private):
            raise FetchError(
                "forbidden-address",
                f"{host}: {address} is {kind}; no wire may be there: set its url to the agency's"
                " public address, or allow_private if it is yours",
            )
    last: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            last = error
    raise FetchError(
        "timeout" if isinstance(last, TimeoutError) else "refused",
        f"{host}: port {port} does not answer; check the wire's url; the next poll tries again",
    ) from last


def fault_of(error: Exception, host: str) -> FetchError:
    """What *error* of a connection to *host* means for a wire."""
    if isinstance(error, TimeoutError):
        return FetchError(
            "timeout",
            f"{host}: no answer in time; raise the wire's timeout if it is always this slow",
        )
    if isinstance(error, ssl.SSLError):
        return FetchError("tls", f"{host}: {error.reason or error}; ask the agency")
    if isinstance(error, OSError | EOFError):
        return FetchError("reset", f"{host}: the connection broke; the next poll tries again")
    said = "".join(c if c.isprintable() else " " for c in str(error))[:200]
    return FetchError("protocol", f"{host}: {type(error).__name__}: {said}; ask the agency")
