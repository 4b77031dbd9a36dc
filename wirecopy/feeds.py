"""Feeds read into entries, as they come out of the transports between a newsroom and a reader.

RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1; what counts as an entry's headline, body, media … is
said in docs/statement.md §4. No entity is expanded, nothing is fetched, nothing is believed.
"""

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lxml import etree

from . import aliases
from .encoding import parse, trim
from .errors import Refused
from .html import TangleError, text_of
from .scope import Copy
from .text import plain

LARGEST = 64 * 1024 * 1024

_ATOM = "{http://www.w3.org/2005/Atom}"
_BODY = "{http://purl.org/rss/1.0/modules/content/}encoded"
_MEDIA = f"{{{aliases.MEDIA}}}"
_OWN = "{urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1}"
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a reader has it. ``None`` is what the entry does not say at all.

    ``media`` are the addresses beside the body that are digested, ``pictures`` those that a reader
    is also shown; ``faults`` tell what is wrong with the entry in itself.
    """

    guid: str
    headline: str
    body: str
    media: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    summary: str = ""
    tags: tuple[str, ...] = ()
    agency: str | None = None
    agency_id: str | None = None
    agency_version: str | None = None
    edit_scope: str | None = None
    edited_headline_only: bool | None = None
    statement: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def copy(self) -> Copy:
        """What of it is digested."""
        return Copy(self.headline, self.body, self.media, self.summary, self.tags)


def read(document: bytes) -> list[Entry]:
    """The entries of a feed, in their order.

    :raises Refused: for what is no feed, is too large, or cannot be read safely.
    """
    if len(document) > LARGEST:
        raise Refused(f"is larger than {LARGEST} bytes")
    encoding = json.detect_encoding(document[:4])
    start = document[:400].decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        return list(_json(document, encoding))
    return list(_xml(document))


def _json(document: bytes, encoding: str) -> Iterator[Entry]:
    try:
        text = document.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Refused(f"is not {encoding}") from None
    feed = parse(text, deepest=_DEEPEST, fractions=True)
    if other := aliases.respelt(feed):
        raise Refused(f"holds {other!r} too, which some readers take for {other.lower()!r}")
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused("is no JSON Feed: it has no list of 'items'")
    yield from map(_json_entry, items)


def _json_entry(item: Mapping[str, Any]) -> Entry:
    faults: list[str] = []

    def text(name: str, where: Mapping[str, Any] = item) -> str | None:
        value = where.get(name)
        if value is None or isinstance(value, str):
            return value
        if name == "id" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        faults.append(f"{name!r} is no string")
        return None

    def several(name: str) -> list[Any]:
        value = item.get(name)
        if value is None or isinstance(value, list):
            return value or []
        faults.append(f"{name!r} is no list")
        return []

    own = item.get("_wirecopy")
    if not (own is None or isinstance(own, dict)):
        faults.append("'_wirecopy' is no object")
    claims: Mapping[str, Any] = own if isinstance(own, dict) else {}
    attached = [a for a in several("attachments") if isinstance(a, dict)]
    for members in (item, claims, *attached):
        if other := aliases.respelt(members):
            faults.append(f"{other!r} stands in it, which some readers take for {other.lower()!r}")
    flag = claims.get("edited_headline_only")
    if not (flag is None or isinstance(flag, bool)):
        faults.append("'edited_headline_only' is neither true nor false")
    body, spoken = text("content_html"), text("content_text")
    if body is not None and spoken is not None:
        said = _text_of(body, faults)
        if "".join(plain(said).split()) != "".join(plain(spoken).split()):
            faults.append("'content_text' says something else than 'content_html'")
    return Entry(
        guid=text("id") or "",
        headline=text("title") or "",
        body=_from_plain(spoken or "") if body is None else body,
        media=tuple(url for a in attached if (url := text("url", a))),
        pictures=tuple(url for name in ("image", "banner_image") if (url := text(name))),
        summary=text("summary") or "",
        tags=tuple(tag for tag in several("tags") if isinstance(tag, str)),
        agency=text("agency", claims),
        agency_id=text("agency_id", claims),
        agency_version=text("agency_version", claims),
        edit_scope=text("edit_scope", claims),
        edited_headline_only=flag if isinstance(flag, bool) else None,
        statement=text("statement", claims),
        faults=tuple(faults),
    )


def _xml(document: bytes) -> Iterator[Entry]:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused(f"is neither XML nor JSON ({error})") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused("has a DOCTYPE, which can put other words in for those that stand there")
    reading = {f"{_ATOM}feed": (f"{_ATOM}entry", _atom_entry), "rss": ("item", _rss_entry)}
    if root.tag not in reading:
        raise Refused("is no feed: neither RSS 2.0 nor Atom")
    tag, read_entry = reading[str(root.tag)]
    for element in root.iter(etree.Element):
        if element.tag == tag:
            yield read_entry(element)
        elif (name := aliases.known(element)) in ("item", "entry"):
            fault = f"it is an {name!r} of another format, which some readers show"
            yield Entry(guid="", headline=_said(element)[:80], body="", faults=(fault,))


def _rss_entry(item: etree._Element) -> Entry:
    faults: list[str] = []
    guid, title, body, summary = (
        _once(item, name, faults) for name in ("guid", "title", _BODY, "description")
    )
    return _entry(
        item,
        faults,
        own=(guid, title, body, summary),
        guid=_said(guid),
        headline=_said(title),
        body=_said(body),
        summary=html.unescape(_said(summary)),
        tags=[_said(e) for e in item.iterfind("category")],
    )


def _atom_entry(entry: etree._Element) -> Entry:
    faults: list[str] = []
    guid, title, content, summary = (
        _once(entry, f"{_ATOM}{name}", faults) for name in ("id", "title", "content", "summary")
    )
    if content is not None and content.get("src") is not None:
        faults.append("its content stands elsewhere (src)")
    return _entry(
        entry,
        faults,
        own=(guid, title, content, summary),
        guid=_said(guid),
        headline=_construct(title, faults),
        body=_content(content),
        summary=_construct(summary, faults),
        tags=[e.get("label") or e.get("term") or "" for e in entry.iterfind(f"{_ATOM}category")],
    )


def _entry(
    element: etree._Element,
    faults: list[str],
    *,
    own: Sequence[etree._Element | None],
    guid: str,
    headline: str,
    body: str,
    summary: str,
    tags: list[str],
) -> Entry:
    def claimed(name: str) -> str | None:
        found = _once(element, f"{_OWN}{name}", faults)
        return None if found is None else trim(_said(found))

    flag = claimed("editedHeadlineOnly")
    if flag not in (None, "true", "false"):
        faults.append("'editedHeadlineOnly' is neither true nor false")
    values = {"guid": guid, "headline": headline, "body": body, "summary": summary}
    faults.extend(dict.fromkeys(aliases.differing(element, own, values)))
    media = [e.get("url") for e in element.iter(f"{_MEDIA}content")]
    thumbs = [e.get("url") for e in element.iter(f"{_MEDIA}thumbnail")]
    return Entry(
        guid=trim(guid),
        headline=headline,
        body=body,
        media=tuple(url for url in media if url),
        pictures=tuple(url for url in (*aliases.pictures(element), *thumbs) if url),
        summary=summary,
        tags=tuple(tags),
        agency=claimed("agency"),
        agency_id=claimed("agencyId"),
        agency_version=claimed("agencyVersion"),
        edit_scope=claimed("editScope"),
        edited_headline_only=None if flag is None else flag == "true",
        statement=claimed("statement"),
        faults=tuple(faults),
    )


def _once(parent: etree._Element, name: str, faults: list[str]) -> etree._Element | None:
    found = parent.findall(name)
    if len(found) > 1:
        faults.append(f"{name.rpartition('}')[2]!r} stands {len(found)} times in it")
    return found[0] if found else None


def _said(element: etree._Element | None) -> str:
    return "" if element is None else "".join(map(str, element.itertext()))


def _construct(element: etree._Element | None, faults: list[str]) -> str:
    """The plain text of an Atom text construct (RFC 4287 §3.1)."""
    said = _said(element)
    if element is None or element.get("type") != "html":
        return said
    return _text_of(said, faults)


def _content(element: etree._Element | None) -> str:
    """The HTML of Atom content (RFC 4287 §4.1.3.3)."""
    kind = "text" if element is None else element.get("type") or "text"
    if element is None or kind in ("html", "text/html"):
        return _said(element)
    if kind in ("xhtml", "application/xhtml+xml"):
        copy = deepcopy(element)
        for inner in copy.iter(etree.Element):
            inner.tag = etree.QName(inner).localname
        etree.cleanup_namespaces(copy)
        write: Callable[..., str] = etree.tostring
        return "".join(write(e, method="html", encoding="unicode") for e in copy)
    return _from_plain(_said(element))


def _from_plain(text: str) -> str:
    return "<br>".join(html.escape(line, quote=False) for line in text.splitlines())


def _text_of(markup: str, faults: list[str]) -> str:
    """The text in HTML. What cannot be read is a fault of its entry, and of no other."""
    try:
        return text_of(markup)
    except TangleError as error:
        faults.append(f"its HTML {error.clause}")
        return ""
