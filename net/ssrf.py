"""The SSRF guard: which URLs and resolved addresses a wire may lead to. Pure.

A wire's URL, and every redirect from it, is somebody else's choice of what this machine connects
to. Names prove nothing (they can resolve to anything, and to something else a second later), so
addresses are checked, each one just before it is connected to: ``net/client.py`` calls
:func:`refusal` there.
"""

import re
import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from net.errors import FetchError

LONGEST_URL = 8000
"""Characters; RFC 9110 §4.1 asks everyone to support at least this many."""

_KINDS_FOR_PRIVATE_WIRES = frozenset(
    {"a loopback address", "a private address", "a shared address"}
)

# The IANA special-purpose registries (RFC 6890), written out: the answer of ``ipaddress`` differs
# between Python releases. The first match counts. A cloud's metadata service gives the machine's
# credentials to any request from inside; some are in ranges otherwise private or even public.
_IPV4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("100.100.100.200/32", "a cloud's metadata service"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a shared address"),  # carrier-grade NAT, RFC 6598
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),  # most metadata services, 169.254.169.254
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.52.193.0/24", "a tunnel's address"),  # AMT relays, RFC 7450
        ("192.88.99.0/24", "a tunnel's address"),  # 6to4 relays, RFC 7526
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_IPV6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("fd20:ce::254/128", "a cloud's metadata service"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/32", "a tunnel's address"),  # Teredo, RFC 4380
        ("2002::/16", "a tunnel's address"),  # 6to4, RFC 3056
        ("2001::/23", "a reserved address"),  # IETF protocol assignments; no agency lives there
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier that tunnels IPv4, in any network (RFC 5214 §6.1)."""
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_IDNA_DEVIATES = re.compile("[ßẞς\u200c\u200d]")  # RFC 5894 §7.2: 2003 and 2008 disagree
_KEPT = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"  # printable ASCII is sent as it was written


@lru_cache(maxsize=4096)
def refusal(address: str, *, allow_private: bool) -> str | None:
    """Why no wire may connect to *address*, None if this one may.

    *address* is an IP address as text (a zone, ``%eth0``, may follow). Refused is whatever is not
    globally reachable by the IANA special-purpose registries (RFC 6890), an IPv4-mapped form of it
    (RFC 4291 §2.5.5.2), and every form by which something on the way decides where it leads:
    tunnels (6to4, Teredo, ISATAP) and translations (NAT64; RFC 6052, RFC 8215). *allow_private*
    opens loopback, private (RFC 1918, RFC 4193) and shared (RFC 6598) addresses, and NAT64 to what
    it would open itself; link-local, multicast, unspecified and reserved ones, tunnels and clouds'
    metadata services stay refused.

    :returns: the kind in words, to stand after "is": ``a loopback address``.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an IP address"
    if isinstance(parsed, IPv4Address):
        return _refusal4(parsed, allow_private)
    return _refusal6(IPv6Address(int(parsed)), allow_private)


def _refusal4(address: IPv4Address, allow_private: bool) -> str | None:
    for network, kind in _IPV4:
        if address in network:
            return None if allow_private and kind in _KINDS_FOR_PRIVATE_WIRES else kind
    return None


def _refusal6(address: IPv6Address, allow_private: bool) -> str | None:
    if address in _MAPPED:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
        kind = _refusal4(inner, allow_private)
        return f"{kind} ({inner} as IPv4-mapped IPv6)" if kind else None
    if address in _NAT64 or address in _NAT64_LOCAL:
        for inner in _translated(address):
            if kind := _refusal4(inner, allow_private):
                return f"{kind} ({inner} as NAT64)"
        return None if allow_private else "a NAT64 address"
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "a tunnel's address"
    for network, kind in _IPV6:
        if address in network:
            return None if allow_private and kind in _KINDS_FOR_PRIVATE_WIRES else kind
    return None if address in _GLOBAL_UNICAST else "a reserved address"


def _translated(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that the NAT64 *address* may stand for."""
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    # RFC 6052 §2.2: where the IPv4 address stands depends on the operator's prefix length, which
    # cannot be seen. The all-zero readings say nothing.
    low = int(address) & (1 << 80) - 1
    readings = {
        (low >> 64) << 16 | (low >> 40) & 0xFFFF,  # /48
        (low >> 64 & 0xFF) << 24 | (low >> 32) & 0xFFFFFF,  # /56
        (low >> 24) & 0xFFFFFFFF,  # /64
        low & 0xFFFFFFFF,  # /96
    }
    return [IPv4Address(r) for r in sorted(readings) if r >> 24]


_INSIDE = re.compile(r"(?:.*\.)?(?:localhost|local|internal|home\.arpa)")
"""Names for use inside only (RFC 6761, RFC 6762, RFC 8375; ICANN reserved ``internal``)."""


def inside(host: str, *, allow_private: bool) -> str | None:
    """Why no proxy may be asked for *host*, None if it may: as far as the name itself says.

    Which address it has, and whether that is inside, only the proxy sees. An address counts in
    every form that a resolver takes for one (``2130706433``, ``0x7f.1``).
    """
    host = host.rstrip(".").lower()
    if address := _literal(host):
        return refusal(address, allow_private=allow_private)
    return "a name for use inside" if not allow_private and _INSIDE.fullmatch(host) else None


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by its name or address."""
    host = host.rstrip(".").lower()
    address = _literal(host)
    return ip_address(address).is_loopback if address else host.rpartition(".")[2] == "localhost"


def _literal(host: str) -> str:
    """The address that *host* is written as, empty for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # asks nobody
    except OSError:
        return ""


@lru_cache(maxsize=4096)
def web_url(text: str, *, base: str = "") -> str:
    """*text* as an absolute ``http`` or ``https`` URI (RFC 3986), fragment dropped; a reference
    is resolved against *base*, if there is one.

    What browsers correct is corrected: spaces and characters beyond ASCII are percent-encoded, an
    international host name becomes its ASCII form. What two parsers could read differently
    (control characters, backslashes, credentials, percent signs in the host) is refused, so that
    no two disagree about the host.

    :raises FetchError: state ``bad-url``; the message holds neither credentials nor query.
    """
    if len(text) > LONGEST_URL:
        raise _bad(f"a URL of {len(text):,} characters", f"at most {LONGEST_URL:,} are accepted")
    if _CONTROL.search(text):
        raise _bad("a URL with a control character or backslash in it", "percent-encode it")
    try:
        parts = urlsplit(urljoin(base, text.strip(" ")))
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad("a URL that cannot be read", "write it like https://host/path") from error
    if parts.scheme not in ("http", "https"):
        raise _bad(
            f"a URL of scheme {parts.scheme[:20]!r}", "wires are http:// or https:// and whole"
        )
    if "@" in parts.netloc:
        raise _bad(
            "a URL with credentials in it", "put them in the wire's headers, as Authorization"
        )
    if not host or port == 0:
        raise _bad("a URL without a host, or with port 0", "write it like https://host/path")
    netloc = f"{_ascii_host(host, parts.netloc)}{f':{port}' if port else ''}"
    try:
        path, query = quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT)
    except UnicodeEncodeError as error:
        raise _bad("a URL with half a character in it", "percent-encode it as UTF-8") from error
    return urlunsplit((parts.scheme, netloc, path, query, ""))


def _ascii_host(host: str, netloc: str) -> str:
    fault = _bad(
        f"a URL with the host {host[:80]!r}",
        "write the host as a name, in its xn-- form if it is international",
    )
    if netloc.startswith("["):
        if "%" in host:  # a zone: only link-local addresses have one, and those are refused
            raise fault
        try:
            return f"[{IPv6Address(host)}]"
        except ValueError:
            raise fault from None
    if len(host) > 254:  # 253 and a dot (RFC 1035 §2.3.4); longer ones only keep the codec busy
        raise fault
    if not host.isascii():
        if _IDNA_DEVIATES.search(host):
            raise fault
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise fault from None
    if not _HOST.fullmatch(host):
        raise fault
    return host


def _bad(what: str, remedy: str) -> FetchError:
    return FetchError("bad-url", f"{what}; {remedy}")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL that :func:`web_url` returned (RFC 6454 §4)."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").rstrip("."),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs are of one origin; one that cannot be read is of none."""
    try:
        return one == other or origin(web_url(one)) == origin(web_url(other))
    except FetchError:
        return False


def shown(url: str) -> str:
    """*url* as it may stand in a message or log: no credentials, query or fragment (they hold
    keys), nothing that moves a terminal's cursor, 200 characters at most.
    """
    try:
        parts = urlsplit(url)
        plain = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "(an unreadable URL)"
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return plain if len(plain) <= 200 else f"{plain[:199]}…"
