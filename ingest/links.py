"""The addresses that a list names: a feed, a sitemap, JSON, a page of links, or one address a line.

Pure. A list only says where items are, and perhaps when each changed last; what they are is read
from their own bytes. But a document of a news agency whose items only lead to their texts is a list
of these items themselves.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree, html
from pydantic import TypeAdapter

from ingest.item import Hints
from net.errors import FetchError
from net.places import legible
from net.ssrf import web_url
from stories.errors import ParseError

AP = "AP Media API"
"""The format whose lists always hold the items: what a ``uri`` leads to holds no text either."""

DEEPEST = 20
"""Levels of JSON that are looked into."""

_ADDRESSES = ("href", "url", "link", "uri", "download_url", "downloadUrl")
_CHANGES = (
    *("updated", "modified", "last_modified", "lastModified", "date_modified", "dateModified"),
    *("versioncreated", "versionCreated", "contentModified", "etag", "version"),
)
"""Members of JSON that lead to an item, and that change when it does."""

_DATA = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?(?:xml|json)|.*newsml.*|.*ninjs.*", re.I)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a list names, and what it says of when it changed, empty for nothing.

    Where the list holds the item itself, ``item`` is which pieces of it, joined, are a document of
    that item alone, ``name`` is what it is called, and ``url`` leads to its text, empty for none.
    """

    url: str
    changed: str = ""
    name: str = ""
    item: tuple[tuple[int, int], ...] = ()


LINKS = TypeAdapter(list[Link])


def links_of(body: bytes, base: str) -> list[Link]:
    """The links of the list *body* that came from *base*, each address once, in its order.

    :raises ParseError: state ``no-list`` for what is none.
    """
    if held := _of_news(body, base):
        return held
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in (b"{", b"["):
        found = _of_json(body)
    elif start == b"<":
        found = _of_markup(body, base)
    else:
        found = _of_lines(body)
    distinct: dict[str, Link] = {}
    for link in found:
        try:
            url = web_url(link.url.strip(), base=base)
        except FetchError:
            continue
        if url != web_url(base):
            distinct.setdefault(url, Link(url, legible(link.changed.strip())))
    if not distinct and not body.strip():
        raise ParseError("no-list", f"{base}: the list is empty; ask the agency")
    return list(distinct.values())


_QUERY = re.compile(rb"\?[^\s\"'<>]*")


def _of_news(body: bytes, base: str) -> list[Link]:
    """The items of a news agency's document, if any of them leads to its text; else nothing."""
    from ingest import formats  # only the process that reads lists needs these
    from ingest.normalize import hides

    hints = Hints(url=base)
    try:
        format = formats.choose(body, hints)
        items = format.parse(body, hints).items
    except (ParseError, ValueError):
        return []
    leads = any(item.elsewhere for item in items) or format.name == AP
    if not leads or any(item.start < 0 for item in items):
        return []
    first, last = min(item.start for item in items), max(item.end for item in items)
    found: dict[str, Link] = {}
    for item in items:
        raw = body[item.start : item.end]
        # Addresses are signed anew for each answer, and say nothing of a change.
        changed = hashlib.sha256(_QUERY.sub(b"", raw)).hexdigest()[:32]
        name = item.guid or f"{changed} (without an id)"
        spans = ((0, first), (item.start, item.end), (last, len(body)))
        # What is killed or withheld needs no text, which may be gone.
        hidden = item.signals is not None and hides(item.signals)
        address = "" if hidden else _address(item.elsewhere, base)
        found[name] = Link(address, changed, legible(name), spans)
    return list(found.values())


def _address(url: str, base: str) -> str:
    try:
        return web_url(url.strip(), base=base) if url else ""
    except FetchError:
        return ""  # then its item waits for a person


def _of_lines(body: bytes) -> Iterator[Link]:
    lines = body.decode("utf-8-sig", "replace").splitlines()
    stated = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not all(_ADDRESS.fullmatch(line) for line in stated):
        raise ParseError("no-list", "this is no list of links; take out links, or correct the url")
    return (Link(line) for line in stated)


def _of_json(body: bytes) -> Iterator[Link]:
    """Of the array in which most elements lead somewhere."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError("no-list", f"this is broken JSON ({error}); ask the agency") from error
    longest: list[Link] = []
    for array in _arrays(whole, 0):
        found = [link for one in array if (link := _member(one)) is not None]
        longest = max(longest, found, key=len)
    return iter(longest)


def _arrays(value: Any, depth: int) -> Iterator[list[Any]]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        yield value
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in below:
        yield from _arrays(one, depth + 1)


def _member(value: Any) -> Link | None:
    """The link that an element of an array is, or holds, itself or one level below."""
    if isinstance(value, str):
        return Link(value) if _ADDRESS.fullmatch(value) else None
    if not isinstance(value, dict):
        return None
    return _link(value) or next(
        (link for one in value.values() if isinstance(one, dict) and (link := _link(one))), None
    )


def _link(value: Mapping[str, Any]) -> Link | None:
    addresses = (value.get(name) for name in _ADDRESSES)
    url = next((one for one in addresses if isinstance(one, str) and one.strip()), None)
    changes = (value.get(name) for name in _CHANGES)
    changed = next((str(one) for one in changes if isinstance(one, str | int) and one != ""), "")
    return Link(url, changed) if url is not None else None


def _of_markup(body: bytes, base: str) -> Iterator[Link]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    name = _name(root) if root is not None else ""
    if root is not None and name in ("feed", "rss", "rdf"):
        items = (e for e in root.iter() if _name(e) in ("entry", "item"))
        return (link for item in items if (link := _of_item(item)))
    if root is not None and name in ("urlset", "sitemapindex"):
        places = (e for e in root if _name(e) in ("url", "sitemap"))
        return (Link(_text(e, "loc"), _text(e, "lastmod")) for e in places)
    return _of_page(body, base)


def _of_item(item: etree._Element) -> Link | None:
    """Where the item of a feed is as data, else its page."""
    changed = next(
        (
            t
            for n in ("updated", "modified", "pubdate", "date", "published")
            if (t := _text(item, n))
        ),
        "",
    )
    data, pages = [], []
    for child in item:
        if _name(child) not in ("link", "enclosure", "content"):
            continue
        place = child.get("href") or child.get("url") or child.get("src")
        if place is None and _name(child) == "link":
            place = child.text or ""
        if not place or not place.strip():
            continue
        if _DATA.fullmatch(child.get("type", "").partition(";")[0].strip()):
            data.append(place)
        elif _name(child) == "link" and child.get("rel", "alternate") == "alternate":
            pages.append(place)
    return Link([*data, *pages][0], changed) if data or pages else None


def _of_page(body: bytes, base: str) -> Iterator[Link]:
    """The links of a page, as of a listing of a folder: those that lead into its own folder."""
    try:
        page = html.document_fromstring(body, parser=html.HTMLParser(huge_tree=False))
    except (etree.ParserError, ValueError) as error:
        raise ParseError("no-list", f"this page cannot be read ({error})") from error
    here = web_url(base).partition("?")[0]
    folder = here.rpartition("/")[0] + "/"
    for anchor in page.iter("a"):
        try:
            url = web_url(anchor.get("href", "").strip() or "?", base=base)
        except FetchError:
            continue
        path = url.partition("?")[0]
        if path.startswith(folder) and path != here and not path.endswith("/"):
            yield Link(url)


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _text(element: etree._Element, name: str) -> str:
    return next(((e.text or "").strip() for e in element if _name(e) == name), "")
