"""What lenient readers show of a feed, told without any code of ours.

XML is read by feedparser; JSON as readers do that keep the last of two members, or the first, or
ignore case (Go). Of bodies the words, links and media, and whatever could hide some of them.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

import feedparser
from selectolax.lexbor import LexborHTMLParser

Shown = tuple[Any, ...]
Entry = tuple[Shown, Shown]
"""What is shown of an entry; and what may be left out, and is ``None`` then: who is named as its
agency and as who wrote it, when it changed, its summary, pictures that stand among its media, too.
That what is signed may not be left out has its own mutations."""

_LOADING = ("src", "srcset", "poster", "alt", "href", "data", "xlink:href")
_ODD_TAG = "script style iframe template svg math details dialog select textarea button form input"
_ODD_ATTRIBUTE = re.compile(r"on\w+|style|class|id|hidden|aria-.*|open")


def shown(data: bytes) -> set[Entry]:
    """What readers show of each entry of a feed."""
    start = data.decode(json.detect_encoding(data[:4]), "ignore").lstrip("\ufeff \t\r\n")
    return _of_json(data) if start.startswith("{") else _of_xml(data)


def new(found: set[Entry], known: set[Entry]) -> set[Entry]:
    """What of what is *found* is not, or not all, among what is *known*."""
    return {
        (words, names)
        for words, names in found
        if not any(
            words == of
            and all(name in (None, there) for name, there in zip(names, said, strict=True))
            for of, said in known
        )
    }


def body(html: str) -> Shown:
    """The words of a body, what it refers to, and what of it may be shown otherwise."""
    tree = LexborHTMLParser(f"<!DOCTYPE html><body>{html}")
    top = tree.body
    assert top is not None
    nodes = [node for node in top.traverse() if node.tag]
    referring = [
        (node.tag, *((name, node.attributes[name]) for name in _LOADING if name in node.attributes))
        for node in nodes
        if set(_LOADING) & node.attributes.keys()
    ]
    odd = [
        (node.tag, name)
        for node in nodes
        for name in (*node.attributes, "")
        if node.tag in _ODD_TAG.split() or _ODD_ATTRIBUTE.fullmatch(name)
    ]
    words = "".join(top.text(deep=True).split())
    return words, tuple(referring), tuple(odd)


def _of_xml(data: bytes) -> set[Entry]:
    read = feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    return {_entry(entry) for entry in read.entries}


def _entry(entry: dict[str, Any]) -> Entry:
    contents = entry.get("content", [])
    bodies = tuple(body(each["value"]) for each in contents)
    summary = entry.get("summary")
    words = (
        entry.get("id"),
        _spaced(entry.get("title")),
        bodies,
        frozenset(t.get(name) or "" for t in entry.get("tags", []) for name in ("term", "label")),
        tuple(_urls(entry.get("media_content", []), "url")),
        tuple(_spaced(each.get("name")) for each in entry.get("authors", [])[:-1]),
        tuple(_spaced(each.get("name")) for each in entry.get("contributors", [])),
        tuple(e["title"] for e in entry.get("links", []) if e["rel"] != "related" and "title" in e),
        entry.get("published_parsed"),
    )
    others = (
        None if any(each["value"] == summary for each in contents) else _spaced(summary),
        tuple(_urls(entry.get("enclosures", []), "href")) or None,
        tuple(_urls(entry.get("media_thumbnail", []), "url")) or None,
        str(entry["image"]) if "image" in entry else None,
    )
    author = (entry.get("authors") or [{}])[-1].get("name")
    # feedparser gives the date of publication where there is none of a change.
    updated = dict.get(entry, "updated_parsed")
    source = entry.get("source", {}).get("title")
    return words, (_spaced(author), _spaced(source), updated, *others)


def _urls(found: Iterable[Mapping[str, str]], name: str) -> list[str]:
    return [each.get(name, "").strip() for each in found]


def _spaced(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def _last(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _caseless(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in pairs}


def _of_json(data: bytes) -> set[Entry]:
    found: set[Entry] = set()
    ways: tuple[Callable[[list[tuple[str, Any]]], dict[str, Any]], ...] = _last, _first, _caseless
    for way in ways:
        for item in json.loads(data, object_pairs_hook=way)["items"]:
            words = (
                way.__name__,
                *(_spaced(item.get(n)) for n in ("id", "title", "content_text")),
                _spaced(item.get("banner_image")),
                body(item.get("content_html") or ""),
                frozenset(filter(None, map(_spaced, item.get("tags") or ()))),
                tuple(_urls(item.get("attachments") or (), "url")),
                tuple(_spaced(each.get("title")) for each in item.get("attachments") or ()),
                _spaced(item.get("date_published")),
            )
            names = [_spaced(each.get("name")) for each in item.get("authors") or []]
            author = names[-1] if names else _spaced((item.get("author") or {}).get("name"))
            byline = _spaced((item.get("_wirecopy") or {}).get("byline"))
            others = (_spaced(item.get(n)) for n in ("date_modified", "image", "summary"))
            found.add((words, (author, names[0] if len(names) > 1 else None, byline, *others)))
    return found
