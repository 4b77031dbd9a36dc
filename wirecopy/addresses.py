"""Which address a reference means (docs/text-projection.md §4), and ``srcset`` (§3)."""

import re
from typing import NamedTuple
from urllib.parse import quote

from .words import well_formed

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_STAYS = "!#$%&'()*+,-./:;=?@[]_~"
_PORTS = {"http": ":80", "https": ":443"}
_WHITE = "\t\n\f\r "
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class _Address(NamedTuple):
    """RFC 3986 §3. ``None`` is a component that is not there, which is not an empty one."""

    authority: str | None
    path: str
    query: str | None
    fragment: str | None


def address(reference: str, base: str | None = None, *, shown: bool = False) -> str | None:
    """The address that *reference* means on a page at *base*; None where it counts for nothing.

    :param shown: it is a medium, for which ``data:`` counts.
    """
    text = _trimmed(reference)
    scheme, rest = _parted(text)
    if scheme in ("javascript", "vbscript") or (scheme == "data" and not shown):
        return None
    if scheme in _PORTS:
        rest = _slashed(rest)
        return _composed(scheme, _read(rest)) if rest[:2] == "//" else f"{scheme}:{escaped(rest)}"
    if scheme:
        return f"{scheme}:{escaped(rest)}"
    if text == "" or text[0] == "#":
        return escaped(text)
    text = _slashed(text)
    at, home = _parted(_trimmed(base or ""))
    home = _slashed(home)
    if at in _PORTS and home[:2] == "//":
        return _composed(at, _resolved(_read(text), _read(home)))
    return escaped(text)


def escaped(text: str) -> str:
    """*text* with what a URL cannot hold as ``%XX`` of its UTF-8."""
    return quote(text, safe=_STAYS)


def candidates(srcset: str) -> list[str]:
    """The URLs of a ``srcset``, as HTML Standard §4.8.4.3.10 splits it."""
    found: list[str] = []
    at, end = 0, len(srcset)
    while True:
        while at < end and (srcset[at] in _WHITE or srcset[at] == ","):
            at += 1
        if at == end:
            return found
        start = at
        while at < end and srcset[at] not in _WHITE:
            at += 1
        url = srcset[start:at]
        if url[-1] == ",":
            found.append(url.rstrip(","))
            continue
        found.append(url)
        inside = False
        while at < end:
            sign = srcset[at]
            at += 1
            if inside:
                inside = sign != ")"
            elif sign == "(":
                inside = True
            elif sign == ",":
                break


def _trimmed(text: str) -> str:
    text = well_formed(text).strip("".join(map(chr, range(0x21))))
    return text.translate({9: None, 10: None, 13: None})


def _parted(text: str) -> tuple[str, str]:
    """The scheme in lower case, or the empty string, and what follows it."""
    found = _SCHEME.match(text)
    return (found[0].lower(), text[found.end() + 1 :]) if found else ("", text)


def _slashed(text: str) -> str:
    path = re.match(r"[^?#]*", text)
    end = path.end() if path else 0
    return text[:end].replace("\\", "/") + text[end:]


def _read(rest: str) -> _Address:
    rest, hash_, fragment = rest.partition("#")
    rest, mark, query = rest.partition("?")
    authority = None
    if rest[:2] == "//":
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
    return _Address(authority, rest, query if mark else None, fragment if hash_ else None)


def _resolved(own: _Address, home: _Address) -> _Address:
    """RFC 3986 §5.2.2, for a reference without a scheme."""
    if own.authority is not None:
        return own
    if own.path == "":
        query = home.query if own.query is None else own.query
        return _Address(home.authority, home.path, query, own.fragment)
    path = own.path
    if path[0] != "/":
        folder, slash, _ = home.path.rpartition("/")
        path = f"{folder}{slash or '/'}{path}"
    return _Address(home.authority, path, own.query, own.fragment)


def _composed(scheme: str, found: _Address) -> str:
    user, at, host = (found.authority or "").rpartition("@")
    while host.endswith((":", _PORTS[scheme])):
        host = host.removesuffix(":") if host.endswith(":") else host.removesuffix(_PORTS[scheme])
    query = "" if found.query is None else f"?{found.query}"
    fragment = "" if found.fragment is None else f"#{found.fragment}"
    host = escaped(host).translate(_UPPER)
    rest = escaped(f"{_without_dots(found.path)}{query}{fragment}")
    return f"{scheme}://{escaped(user)}{at}{host}{rest}"


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, for a path that is empty or begins with a slash."""
    out: list[str] = []
    segments = path.split("/")[1:]
    for n, segment in enumerate(segments):
        last = n == len(segments) - 1
        if segment == "..":
            del out[-1:]
        if segment in (".", ".."):
            if last:
                out.append("")
        else:
            out.append(segment)
    return "/" + "/".join(out)
