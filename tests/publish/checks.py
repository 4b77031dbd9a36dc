"""Validity of whole feeds, by the specifications, told without any of the code that wrote them."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "wc": "urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1",
}
SCOPES = {
    "verbatim",
    "headline-only",
    "headline-media",
    "packaging",
    "house-style",
    "excerpt",
    "with-inputs",
    "edited",
    "unknown",
}

_GRAMMAR = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "atom.rng")))
_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d"
    r" (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d \+0000"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_CHANNEL = {
    "title": 1,
    "link": 1,
    "description": 1,
    "docs": 1,
    "image": 1,
    "generator": 1,
    "ttl": 1,
    "language": 1,
    "lastBuildDate": 1,
}
_ITEM = dict.fromkeys(("title", "link", "description", "guid", "source", "pubDate", "enclosure"), 1)
_PROVENANCE = ["editedHeadlineOnly", "editScope", "agency", "agencyId", "agencyVersion"]


def parse(document: bytes) -> etree._Element:
    """The root of a well-formed XML document; lxml raises at the first fault."""
    return etree.fromstring(document, etree.XMLParser(huge_tree=True, resolve_entities=False))


def is_web(url: str | None) -> bool:
    """Whether *url* is an http or https address with a host, and no white space."""
    parts = urlsplit(url or "")
    return (
        parts.scheme in ("http", "https") and bool(parts.netloc) and not re.search(r"\s", url or "")
    )


def check_rss(document: bytes) -> list[etree._Element]:
    """Hold a document against RSS 2.0 and the Best Practices Profile; its items."""
    rss = parse(document)
    assert (rss.tag, rss.get("version"), len(rss)) == ("rss", "2.0", 1)
    channel = rss[0]
    plain = [str(child.tag) for child in channel if not str(child.tag).startswith("{")]
    for name in ("title", "link", "description"):
        assert plain.count(name) == 1, name
        assert channel.findtext(name), name
    for name in plain:
        assert name == "item" or plain.count(name) <= _CHANNEL[name], name
    assert is_web(channel.findtext("link"))
    assert int(channel.findtext("ttl") or "") > 0
    if "lastBuildDate" in plain:
        assert _RFC822.fullmatch(channel.findtext("lastBuildDate") or "")
    own, licence, *around = channel.findall("atom:link", NAMES)
    assert (own.get("rel"), licence.get("rel")) == ("self", "license")
    assert is_web(own.get("href"))
    _check_archive(around, ".rss")
    items = channel.findall("item")
    guids = [item.findtext("guid") for item in items]
    assert len(set(guids)) == len(guids)
    for item in items:
        if item.find("wc:withdrawn", NAMES) is None:
            _check_item(item)
        else:
            assert [str(child.tag) for child in item if not str(child.tag).startswith("{")] == [
                *("title", "description", "guid", "pubDate")
            ]
    return items


def _check_archive(links: list[etree._Element], ending: str) -> None:
    """Hold the *links* beside the usual ones against RFC 5005 §4.1, but for one to a hub."""
    hubs = [link for link in links if link.get("rel") == "hub"]
    assert len(hubs) <= 1
    assert all(is_web(hub.get("href")) for hub in hubs)
    links = [link for link in links if link not in hubs]
    rels = [link.get("rel") for link in links]
    assert len(set(rels)) == len(rels)
    assert set(rels) <= {"prev-archive", "next-archive", "current"}
    for link in links:
        assert is_web(link.get("href"))
        assert str(link.get("href")).endswith(ending)


def _check_item(item: etree._Element) -> None:
    plain = [str(child.tag) for child in item if not str(child.tag).startswith("{")]
    for name in plain:
        assert name == "category" or plain.count(name) <= _ITEM[name], name
    assert item.findtext("title")
    assert is_web(item.findtext("link"))
    [guid] = item.findall("guid")
    assert guid.get("isPermaLink") == "false"
    assert re.fullmatch(r"\S+", guid.text or "")
    assert _RFC822.fullmatch(item.findtext("pubDate") or "")
    assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo
    assert _RFC3339.fullmatch(item.findtext("atom:updated", namespaces=NAMES) or "")
    for source in item.findall("source"):
        assert is_web(source.get("url"))
    assert len(item.findall("content:encoded", NAMES)) == 1
    assert len(item.findall("dc:creator", NAMES)) in (1, 2)
    check_media(item)
    check_provenance(item)


def check_media(entry: etree._Element) -> None:
    """Media RSS 1.5.1: what we use of it."""
    assert not entry.findall("media:group", NAMES)
    for content in entry.findall("media:content", NAMES):
        assert is_web(content.get("url"))
        assert content.get("medium") in ("image", "audio", "video", "document")
        for name in ("width", "height", "fileSize"):
            assert int(content.get(name) or 1) > 0


def check_provenance(entry: etree._Element) -> None:
    """Our own elements: each once, the claim agreeing with the scope."""
    found = entry.findall("wc:*", NAMES)
    names = [etree.QName(element).localname for element in found]
    known = ["firstWords", *_PROVENANCE, "statement"]
    assert names == [name for name in known if name in names]
    assert set(names) >= {*_PROVENANCE} - {"agencyVersion"}
    scope = entry.findtext("wc:editScope", namespaces=NAMES)
    assert scope in SCOPES
    claim = entry.findtext("wc:editedHeadlineOnly", namespaces=NAMES)
    assert claim == ("true" if scope == "headline-only" else "false")


def check_atom(document: bytes) -> list[etree._Element]:
    """Hold a document against RFC 4287: its grammar, and what that cannot say; its entries."""
    feed = parse(document)
    assert _GRAMMAR.validate(feed.getroottree()), _GRAMMAR.error_log
    entries = feed.findall("atom:entry", NAMES)
    ids = [entry.findtext("atom:id", namespaces=NAMES) for entry in entries]
    assert len(set(ids)) == len(ids)  # §4.1.1, for entries that do not differ in updated
    links = feed.findall("atom:link", NAMES)
    assert [link.get("rel") for link in links[:3]] == ["self", "alternate", "license"]
    _check_archive(links[3:], ".atom")
    for entry in entries:
        rels = [link.get("rel") for link in entry.findall("atom:link", NAMES)]
        assert rels.count("alternate") == 1  # §4.1.2
        for link in entry.findall("atom:link", NAMES):
            assert is_web(link.get("href"))
        assert entry.find("atom:author", NAMES) is not None
        check_media(entry)
        check_provenance(entry)
    return entries


_FEED = {
    "version": str,
    "title": str,
    "home_page_url": str,
    "feed_url": str,
    "description": str,
    "icon": str,
    "favicon": str,
    "author": dict,
    "authors": list,
    "language": str,
    "hubs": list,
    "next_url": str,
    "items": list,
}
_JSON_ITEM = {
    "id": str,
    "url": str,
    "external_url": str,
    "title": str,
    "content_html": str,
    "summary": str,
    "image": str,
    "date_published": str,
    "date_modified": str,
    "author": dict,
    "authors": list,
    "tags": list,
    "language": str,
    "attachments": list,
}
_ATTACHMENT = {"url": str, "mime_type": str, "title": str, "size_in_bytes": int, "_wirecopy": dict}
_NOTICE = dict.fromkeys(("id", "title", "content_text", "date_published", "date_modified"), str)
_EXTENSION = {
    "about": str,
    "edited_headline_only": bool,
    "edit_scope": str,
    "agency": str,
    "agency_id": str,
    "agency_version": str,
    "wire_headline": str,
    "byline": str,
    "credit": str,
    "rights": str,
    "source_url": str,
    "embeds": list,
    "valid_until": str,
    "statement": dict,
}
_SOMETIMES = {
    "agency_version",
    "wire_headline",
    "byline",
    "credit",
    "rights",
    "source_url",
    "embeds",
    "valid_until",
    "statement",
}


def _keys(found: dict[str, Any], known: Mapping[str, type], required: set[str]) -> None:
    assert required <= found.keys()
    for key, value in found.items():
        if key != "_wirecopy":
            assert type(value) is known[key], key
            assert value not in ("", []) or key in ("content_html", "items", "agency_id"), key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def check_json(document: bytes) -> list[dict[str, Any]]:
    """Hold a document against JSON Feed 1.1; its items."""
    feed = json.loads(document.decode("utf-8"), object_pairs_hook=_once)
    _keys(feed, _FEED, {"version", "title", "items"} | {"_wirecopy"})
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert is_web(feed["home_page_url"])
    assert is_web(feed["feed_url"])
    assert is_web(feed["_wirecopy"]["about"])
    for item in feed["items"]:
        if "withdrawn" in item["_wirecopy"]:
            _keys(item, _NOTICE, set(_NOTICE))
            continue
        _keys(item, _JSON_ITEM, {"id", "content_html", "_wirecopy"})
        for key in {"url", "external_url", "image"} & item.keys():
            assert is_web(item[key]), key
        for key in ("date_published", "date_modified"):
            assert _RFC3339.fullmatch(item[key])
            assert datetime.fromisoformat(item[key]).tzinfo
        for author in item["authors"]:
            assert set(author) <= {"name", "url", "avatar"}
        assert all(type(tag) is str for tag in item.get("tags", []))
        for attachment in item.get("attachments", []):
            _keys(attachment, _ATTACHMENT, {"url", "mime_type"})
            assert is_web(attachment["url"])
            assert re.fullmatch(r"[^/\s]+/[^/\s]+", attachment["mime_type"])
        ours = item["_wirecopy"]
        _keys(
            ours,
            _EXTENSION,
            set(_EXTENSION) - _SOMETIMES,
        )
        assert ours["edit_scope"] in SCOPES
        assert ours["edited_headline_only"] == (ours["edit_scope"] == "headline-only")
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])
    return list(feed["items"])
