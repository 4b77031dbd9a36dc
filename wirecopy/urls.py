"""Which address a reference means (``docs/text-projection.md`` §4), and ``srcset`` (§3).

Feed readers and other transports rewrite URLs (absolute for relative, escaped for Unicode), which
must not look like another link. So a reference is normalized, but only as far as two spellings are
certain to mean one address. Nothing here raises, and everything takes linear time.
"""

import re
from urllib.parse import quote

from .encoding import well_formed

_Parts = tuple[str | None, str, str, str]

_EDGE = "".join(map(chr, range(0x21)))
_BREAKS = re.compile("[\t\n\r]")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_PARTS = re.compile(r"(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.S)
_INERT = frozenset({"javascript", "vbscript"})
_WEB = {"http": ":80", "https": ":443"}
# All of ASCII that can be printed, but for space " < > \ ^ ` { | }.
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"
_FINE = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")
_NORMAL = re.compile(rf"https?://[a-z0-9.\-]+/{_FINE.pattern}")
_CANDIDATE = re.compile(
    r"[\t\n\f\r ,]*+"
    r"(?:(?P<ended>[^\t\n\f\r ]*+(?<=,))|(?P<bare>[^\t\n\f\r ]++)(?>[^,(]++|\([^)]*+\)?)*+,?)"
)

# Signatures that expire, of CloudFront, S3 and its kin, Azure, Akamai and content networks in
# general: what is named like a signature, what says until when it holds, both in one, and what
# stands beside them (``docs/text-projection.md`` §8).
_NAME_OF_SIGNATURE = re.compile(
    r"sig|sign|signature|hmac|mac|hash|md5|digest|token|tkn|st|s|oh|ws_?secret|tx_?secret|q-signature"
    r"|x-\w+-signature",
    re.IGNORECASE | re.ASCII,
)
_EXPIRY = re.compile(
    r"(?:expires?|expiry|expiration|exp|e|t|ts|se|oe|valid_?(?:to|until)|ws_?time|tx_?time"
    r"|(?:x-\w+-)?(?:expires|date)|q-sign-time)"
    r"=(?:[0-9]{8,}.*|[0-9a-f]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{8}T[0-9]{6}Z)",
    re.IGNORECASE | re.ASCII,
)
_TOKEN = re.compile(
    r"(?:hdnea|hdnts|hdntl|__token__|__gda__|__cld_token__|auth_key|verify|token|policy)="
    r"(?:.*exp(?:ires)?(?:=|%3D)[0-9]{9,}.*|[0-9]{9,}[-_].*)",
    re.IGNORECASE | re.ASCII,
)
_BESIDE = re.compile(
    r"x-(?:amz|goog|oss|obs|cos|tos|ms)-[\w-]+|q-[\w-]+|key-pair-id|policy|\w*access_?key_?id"
    r"|googleaccessid|security-token|token_path|s[eprstv]|spr|sip|srt|sk\w{1,3}|_nc_\w+|expires?",
    re.IGNORECASE | re.ASCII,
)


def unsigned(url: str) -> str:
    """The *url* without a signature that expires."""
    page, hash_, fragment = url.partition("#")
    place, mark, query = page.partition("?")
    if not mark or (kept := without_signature(query)) == query:
        return url
    return place + (mark + kept if kept else "") + hash_ + fragment


def without_signature(query: str) -> str:
    """*query* without a signature that expires, and what belongs to it.

    It is one when a parameter is named like a signature and another says until when it holds, which
    CloudFront's own policy says encoded.
    """
    pairs = [(p.partition("=")[0].lower(), p) for p in query.split("&")]
    names = {name for name, _ in pairs}
    signed = any(_NAME_OF_SIGNATURE.fullmatch(name) for name in names)
    ends = any(_EXPIRY.fullmatch(p) for _, p in pairs) or {"policy", "key-pair-id"} <= names
    if not (signed and ends) and not any(_TOKEN.fullmatch(p) for _, p in pairs):
        return query
    ours = (_NAME_OF_SIGNATURE, _EXPIRY, _TOKEN, _BESIDE)
    return "&".join(
        p for name, p in pairs if not any(r.fullmatch(name) or r.fullmatch(p) for r in ours)
    )


def resolve(url: str, base: str | None, *, shown: bool = False) -> str | None:
    """The address *url* means on a page at *base*; None where it refers to nothing.

    With *shown* a browser displays what it finds there (a picture), so ``data:`` counts.
    ``javascript:`` and ``vbscript:`` never do. http and https are resolved as RFC 3986 §5.2.2 says;
    a relative reference without a usable *base* stays relative.
    """
    if _NORMAL.fullmatch(url) and "/." not in url:
        return url
    url = _trim(url)
    scheme, rest = _scheme(url)
    if scheme in _INERT or (scheme == "data" and not shown):
        return None
    if scheme in _WEB and (rest := _slashes(rest)).startswith("//"):
        return _compose(scheme, *_split(rest))
    if scheme:
        return f"{scheme}:{escape(rest)}"
    if url and not url.startswith("#"):
        url = _slashes(url)
        at, home = _scheme(_trim(base or ""))
        if at in _WEB and (home := _slashes(home)).startswith("//"):
            return _compose(at, *_merge(_split(url), _split(home)))
    return escape(url)


def srcset(value: str) -> list[str]:
    """The URLs of a ``srcset`` attribute in order (HTML Standard §4.8.4.3.10)."""
    found: list[str] = []
    for match in _CANDIDATE.finditer(value):
        url = match["bare"] or match["ended"].rstrip(",")
        if url:
            found.append(url)
    return found


def _trim(url: str) -> str:
    return _BREAKS.sub("", well_formed(url).strip(_EDGE))


def _scheme(url: str) -> tuple[str, str]:
    """The scheme in lower case, empty for a relative reference, and what follows it."""
    found = _SCHEME.match(url)
    return (found[1].lower(), url[found.end() :]) if found else ("", url)


def _slashes(rest: str) -> str:
    """*rest* with slashes for backslashes before query and fragment (URL Standard §4.4)."""
    if "\\" not in rest:
        return rest
    end = min((i for i in (rest.find("?"), rest.find("#")) if i >= 0), default=len(rest))
    return rest[:end].replace("\\", "/") + rest[end:]


def _split(rest: str) -> _Parts:
    """Authority, path, query with ``?`` and fragment with ``#`` (RFC 3986 appendix B)."""
    found = _PARTS.match(rest)
    assert found is not None, "every part is optional"
    return found[1], found[2], found[3] or "", found[4] or ""


def _merge(own: _Parts, home: _Parts) -> _Parts:
    authority, path, query, fragment = own
    if authority is not None:
        return own
    if not path:
        return home[0], home[1], query or home[2], fragment
    if not path.startswith("/"):
        path = (home[1][: home[1].rfind("/") + 1] or "/") + path
    return home[0], path, query, fragment


def _compose(scheme: str, authority: str | None, path: str, query: str, fragment: str) -> str:
    user, at, host = (authority or "").rpartition("@")
    end = len(host)
    while ports := [p for p in (":", _WEB[scheme]) if host.endswith(p, 0, end)]:
        end -= len(ports[0])
    host = escape(host[:end]).translate(_LOWER)
    return f"{scheme}://{escape(user)}{at}{host}" + escape(
        f"{_without_dots(path)}{query}{fragment}"
    )


def _without_dots(path: str) -> str:
    """*path* without its dot segments (RFC 3986 §5.2.4), never empty."""
    if "." not in path:
        return path or "/"
    kept: list[str] = []
    steps = path.split("/")[1:]
    for step in steps:
        if step == "..":
            if kept:
                kept.pop()
        elif step != ".":
            kept.append(step)
    if steps and steps[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def escape(text: str) -> str:
    """*text* in which all that a URL may not hold is percent-encoded UTF-8 (RFC 3987 §3.1)."""
    return text if _FINE.fullmatch(text) else quote(text, safe=_KEPT)
