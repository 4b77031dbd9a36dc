"""By which key an item is recognised as a story of its wire, degrading visibly.

The rules are guid, link, digest, in that order from the one the wire is configured with:

* A **guid** does not serve when it is missing, when it bears the headline (then every correction
  of the headline would be a new story), or when several stories share it.
* A **link** does not serve when it is missing, or when several stories share it (a wire whose
  items all point to its front page).
* A **digest** of the headline and the first date stated, else of the headline and the body,
  always serves; it makes a new story of each new headline, which is why it comes last.

Identities do not depend on the order of the items.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ingest.item import Item
from stories.errors import ParseError
from stories.models import Identity, IdentityRule
from wirecopy.encoding import scalar
from wirecopy.text import plain, projection

_TRACKING = re.compile(
    r"(?:utm_\w*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|ocid"
    r"|_ga|_gl|cmpid|ns_mchannel|ns_source|ns_campaign|at_medium|at_campaign|publisher|pfrom)",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Keys:
    """By what one item could be recognised, worked out from the item alone.

    ``headline`` is its plain text, ``titled_guid`` whether the guid only repeats it.
    """

    guid: str | None
    link: str | None
    digest: str
    headline: str
    titled_guid: bool = False


def keys_of(item: Item, line: str | None = None) -> Keys:
    """The keys of *item*, whose headline as plain text is *line* (worked out if None)."""
    line = headline(item) if line is None else line
    return Keys(
        guid=guid_key(item),
        link=link_key(item),
        digest=digest_key(item, line),
        headline=line,
        titled_guid=bool(line) and plain(item.guid).casefold() == line.casefold(),
    )


def headline(item: Item) -> str:
    """The item's headline as plain text: one line, entities and markup resolved."""
    return plain(_projected(item.headline)) if item.headline_html else plain(item.headline)


def _projected(html: str) -> str:
    try:
        return projection(html)
    except ParseError:  # markup built to burst a parser: its bytes tell it apart just as well
        return html


def guid_key(item: Item) -> str | None:
    """The key of the item's guid, None if it has none.

    The guid is kept exactly, but for white space around it and, on a web address, for a fragment
    made of tracking parameters alone: wires add and drop ``#publisher=newsstand`` on the same
    story. Any other fragment tells stories apart (``/live#post-7``).
    """
    guid = scalar(item.guid).strip()
    if guid.startswith(("http://", "https://")):
        address, mark, fragment = guid.partition("#")
        if mark and is_tracking(fragment):
            guid = address
    return f"guid:{_short(guid)}" if guid else None


def link_key(item: Item) -> str | None:
    """The key of the item's link, None if it has none that is a web address."""
    url = normal_url(item.link)
    return f"link:{_short(url)}" if url else None


def normal_url(url: str) -> str:
    """*url* in the one form under which the same page is recognised; ``""`` if it is none.

    Scheme and host in lower case, http and https the same, no default port, no fragment, no
    tracking parameters; every other parameter stays, in its order (``?id=1`` is not ``?id=2``).
    """
    try:
        parts = urlsplit(scalar(url).strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # a broken host or port
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host:
        return ""
    named = f"[{host}]" if ":" in host else host
    place = named if port in (None, _PORTS[scheme]) else f"{named}:{port}"
    query = "&".join(p for p in parts.query.split("&") if p and not is_tracking(p))
    return urlunsplit(("https", place, parts.path or "/", query, ""))


def digest_key(item: Item, headline: str) -> str:
    """The key of last resort: a digest of the headline and the first date stated, else the body."""
    dates = [d.strip() for d in (*item.published, *item.updated) if d.strip()]
    body = item.body or item.summary
    words = dates[0] if dates else _projected(body) if item.body_html else plain(body)
    data = f"{headline}\0{words}".encode("utf-8", "replace")
    return f"digest:{hashlib.sha256(data).hexdigest()[:40]}"


def identify(
    items: Sequence[Item],
    rule: IdentityRule,
    shared: frozenset[str] = frozenset(),
    headline_of: Callable[[Item], str] = headline,
) -> tuple[Identity, ...]:
    """The identities of *items*, of one capture, in their order.

    *rule* is the wire's. *shared* are guid and link keys known from earlier captures to name
    several stories. The same guid and link twice is the same story twice, and gives the same
    identity twice.
    """
    return judge([keys_of(item, headline_of(item)) for item in items], rule, shared)


def judge(
    keys: Sequence[Keys], rule: IdentityRule, shared: frozenset[str] = frozenset()
) -> tuple[Identity, ...]:
    """As :func:`identify`, from the keys of the items of one capture."""
    several = shared | common(keys, rule)
    return tuple(_identify(one, rule, several) for one in keys)


def repeated(items: Sequence[Item], rule: IdentityRule, headlines: Sequence[str]) -> frozenset[str]:
    """As :func:`common`, of *items* whose headlines as plain text are *headlines*."""
    pairs = zip(items, headlines, strict=True)
    return common([keys_of(item, line) for item, line in pairs], rule)


def common(keys: Sequence[Keys], rule: IdentityRule) -> frozenset[str]:
    """Those of *keys*, of the items of one capture, that name several stories within it.

    A guid does when it stands on different links, or, where there is no link, on different
    headlines; a link when it stands on different headlines of items that have no guid to serve.
    """
    of_guid: dict[str, set[str]] = {}
    for one in keys:
        if one.guid:
            of_guid.setdefault(one.guid, set()).add(one.link or f"headline:{one.headline}")
    several = {key for key, others in of_guid.items() if len(others) > 1}
    of_link: dict[str, set[str]] = {}
    for one in keys:
        if one.link and (rule != "guid" or _why_no_guid(one, several)):
            of_link.setdefault(one.link, set()).add(one.headline)
    return frozenset(several | {key for key, others in of_link.items() if len(others) > 1})


def _identify(keys: Keys, rule: IdentityRule, several: Collection[str]) -> Identity:
    reasons: list[str] = []
    if rule == "guid":
        why = _why_no_guid(keys, several)
        if not why:
            return Identity(rule="guid", key=keys.guid or "")
        reasons.append(why)
    if rule != "digest":
        if keys.link and keys.link not in several:
            return Identity(rule="link", key=keys.link, degraded="; ".join(reasons) or None)
        reasons.append("several stories share the link" if keys.link else "no link")
    return Identity(rule="digest", key=keys.digest, degraded="; ".join(reasons) or None)


def _why_no_guid(keys: Keys, several: Collection[str]) -> str:
    """Why the item's guid does not serve; ``""`` if it does."""
    if keys.guid is None:
        return "no guid"
    if keys.titled_guid:
        return "the guid is the headline"
    return "several stories share the guid" if keys.guid in several else ""


def is_tracking(query: str) -> bool:
    """Whether every parameter of *query* only says whence a reader came."""
    pairs = parse_qsl(query[:_LONGEST], keep_blank_values=True) if "=" in query else []
    return bool(pairs) and all(_TRACKING.fullmatch(name) for name, _ in pairs)


def _short(text: str) -> str:
    """*text* itself, or, where it is longer than any honest one, its digest."""
    if len(text) <= _LONGEST:
        return text
    return f"sha256-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
