"""JSON Feed 1 and 1.1 (https://www.jsonfeed.org/version/1.1/).

Where each item stands is found by a scan of brackets and strings, and each is parsed by itself, so
that a broken one does not touch its neighbours. The second reading splits an item into its members
by a scanner of its own, without the json module.

An item's copy is its ``title``, ``summary``, ``content_html`` and ``content_text``, and prose under
a name that the standard does not know; extensions (names with a leading underscore) are none. Where
``content_html`` has words, it is the story, and ``content_text`` the same without markup, so long
as it does not say more.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ingest.formats import encoding, item_spans
from ingest.formats.html import (
    has_words,
    letters_by_hand,
    mend,
    mended,
    printed,
    unwrapped,
    without_printed,
)
from ingest.formats.rss_atom import TEASER
from ingest.formats.rss_atom_reread import OTHER
from ingest.formats.sniff import Sniffed
from ingest.integrity import (
    PROSE,
    Kind,
    Passage,
    Reread,
    UncheckedError,
    letters,
    without_last,
)
from ingest.item import MOST_ITEMS, Channel, Hints, Item, ItemMedia, Parsed, summed_up
from stories.errors import ParseError
from wirecopy.encoding import well_formed
from wirecopy.statement import Credit
from wirecopy.text import projection
from wirecopy.urls import resolve

MOST_LISTED = 200
"""Authors, tags or attachments of one item that are read; real ones have some ten."""

# Numbers stay as they are written: an id may be one, and must not change (JSON Feed 1.1, "id").
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(1(?:\.[0-9]+)?)/?")
_UNKNOWN = "application/octet-stream"  # says nothing (RFC 2046 §4.5.1), but must be stated
_KINDS: dict[str, Kind] = {
    "title": "headline",
    "summary": "summary",
    "content_html": "body",
    "content_text": "body",
}
# A string that never ends takes the rest, so that no byte is looked at twice.
_STRING = r'"((?>[^"\\]+|\\.)*+)(?:"|\Z)'
_CONTROL = re.compile(r"(?<!\\)\\u00([89][0-9a-fA-F])")
_TOKEN = re.compile(rf'{_STRING}(\s*:)?|[{{}}\[\]]|([^\s{{}}\[\],:"]+)', re.DOTALL)
_TOKEN_OF_BYTES = re.compile(rf'{_STRING}|[{{}}\[\]]|[^\s{{}}\[\],:"]+'.encode(), re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is JSON; :func:`parse` finds out whether that is a feed."""
    return sniffed.other == "JSON"


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*. Linear in its length.

    :raises ParseError: ``not-a-feed`` for other JSON, ``malformed`` where it is broken and no whole
        item is in it.
    """
    # A charset in the Content-Type means nothing (RFC 8259 §11).
    charset = encoding.decide(body, mends=hints.mends, utf=True)
    notes = [f"encoding: {charset.note}"] if charset.note else []
    spans = item_spans.spans_by(_spans, body)
    if len(spans) > MOST_ITEMS:
        notes.append(f"holds {len(spans)} items; the first {MOST_ITEMS} were read")
    begin, end = (spans[0][0], spans[-1][1]) if spans else (len(body), len(body))
    head, tail = charset.decode(body[:begin]).lstrip("\ufeff"), charset.decode(body[end:])
    feed, broken = _object(f"{head}{tail}")
    if broken:
        feed, _ = _object(f"{head}]}}")  # cut off within its items, perhaps
        notes.append(f"broken outside its items, whole items kept: {broken}")
    version = _VERSION.fullmatch(_text(feed, "version").strip())
    if version is None or not isinstance(feed.get("items"), list) or (broken and not spans):
        raise ParseError(
            "malformed" if broken else "not-a-feed",
            f"{hints.url}: this is {f'broken JSON ({broken})' if broken else 'JSON'}, but no JSON"
            f" Feed: “version” is “{_text(feed, 'version')[:100]}”, and “items” holds {len(spans)};"
            " check the wire's url and its credentials",
        )
    home = resolve(_text(feed, "home_page_url"), hints.url) or ""
    items: list[Item] = []
    problems: list[tuple[int, str]] = []
    # An item's reading takes from the feed its authors and its address, which stand outside.
    outside = repr((hints.rule, hints.url, charset.name, charset.note, head, tail))
    context = hashlib.sha256(outside.encode("utf-8", "replace")).hexdigest()[:32]
    if broken or charset.wide or not hints.mends or not 0 < len(spans) <= MOST_ITEMS:
        context = ""
    standing = item_spans.standing(body, spans, hints) if context == hints.context else {}
    for position, (start, stop) in enumerate(spans[:MOST_ITEMS]):
        if position in standing:
            continue
        members, problem = _object(_decoded(body[start:stop], charset))
        if problem:
            problems.append((position, problem))
        item = Item(position, start, stop, doubt=charset.doubt(body[start:stop]))
        item = replace(item, independent=not problem)
        item = _item(item, members, feed, home or hints.url, mends=hints.mends)
        items.append(mended(item) if hints.mends else item)
    return Parsed(
        format=f"json{version[1].replace('.', '')}",
        channel=Channel(
            title=_text(feed, "title"),
            link=home,
            language=_text(feed, "language"),
            hub=next((u for h in _listed(feed, "hubs") if (u := _text(h, "url"))), ""),
        ),
        items=tuple(items),
        notes=(*notes, *summed_up(problems)),
        unread=max(0, len(spans) - MOST_ITEMS),
        whole=not broken or not _is_open(f"{head}{tail}"),
        context=context,
        standing=tuple(standing.values()),
    )


def _spans(body: bytes) -> item_spans.Spans:
    """Where each element of the document's ``items`` stands. Never fails."""
    found: list[tuple[int, int]] = []
    depth = start = 0
    within = False
    name = b""
    for token in _TOKEN_OF_BYTES.finditer(body):
        mark = token[0][:1]
        if within and depth == 2 and mark not in b"}]":
            start = token.start()
            if mark not in b"{[":
                found.append((start, token.end()))
        if mark in b"{[":
            within = within or (depth == 1 and mark == b"[" and name == b'"items"')
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if within and depth == 2:
                found.append((start, token.end()))
            within = within and depth >= 2
        elif depth == 1:
            name = token[0]
    return tuple(found)


def _decoded(piece: bytes, charset: encoding.Charset) -> str:
    """*piece* as text, its escapes of windows-1252 controls (``\\u0096``) resolved as meant."""
    text = charset.decode(piece)
    if not charset.mends or "\\u00" not in text:
        return text
    return _CONTROL.sub(lambda m: encoding.as_meant(chr(int(m[1], 16))), text)


def _object(text: str) -> tuple[dict[str, Any], str]:
    """The object that *text* is, or an empty one and what is wrong."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return {}, f"not readable as JSON: {str(error).partition(':')[0][:200]}"
    return (value, "") if isinstance(value, dict) else ({}, "not an object of JSON")


def _is_open(text: str) -> bool:
    """Whether *text* ends within what it began."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
    return depth > 0


def _text(members: Any, *names: str) -> str:
    """The first text or number that *members* have under *names*; ``""`` when there is none."""
    for name in names:
        value = members.get(name) if isinstance(members, dict) else None
        if isinstance(value, str) and value.strip():
            return value.replace("\0", "")  # no database holds it, and no browser shows it
    return ""


def _listed(members: dict[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    return value[:MOST_LISTED] if isinstance(value, list) else [value] if value else []


def _letters(text: tuple[str, bool]) -> int:
    return letters_by_hand(text[0]) if text[1] else letters(text[0], addresses=True)


def _item(
    item: Item, members: dict[str, Any], feed: dict[str, Any], base: str, *, mends: bool
) -> Item:
    """*item* with what its *members* say; *base* is where addresses of the feed are resolved."""
    link = resolve(_text(members, "url", "external_url"), base) or ""
    texts = [
        (text, name == "content_html")
        for name in ("content_html", "content_text", "summary")
        if (text := _text(members, name))
    ]
    worded = (one for one in texts if not one[1] or has_words(one[0]))
    first = body = next(worded, texts[0] if texts else ("", False))
    summary = (_text(members, "summary"), False)
    if mends and texts:
        fullest = max(texts, key=_letters)
        if fullest[0] == _text(members, "content_text") and _letters(fullest) < (
            _letters(first) + PROSE
        ):
            fullest = first  # the same story, spelt as plain text
        body = fullest if _letters(fullest) > TEASER * _letters(first) else first
        summary = first if body == summary else summary  # its words are to come out
    own = members.get("_wirecopy") if mends else None
    if _text(own, "agency"):
        stated = (_text(own, name) for name in ("agency", "agency_id", "agency_version"))
        item = replace(
            item,
            provenance=Credit(*stated),
            page=_text(members, "external_url"),
            credits=tuple(filter(None, [_text(own, "credit")])),
            rights=_text(own, "rights"),
        )
        body = (without_printed(body[0], printed(_text(own, "statement"))), body[1])
    return replace(
        item,
        guid=_text(members, "id"),
        link=link,
        headline=_text(members, "title"),
        body=body[0],
        body_html=body[1],
        summary="" if summary == body else summary[0],
        summary_html=summary[1],
        base=link or base,
        language=_text(members, "language"),
        authors=_authors(members) or _authors(feed),
        published=tuple(filter(None, [_text(members, "date_published")])),
        updated=tuple(filter(None, [_text(members, "date_modified")])),
        categories=tuple((tag, "") for tag in _listed(members, "tags") if isinstance(tag, str)),
        media=_media(members, mends=mends),
    )


def _authors(members: dict[str, Any]) -> tuple[str, ...]:
    """Names; ``authors`` is a list since 1.1, ``author`` one object of 1."""
    found = _listed(members, "authors") or _listed(members, "author")
    names = (one if isinstance(one, str) else _text(one, "name") for one in found)
    return tuple(dict.fromkeys(filter(None, names)))


def _media(members: dict[str, Any], *, mends: bool) -> tuple[ItemMedia, ...]:
    found: dict[str, ItemMedia] = {}
    for name in ("image", "banner_image"):
        if url := _text(members, name):
            found[url] = ItemMedia(url=url, medium="image")
    for one in _listed(members, "attachments"):
        if url := _text(one, "url"):
            kind = _text(one, "mime_type")
            own = one.get("_wirecopy") if mends else None
            found[url] = ItemMedia(
                url=url,
                medium="image" if url in found else _text(own, "medium"),
                type="" if kind == _UNKNOWN else kind,
                length=_text(one, "size_in_bytes"),
                width=_text(own, "width"),
                height=_text(own, "height"),
                caption=_text(own, "caption") if own else _text(one, "title"),
                credit=_text(own, "credit"),
            )
    return tuple(found.values())


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    charset = encoding.decide(body, mends=hints.mends, utf=True)
    return lambda raw: _passages(_decoded(raw, charset), charset.mends)


def _passages(raw: str, mends: bool) -> list[Passage]:
    """The copy of *raw*, the text of one item.

    :raises UncheckedError: when that is no object.
    :raises stories.errors.ParseError: for HTML built to burst a parser.
    """
    members = [(name, "".join(values), _meant(values)) for name, values in _members(raw)]
    ours = " ".join(text for name, _, text in members if name == "_wirecopy").split()
    sentence = next(filter(None, map(printed, ours)), "") if mends else ""
    meant = mend if mends else str
    html = [letters(projection(meant(text))) for name, _, text in members if name == "content_html"]
    found: list[Passage] = []
    for name, written, text in members:
        kind = _KINDS.get(name, "prose")
        if kind == "prose" and (
            len(written) < PROSE
            or name.startswith("_")
            or name == "attachments"
            or OTHER.fullmatch(name.lower())
        ):
            continue
        if name == "content_text" and any(html) and letters(text) < max(html) + PROSE:
            continue
        found.append(
            Passage(name, kind, written, (meant(text),), partial(_readings, name, text, mends))
        )
    return [without_last(one, sentence) for one in found] if sentence else found


def _readings(name: str, text: str, mends: bool) -> Iterator[str]:
    if name != "content_html":
        yield unwrapped(text) if mends else text
    if name == "content_html" or (name not in _KINDS and ("<" in text or "&" in text)):
        yield projection(mend(text) if mends else text)


def _members(raw: str) -> list[tuple[str, list[str]]]:
    """The members of the object *raw* by name, in their order, repeated ones too: the strings and
    numbers of each, as they are written."""
    if raw[:1] != "{":
        raise UncheckedError("its bytes are no object of JSON")
    found: list[tuple[str, list[str]]] = []
    depth = 0
    for token in _TOKEN.finditer(raw):
        string, is_name, bare = token.groups()
        if string is None and bare is None:
            depth += 1 if token[0] in "{[" else -1
        elif is_name and depth == 1:
            found.append((_meant([string]), []))
        elif found and not is_name and bare not in ("true", "false", "null"):
            found[-1][1].append(bare if string is None else string)
    return found


def _meant(written: list[str]) -> str:
    """What strings mean that are *written* so, with the escapes of JSON (RFC 8259 §7)."""
    text = "\n".join(written)
    if "\\" in text:
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), text)
    return well_formed(text.replace("\0", ""))
