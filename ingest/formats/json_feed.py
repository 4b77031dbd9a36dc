"""JSON Feed 1 and 1.1 (https://www.jsonfeed.org/version/1.1/).

How JSON is read, twice, is in :mod:`ingest.formats.json_text`.

An item's copy is its ``title``, ``summary``, ``content_html`` and ``content_text``, and prose under
a name that the standard does not know; extensions (names with a leading underscore) are none. Where
``content_html`` has words, it is the story, and ``content_text`` the same without markup, so long
as it does not say more.
"""

import hashlib
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
from ingest.formats.json_text import (
    TOKEN,
    decoded,
    is_open,
    listed,
    read_object,
    spans,
    text_of,
    unescaped,
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
from ingest.item import (
    MOST_ITEMS,
    Channel,
    Hints,
    Item,
    ItemMedia,
    ItemSignals,
    Parsed,
    by_itself,
    summed_up,
)
from stories.errors import ParseError
from wirecopy.statement import Credit
from wirecopy.text import projection
from wirecopy.urls import resolve

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(1(?:\.[0-9]+)?)/?")
_UNKNOWN = "application/octet-stream"  # says nothing (RFC 2046 §4.5.1), but must be stated
_KINDS: dict[str, Kind] = {
    "title": "headline",
    "summary": "summary",
    "content_html": "body",
    "content_text": "body",
}


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
    at = item_spans.spans_by(lambda narrow: spans(narrow, ("items", "*")), body)
    if len(at) > MOST_ITEMS:
        notes.append(f"holds {len(at)} items; the first {MOST_ITEMS} were read")
    begin, end = (at[0][0], at[-1][1]) if at else (len(body), len(body))
    head, tail = charset.decode(body[:begin]).lstrip("\ufeff"), charset.decode(body[end:])
    feed, broken = read_object(f"{head}{tail}")
    if broken:
        feed, _ = read_object(f"{head}]}}")  # cut off within its items, perhaps
        notes.append(f"broken outside its items, whole items kept: {broken}")
    version = _VERSION.fullmatch(text_of(feed, "version").strip())
    if version is None or not isinstance(feed.get("items"), list) or (broken and not at):
        raise ParseError(
            "malformed" if broken else "not-a-feed",
            f"{hints.url}: this is {f'broken JSON ({broken})' if broken else 'JSON'}, but no JSON"
            f" Feed: “version” is “{text_of(feed, 'version')[:100]}”, and “items” holds {len(at)};"
            " check the wire's url and its credentials",
        )
    home = resolve(text_of(feed, "home_page_url"), hints.url) or ""
    items: list[Item] = []
    problems: list[tuple[int, str]] = []
    # An item's reading takes from the feed its authors and its address, which stand outside.
    outside = repr((hints.rule, hints.url, charset.name, charset.note, head, tail))
    context = hashlib.sha256(outside.encode("utf-8", "replace")).hexdigest()[:32]
    if broken or charset.wide or not hints.mends or not 0 < len(at) <= MOST_ITEMS:
        context = ""
    standing = item_spans.standing(body, at, hints) if context == hints.context else {}
    for position, (start, stop) in enumerate(at[:MOST_ITEMS]):
        if position in standing:
            continue
        members, problem = read_object(decoded(body[start:stop], charset))
        if problem:
            problems.append((position, problem))
        place = Item(position, start, stop, doubt=charset.doubt(body[start:stop]))
        place = replace(place, unreadable=problem, independent=not problem)
        read = partial(_item, members=members, feed=feed, base=home or hints.url, mends=hints.mends)
        items.append(place if problem else by_itself(place, read))
    return Parsed(
        format=f"json{version[1].replace('.', '')}",
        channel=Channel(
            title=text_of(feed, "title"),
            link=home,
            language=text_of(feed, "language"),
            hubs=tuple(
                url
                for hub in listed(feed, "hubs")[:10]
                # There are others, as rssCloud, which push nothing.
                if text_of(hub, "type").lower() in ("", "websub", "pubsubhubbub")
                if (url := text_of(hub, "url"))
            ),
            topic=text_of(feed, "feed_url"),
        ),
        items=tuple(items),
        notes=(*notes, *summed_up(problems)),
        unread=max(0, len(at) - MOST_ITEMS),
        whole=not broken or not is_open(f"{head}{tail}"),
        context=context,
        standing=tuple(standing.values()),
    )


def _letters(text: tuple[str, bool]) -> int:
    return letters_by_hand(text[0]) if text[1] else letters(text[0], addresses=True)


def _item(
    item: Item, *, members: dict[str, Any], feed: dict[str, Any], base: str, mends: bool
) -> Item:
    """*item* with what its *members* say; *base* is where addresses of the feed are resolved."""
    link = resolve(text_of(members, "url", "external_url"), base) or ""
    texts = [
        (text, name == "content_html")
        for name in ("content_html", "content_text", "summary")
        if (text := text_of(members, name))
    ]
    worded = (one for one in texts if not one[1] or has_words(one[0]))
    first = body = next(worded, texts[0] if texts else ("", False))
    summary = (text_of(members, "summary"), False)
    if mends and texts:
        fullest = max(texts, key=_letters)
        if fullest[0] == text_of(members, "content_text") and _letters(fullest) < (
            _letters(first) + PROSE
        ):
            fullest = first  # the same story, spelt as plain text
        body = fullest if _letters(fullest) > TEASER * _letters(first) else first
        summary = first if body == summary else summary  # its words are to come out
    own = members.get("_wirecopy") if mends else None
    if text_of(own, "agency"):
        stated = (text_of(own, name) for name in ("agency", "agency_id", "agency_version"))
        corrects = text_of(own, "correction")
        item = replace(
            item,
            provenance=Credit(*stated),
            page=text_of(members, "external_url"),
            credits=tuple(filter(None, [text_of(own, "credit")])),
            rights=text_of(own, "rights"),
            signals=ItemSignals(correction=True, corrected=corrects) if corrects else None,
        )
        body = (without_printed(body[0], _printed(own)), body[1])
    elif text_of(own, "withdrawn"):
        item = replace(item, signals=ItemSignals("withdrawn"))
    if held := text_of(own, "available"):
        item = replace(item, signals=replace(item.signals or ItemSignals(), embargo=held))
    item = replace(
        item,
        guid=text_of(members, "id"),
        link=link,
        headline=text_of(members, "title"),
        body=body[0],
        body_html=body[1],
        summary="" if summary == body else summary[0],
        summary_html=summary[1],
        base=link or base,
        language=text_of(members, "language"),
        authors=_authors(members) or _authors(feed),
        published=tuple(filter(None, [text_of(members, "date_published")])),
        updated=tuple(filter(None, [text_of(members, "date_modified")])),
        categories=tuple((tag, "") for tag in listed(members, "tags") if isinstance(tag, str)),
        media=_media(members, mends=mends),
    )
    return mended(item) if mends else item


def _printed(own: object) -> str:
    """The sentence below the story of which another Wirecopy says this, *own*."""
    return printed(own.get("statement"), own.get("disclosure")) if isinstance(own, dict) else ""


def _authors(members: dict[str, Any]) -> tuple[str, ...]:
    """Names; ``authors`` is a list since 1.1, ``author`` one object of 1."""
    found = listed(members, "authors") or listed(members, "author")
    names = (one if isinstance(one, str) else text_of(one, "name") for one in found)
    return tuple(dict.fromkeys(filter(None, names)))


def _media(members: dict[str, Any], *, mends: bool) -> tuple[ItemMedia, ...]:
    found: dict[str, ItemMedia] = {}
    for name in ("image", "banner_image"):
        if url := text_of(members, name):
            found[url] = ItemMedia(url=url, medium="image")
    for one in listed(members, "attachments"):
        if url := text_of(one, "url"):
            kind = text_of(one, "mime_type")
            own = one.get("_wirecopy") if mends else None
            found[url] = ItemMedia(
                url=url,
                medium="image" if url in found else text_of(own, "medium"),
                type="" if kind == _UNKNOWN else kind,
                length=text_of(one, "size_in_bytes"),
                width=text_of(own, "width"),
                height=text_of(own, "height"),
                caption=text_of(own, "caption") if own else text_of(one, "title"),
                credit=text_of(own, "credit"),
            )
    return tuple(found.values())


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    charset = encoding.decide(body, mends=hints.mends, utf=True)
    return lambda raw: _passages(decoded(raw, charset), charset.mends)


def _passages(raw: str, mends: bool) -> list[Passage]:
    """The copy of *raw*, the text of one item.

    :raises UncheckedError: when that is no object.
    :raises stories.errors.ParseError: for HTML built to burst a parser.
    """
    members = [
        (name, "".join(values), unescaped("\n".join(values))) for name, values in _members(raw)
    ]
    ours = read_object(raw)[0].get("_wirecopy") if mends else None
    sentence = _printed(ours)
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
    for token in TOKEN.finditer(raw):
        string, is_name, bare = token.groups()
        if string is None and bare is None:
            depth += 1 if token[0] in "{[" else -1
        elif is_name and depth == 1:
            found.append((unescaped(string), []))
        elif found and not is_name and bare not in ("true", "false", "null"):
            found[-1][1].append(bare if string is None else string)
    return found
