"""Reads a rendered entry back, as a subscriber would, into the copy it carries.

Nothing here shares code with the writers, and nothing here knows the story: what a writer loses
or adds on the way is missing or extra here.
"""

import json
from collections.abc import Callable
from html import unescape
from typing import Literal

from lxml import etree

from wirecopy.scope import Copy

Format = Literal["rss", "atom", "json"]

_NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "c": "http://purl.org/rss/1.0/modules/content/",
    "m": "http://search.yahoo.com/mrss/",
}
_RSS = (
    b'<rss xmlns:atom="http://www.w3.org/2005/Atom"'
    b' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    b' xmlns:media="http://search.yahoo.com/mrss/"'
    b' xmlns:wirecopy="urn:x">%b</rss>'
)
_ATOM = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"'
    b' xmlns:media="http://search.yahoo.com/mrss/"'
    b' xmlns:wirecopy="urn:x">%b</feed>'
)


def rss(fragment: bytes) -> Copy:
    """The copy in one RSS ``item``."""
    item = _parse(_RSS % fragment)[0]
    return Copy(
        headline=item.findtext("title") or "",
        body=item.findtext("c:encoded", namespaces=_NAMES) or "",
        media=_urls(item),
        summary=unescape(item.findtext("description") or ""),
        tags=tuple(element.text or "" for element in item.iterfind("category")),
    )


def atom(fragment: bytes) -> Copy:
    """The copy in one Atom ``entry``."""
    entry = _parse(_ATOM % fragment)[0]
    return Copy(
        headline=entry.findtext("a:title", namespaces=_NAMES) or "",
        body=entry.findtext("a:content", namespaces=_NAMES) or "",
        media=_urls(entry),
        summary=entry.findtext("a:summary", namespaces=_NAMES) or "",
        tags=tuple(
            element.get("label") or element.get("term") or ""
            for element in entry.iterfind("a:category", namespaces=_NAMES)
        ),
    )


def jsonfeed(fragment: bytes) -> Copy:
    """The copy in one item of a JSON Feed."""
    item = json.loads(fragment)
    return Copy(
        headline=item.get("title", ""),
        body=item.get("content_html", ""),
        media=tuple(attachment["url"] for attachment in item.get("attachments", ())),
        summary=item.get("summary", ""),
        tags=tuple(item.get("tags", ())),
    )


READERS: dict[Format, Callable[[bytes], Copy]] = {"rss": rss, "atom": atom, "json": jsonfeed}


def _parse(document: bytes) -> etree._Element:
    # huge_tree: a body over 10 MB is still a body. No entities, no network: it is our own output,
    # but it holds a stranger's text.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(document, parser)


def _urls(entry: etree._Element) -> tuple[str, ...]:
    return tuple(
        str(element.get("url")) for element in entry.iterfind("m:content", namespaces=_NAMES)
    )
