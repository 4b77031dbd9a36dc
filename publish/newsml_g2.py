"""NewsML-G2 2.35 (https://iptc.org/standards/newsml-g2/): one story for a partner's system, as a
newsMessage of its text, of each of its media, and of the package that holds them together.

It is written of the entry as published, so that it cannot say anything else. The body stands there
as the characters that it is, HTML, and not as a tree made of it. The statement stands where the
standard has room for elements of other namespaces.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from publish.xml import iri
from stories.models import NAMESPACE
from wirecopy.jose import in_xml, payload_of

NEWSML_TYPE = "application/vnd.iptc.g2.newsmessage+xml; charset=utf-8"

_G2 = "http://iptc.org/std/nar/2006-10-01/"
_OURS = f"urn:uuid:{NAMESPACE}"
_CATALOG = "http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_33.xml"
"""Says what the codes below mean, by their prefixes."""

_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_CLASSES = {"image": "ninat:picture", "audio": "ninat:audio", "video": "ninat:video"}

_NAMES = {None: _G2, "wirecopy": _OURS}

Elements = Iterable[etree._Element]


def document(entry: dict[str, Any], statement: str | None, statements: str) -> bytes:
    """*entry*, an item of JSON Feed, as a document; *statement* is its own as text, *statements*
    the address of all of the story. The bytes depend on nothing else."""
    said = payload_of(statement) if statement else {}
    version = str(said.get("version", 1))
    items = [_text(entry, version, said, statement, statements)]
    for at, medium in enumerate(entry.get("attachments", ()), start=1):
        items.append(_medium(entry, version, f"{entry['id']}#media-{at}", medium))
    if len(items) > 1:
        items.append(_package(entry, version, [item.get("guid", "") for item in items]))
    root = _g2(
        "newsMessage", _g2("header", _g2("sent", entry["date_modified"])), _g2("itemSet", *items)
    )
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return written + b"\n"


def _item(
    kind: str, entry: dict[str, Any], version: str, guid: str, *parts: etree._Element
) -> etree._Element:
    attributes = {"standard": "NewsML-G2", "standardversion": "2.35", "conformance": "power"}
    attributes |= {"guid": guid, "version": version}
    if "language" in entry:
        attributes[_LANGUAGE] = entry["language"]
    return _g2(kind, attributes, _g2("catalogRef", href=_CATALOG), *parts)


def _text(
    entry: dict[str, Any],
    version: str,
    said: dict[str, Any],
    statement: str | None,
    statements: str,
) -> etree._Element:
    body = entry.get("content_html", "")
    return _item(
        "newsItem",
        entry,
        version,
        entry["id"],
        *_history(entry["_wirecopy"], said),
        *_rights(entry),
        _management(entry, "ninat:text", _proof(entry, statement, statements)),
        _g2("contentMeta", *_description(entry)),
        _g2("contentSet", *([_g2("inlineData", body, contenttype="text/html")] if body else ())),
    )


def _medium(
    entry: dict[str, Any], version: str, guid: str, medium: dict[str, Any]
) -> etree._Element:
    own = medium.get("_wirecopy", {})
    kind = own.get("medium") or medium["mime_type"].partition("/")[0]
    numbers = {"width": own.get("width"), "height": own.get("height")}
    numbers["size"] = medium.get("size_in_bytes")
    about = [_g2("creditline", own["credit"])] if "credit" in own else []
    if "caption" in own:
        about.append(_g2("description", own["caption"], role="drol:caption"))
    remote = _g2(
        "remoteContent",
        {name: str(number) for name, number in numbers.items() if number},
        href=iri(medium["url"]),
        contenttype=medium["mime_type"],
    )
    return _item(
        "newsItem",
        entry,
        version,
        guid,
        *_rights(entry),
        _management(entry, _CLASSES.get(kind, "ninat:composite")),
        _g2("contentMeta", *about),
        _g2("contentSet", remote),
    )


def _package(entry: dict[str, Any], version: str, guids: list[str]) -> etree._Element:
    refs = (_g2("itemRef", residref=guid) for guid in guids)
    group = _g2("group", *refs, id="story", roleuri=f"{_OURS}#story")
    return _item(
        "packageItem",
        entry,
        version,
        f"{entry['id']}#package",
        _management(entry, "ninat:composite"),
        _g2("groupSet", group, root="story"),
    )


def _history(own: dict[str, Any], said: dict[str, Any]) -> Iterator[etree._Element]:
    """Through whose hands it came; with a headline of the desk, that it is one, and in whose place.

    IPTC's own codes do not tell a headline from other content."""
    if not said:
        return
    created = _g2("action", qcode="hopaction:created", target="hatarget:content")
    hops = [_g2("hop", _named("party", own["agency"]), created, seq="1")]
    if "wire_headline" in own:
        was = _g2("name", own["wire_headline"])
        action = {"uri": f"{_OURS}#headline-rewritten", "targeturi": f"{_OURS}#headline"}
        at = said.get("changed_at", said["received_at"])
        hops.append(_g2("hop", _g2("action", action, was, timestamp=at), seq="2"))
    yield _g2("hopHistory", *hops)


def _rights(entry: dict[str, Any]) -> Elements:
    rights = entry["_wirecopy"].get("rights")
    return [_g2("rightsInfo", _g2("copyrightNotice", rights))] if rights else []


def _management(entry: dict[str, Any], qcode: str, more: Elements = ()) -> etree._Element:
    return _g2(
        "itemMeta",
        _g2("itemClass", qcode=qcode),
        _named("provider", entry["_wirecopy"]["agency"]),
        _g2("versionCreated", entry["date_modified"]),
        _g2("firstCreated", entry["date_published"]),
        _g2("pubStatus", qcode="stat:usable"),
        *more,
    )


def _proof(
    entry: dict[str, Any], statement: str | None, statements: str
) -> Iterator[etree._Element]:
    """What it corrects, what the statement is about, and the statement."""
    own = entry["_wirecopy"]
    if "correction" in own:
        yield _g2("edNote", own["correction"], roleuri=f"{_OURS}#correction")
        yield _g2("signal", qcode="sig:correction")
    if body := entry.get("content_html"):
        yield _g2("hash", hashlib.sha256(body.encode()).hexdigest(), hashtypeuri=_SHA256)
    if "valid_until" in own:
        yield _g2("expires", own["valid_until"])
    page = {"reluri": f"{_OURS}#page", "contenttype": "text/html"}
    yield _g2("link", page, href=iri(entry["url"]))
    if source := entry.get("external_url"):
        yield _g2("link", page | {"reluri": f"{_OURS}#source"}, href=iri(source))
    if statement:
        chain = {"reluri": f"{_OURS}#statements", "contenttype": "application/json"}
        yield _g2("link", chain, href=iri(statements))
    yield _g2("editScope", own["edit_scope"], namespace=_OURS)
    if statement:
        yield _g2("statement", in_xml(statement), namespace=_OURS)


def _description(entry: dict[str, Any]) -> Iterator[etree._Element]:
    own = entry["_wirecopy"]
    yield _named("infoSource", own["agency"])
    version = {"version": own["agency_version"]} if "agency_version" in own else {}
    yield _g2("altId", own["agency_id"], version, typeuri=f"{_OURS}#agencyId")
    if "language" in entry:
        yield _g2("language", {"tag": entry["language"]})
    yield from (_g2("keyword", tag) for tag in entry.get("tags", ()))
    yield _g2("headline", entry["title"])
    if "byline" in own:
        yield _g2("by", own["byline"])
    if "credit" in own:
        yield _g2("creditline", own["credit"])
    if "summary" in entry:
        yield _g2("description", entry["summary"], role="drol:summary")


def _named(element: str, name: str) -> etree._Element:
    return _g2(element, _g2("name", name))


def _g2(
    name: str,
    *inside: etree._Element | str | dict[str, str],
    namespace: str = _G2,
    **attributes: str,
) -> etree._Element:
    """The element *name*; *inside* are its children, its text, and more of its attributes."""
    for one in inside:
        attributes |= one if isinstance(one, dict) else {}
    names: Any = _NAMES  # the stubs do not know that one may have no prefix
    found = etree.Element(f"{{{namespace}}}{name}", attributes, nsmap=names)
    for one in inside:
        if isinstance(one, str):
            found.text = one
        elif not isinstance(one, dict):
            found.append(one)
    return found
