"""ninjs 1.x, 2.x and 3.x, IPTC's news in JSON (https://iptc.org/standards/ninjs/): one story, an
array of them, or an object that holds such an array, as agencies' interfaces answer.

Names are read in any case, so that those of 2.x (``versioncreated``) and 3.x (``versionCreated``)
are one. The copy is ``headline`` or ``headlines``, ``body_*`` or ``bodies``, ``description_*`` or
``descriptions``. What stands under ``associations`` is media, or in a composite without a body of
its own the parts of the story. Of media the description is the caption.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from ingest.formats import bodies, encoding, item_spans, json_text, own
from ingest.formats.bodies import Text, joined
from ingest.formats.html import disclosed, has_words, is_token, mend, mended, unwrapped
from ingest.formats.json_text import Leaf, Path, listed, text_of
from ingest.formats.rss_atom_reread import OTHER
from ingest.formats.sniff import Sniffed, members_of
from ingest.integrity import PROSE, Kind, Passage, Reread, UncheckedError, without_last
from ingest.item import (
    MOST_ITEMS,
    Channel,
    Hints,
    Item,
    ItemMedia,
    ItemSignals,
    Parsed,
    Subject,
    by_itself,
    rank,
    summed_up,
)
from stories.errors import ParseError
from wirecopy.encoding import names
from wirecopy.statement import Credit
from wirecopy.text import projection

_TELLING = names(
    """headline headlines versioncreated pubstatus bodies body_html body_text body_xhtml
    body_nitf firstcreated slugline representationtype descriptions"""
)
"""Names of which a story of ninjs has at least one, besides its ``uri``."""

_MEDIA = ("picture", "graphic", "video", "audio")
_DESCRIPTION = re.compile(r"description_(?:text|x?html|summary|caption)")
_PARTS = names("main intro introduction lead preamble")
"""Roles of bodies that are the story, where one is ``main``: of another role is another version of
it, as for social media."""
_NOTES = names(
    """ednote usageterms copyrightnotice copyrightholder rightsinfo associations subject subjects
    renditions located by byline $standard standard plannedcoverage eventdetails
    trustindicators extra slugline uri guid authors products signals person people place
    places organisation"""
)
"""Members that hold no copy, however long they are."""


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is JSON that holds stories of ninjs."""
    return _place(sniffed.members) is not None


def _place(members: frozenset[Path]) -> Path | None:
    """Where in a document of these *members* the stories stand; None where there is none."""
    places = {path[:-1] for path in members if path[-1].lower() in ("uri", "guid")}
    for place in sorted(places, key=lambda place: (len(place), place)):
        names = {path[-1].lower() for path in members if path[:-1] == place}
        if place[:-1].count("*") == 0 and place[-1:] in ((), ("*",)) and names & _TELLING:
            return place
    return None


class ItemOf(Protocol):
    """Makes an item of where it stands, and of the members of its object."""

    def __call__(self, item: Item, one: dict[str, Any]) -> Item: ...


def parse(body: bytes, hints: Hints) -> Parsed:
    """The stories of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where it is broken and no whole story is in it.
    """
    charset = encoding.decide(body, utf=True)
    place = _place(members_of(body)) or ()
    return read(body, hints, charset, place, _item, "ninjs")


def read(
    body: bytes,
    hints: Hints,
    charset: encoding.Charset,
    place: Path,
    item_of: ItemOf,
    format: str,
) -> Parsed:
    """The items of *body* at *place*, each made by *item_of* of its members.

    :raises ParseError: as :func:`parse` does.
    """
    spans = item_spans.spans_by(lambda narrow: json_text.spans(narrow, place), body)
    notes = [f"encoding: {charset.note}"] if charset.note else []
    begin, end = (spans[0][0], spans[-1][1]) if spans else (len(body), len(body))
    around = f"{charset.decode(body[:begin])}null{charset.decode(body[end:])}"
    whole = bool(spans) and not json_text.is_open(around.lstrip("\ufeff"))
    items: list[Item] = []
    problems: list[tuple[int, str]] = []
    for position, (start, stop) in enumerate(spans[:MOST_ITEMS]):
        members, problem = json_text.read_object(json_text.decoded(body[start:stop], charset))
        item = Item(
            position, start, stop, doubt=charset.doubt(body[start:stop]), unreadable=problem
        )
        if problem:
            problems.append((position, problem))
            items.append(item)
        else:
            items.append(mended(by_itself(item, partial(item_of, one=lowered(members)))))
    if problems and not json_text.is_document(_around(body, spans, charset)):
        # A quotation mark too few shifts all that follows: what looks like a story may be a part.
        first = problems[0][0]
        problem = "it stands behind what is broken"
        items[first + 1 :] = [
            Item(one.position, one.start, one.end, unreadable=problem) for one in items[first + 1 :]
        ]
        problems[1:] = [(one.position, problem) for one in items[first + 1 :]]
    if not spans or len(problems) == len(items):
        why = problems[0][1] if problems else "it breaks off before its first story ends"
        raise ParseError(
            "malformed", f"{hints.url}: this is {format}, but no whole story is in it: {why}"
        )
    return Parsed(
        format=format,
        channel=Channel(),
        items=tuple(items),
        notes=(*notes, *summed_up(problems)),
        unread=max(0, len(spans) - MOST_ITEMS),
        whole=whole,
    )


def _around(body: bytes, spans: item_spans.Spans, charset: encoding.Charset) -> str:
    """What stands around the values of *body* at *spans*, with ``null`` in the place of each."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    pieces = zip([0, *ends], [*starts, len(body)], strict=True)
    return "null".join(charset.decode(body[start:end]) for start, end in pieces).lstrip("\ufeff")


def lowered(members: dict[str, Any]) -> dict[str, Any]:
    """*members* with their names in lower case; of two that are one then the first."""
    found: dict[str, Any] = {}
    for name, value in members.items():
        found.setdefault(name.lower(), value)
    return found


def objects(members: dict[str, Any], *names: str) -> Iterator[dict[str, Any]]:
    """The objects that *members* have under *names*, in an array or by names of their own."""
    for name in names:
        value = members.get(name)
        own = value.values() if isinstance(value, dict) and _is_named(value) else None
        for one in own if own is not None else listed(members, name):
            if isinstance(one, dict):
                yield lowered(one)


def _is_named(value: dict[str, Any]) -> bool:
    return all(isinstance(one, dict) for one in value.values())


def _item(item: Item, one: dict[str, Any]) -> Item:
    said = {text_of(i, "role"): text_of(i, "value") for i in objects(one, "altids")}
    is_ours = "agency" in said and "editScope" in said
    kinds = (*_MEDIA, "component") if is_ours else _MEDIA
    item = replace(common(item, one, kinds), guid=text_of(one, "uri", "guid"))
    if not is_ours or not item.sources:
        return item
    return own.republished(
        replace(item, link=said.get("page", "")),
        Credit(next(iter(item.sources), ""), said["agency"], item.version),
        page=said.get("source", ""),
        scope=said["editScope"],
        wire_headline=text_of(one, "title"),
        statement=said.get("statement", ""),
    )


def common(item: Item, one: dict[str, Any], kinds: tuple[str, ...] = _MEDIA) -> Item:
    """*item* with what the members *one* of a story say, in any version of ninjs, but its id. What
    is associated with it is media where it is of one of the *kinds*."""
    texts = _bodies(one)
    if not any(text.text.strip() for text in texts):
        # A composite is what is associated with it, if that is text.
        texts = [text for part in objects(one, "associations") for text in _bodies(part)]
    is_medium = text_of(one, "type").lower() in _MEDIA
    media = [*_medium(one)] if is_medium else []
    media += (m for part in objects(one, "associations") for m in _medium(part, kinds))
    body = joined(texts)
    summary = Text("", True)
    if not (is_medium and media):
        summary = _description(one, "summary", "text", "html", "")
    corrected = _spoken(_description(one, "correction", others=False))
    return replace(
        item,
        version=text_of(one, "version"),
        headline=_headline(one),
        body=body.text,
        body_html=body.is_html,
        summary="" if summary == body else summary.text,
        summary_html=summary.is_html,
        language=text_of(one, "language"),
        authors=tuple(_authors(one)),
        sources=tuple(_names(one, "infosource", "infosources", "source", "provider")),
        credits=tuple(filter(None, [text_of(one, "creditline", "description_creditline")])),
        published=tuple(filter(None, [text_of(one, "firstcreated", "contentcreated")])),
        updated=tuple(filter(None, [text_of(one, "versioncreated")])),
        subjects=tuple(_subjects(one)),
        keywords=tuple(_names(one, "keywords", "keyword")),
        media=tuple(media),
        rights=text_of(one, "copyrightnotice", "copyrightholder"),
        urgency=text_of(one, "urgency"),
        dateline=text_of(one, "dateline", "located"),
        elsewhere="" if body.text or is_medium else _elsewhere(one),
        signals=ItemSignals(
            status=text_of(one, "pubstatus"),
            embargo=text_of(one, "embargoeduntil", "embargoed"),
            expires=text_of(one, "expires"),
            correction=bool(corrected)
            or any("correct" in name.lower() for name in _names(one, "signals", "signal")),
            corrected=corrected,
            ed_note=" ".join(_names(one, "ednote")),
            slugline=text_of(one, "slugline"),
            usage_terms=" ".join(_names(one, "usageterms")),
        ),
    )


def _elsewhere(one: dict[str, Any]) -> str:
    """Where the text of *one* is to be had, if it is not in it; NITF before others."""
    named = one.get("renditions")
    found = named.items() if isinstance(named, dict) else ()
    texts = [
        (name.lower() != "nitf", text_of(rendition, "href"))
        for name, rendition in found
        if text_of(rendition, "type") == "text" and text_of(rendition, "href")
    ]
    return min(texts)[1] if texts else ""


def _headline(one: dict[str, Any]) -> str:
    told = [h for h in objects(one, "headlines") if text_of(h, "value")]
    main = [h for h in told if _role(h) in ("", "main", "headline")]
    # Several may have no role, and only one is the one that its agency calls so.
    main = [h for h in main if _role(h) == "main"] or main
    chosen = text_of((main or told or [{}])[0], "value")
    return text_of(one, "headline") or chosen or text_of(one, "title")


def _role(one: dict[str, Any]) -> str:
    """The role of *one*, without the vocabulary that it is of."""
    return text_of(one, "role").strip().lower().rpartition(":")[2]


def _bodies(one: dict[str, Any]) -> list[Text]:
    """The texts of a story's body, those of markup before others."""
    roles = [_role(body) for body in objects(one, "bodies") if text_of(body, "value")]
    named = [
        Text(text, not name.endswith("_text"))
        for name in one
        if name.startswith("body_") and (text := text_of(one, name))
    ]
    told = (
        bodies.of_type(text, text_of(body, "contenttype"))
        for body in objects(one, "bodies")
        if (text := text_of(body, "value"))
        and not ("main" in roles and _role(body) and _role(body) not in _PARTS)
    )
    return [*named, *told]


def _description(one: dict[str, Any], *roles: str, others: bool = True) -> Text:
    """The description of *one* in the first of *roles* in which there is one, else the first, if
    *others* serve; what is said of a correction never does."""
    told = [
        (name.removeprefix("description_"), bodies.of_type(text, ""))
        for name in one
        if _DESCRIPTION.fullmatch(name) and (text := text_of(one, name))
    ]
    told += (
        (text_of(d, "role").lower(), bodies.of_type(text, text_of(d, "contenttype")))
        for d in objects(one, "descriptions")
        if (text := text_of(d, "value"))
    )
    told = [d for d in told if d[0] in roles or (others and d[0] != "correction")]
    ranked = sorted(told, key=lambda d: roles.index(d[0]) if d[0] in roles else len(roles))
    return ranked[0][1] if ranked else Text("", True)


def _names(one: dict[str, Any], *names: str) -> Iterator[str]:
    """The strings under *names*: alone, in an array, or as the ``name`` of objects."""
    for name in names:
        for value in listed(one, name):
            if text := value if isinstance(value, str) else text_of(value, "name", "literal"):
                yield text


def _authors(one: dict[str, Any]) -> Iterable[str]:
    if by := text_of(one, "byline", "by"):
        return [by]
    return [text for a in objects(one, "bylines", "authors") if (text := text_of(a, "by", "name"))]


def _subjects(one: dict[str, Any]) -> Iterator[Subject]:
    for each in objects(one, "subject", "subjects"):
        scheme, code = text_of(each, "scheme"), text_of(each, "code", "uri", "literal")
        yield Subject.of(text_of(each, "name"), scheme, code)


def _medium(one: dict[str, Any], kinds: tuple[str, ...] = _MEDIA) -> Iterator[ItemMedia]:
    """The rendition of *one*, if it is of one of these *kinds*, that is to be shown."""
    kind = text_of(one, "type").lower()
    found = []
    named = one.get("renditions")
    if isinstance(named, dict):
        found = [(n, lowered(r)) for n, r in named.items() if isinstance(r, dict)]
    else:
        found = [(text_of(r, "name"), r) for r in objects(one, "renditions")]
    if kind not in kinds:
        return
    shown = [(rank(name, text_of(r, "width")), r) for name, r in found if text_of(r, "href")]
    if not shown:
        return
    chosen = max(shown, key=lambda each: each[0])[1]
    caption = _description(one, "caption", "text", "html", "")
    yield ItemMedia(
        url=text_of(chosen, "href"),
        medium={"picture": "image", "graphic": "image", "component": ""}.get(kind, kind),
        type=text_of(chosen, "mimetype", "contenttype"),
        width=text_of(chosen, "width"),
        height=text_of(chosen, "height"),
        length=text_of(chosen, "sizeinbytes"),
        caption=_spoken(caption) or text_of(one, "caption", "headline", "title"),
        credit=text_of(one, "creditline", "byline", "by", "copyrightholder"),
    )


def _spoken(text: Text) -> str:
    if not text.is_html:
        return text.text
    try:
        return " ".join(projection(mend(text.text)).split())
    except ParseError:
        return ""


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the stories of *body*, a capture. Linear in its length."""
    charset = encoding.decide(body, utf=True)
    return lambda raw: _passages(json_text.decoded(raw, charset))


def _passages(raw: str) -> list[Passage]:
    """The copy of *raw*, the text of one story.

    :raises UncheckedError: when that is no object.
    """
    if raw[:1] != "{":
        raise UncheckedError("its bytes are no object of JSON")
    told = [(tuple(name.lower() for name in leaf.path), leaf) for leaf in json_text.leaves(raw)]
    kind = next((leaf.text.lower() for path, leaf in told if path == ("type",)), "")
    types = {path[:2]: leaf.text for path, leaf in told if path[2:] == ("contenttype",)}
    versions = _versions({path[:-1]: leaf.text for path, leaf in told if path[-1] == "role"})
    found: list[Passage] = []
    parts: list[Passage] = []
    for path, leaf in told:
        what: Kind | None
        inner = path[2:] if path[0] == "associations" else path
        what = _kind(inner, leaf)
        if what is None or not leaf.is_string:
            continue
        if what == "body" and path[:-1] in versions:
            what = "spare"
        if inner is not path:
            parts += [_passage(path, what, leaf, "")] if what == "body" else []
        else:
            # Of several descriptions of a picture one is its caption.
            what = "spare" if what == "summary" and kind in _MEDIA else what
            found.append(_passage(path, what, leaf, types.get(path[:2], "")))
    has_body = any(one.kind == "body" and has_words(one.raw) for one in found)
    found = found if has_body else [*found, *parts]
    tokens = (leaf.text for path, leaf in told if path[0] == "altids" and is_token(leaf.text))
    if sentence := disclosed(next(tokens, "")):
        found = [without_last(one, sentence) for one in found]
    return bodies.whole(found)


def _versions(roles: dict[Path, str]) -> set[Path]:
    """Where among bodies with these *roles* others than the story stand, beside a main one."""
    last = {path: role.strip().lower().rpartition(":")[2] for path, role in roles.items()}
    main = {path[:-1] for path, role in last.items() if role == "main" and path[-2] == "bodies"}
    return {path for path, role in last.items() if path[:-1] in main and role not in {*_PARTS, ""}}


def _kind(path: Path, leaf: Leaf) -> Kind | None:
    name = path[0] if path else ""
    if path in (("headline",), ("title",)) or (name == "headlines" and path[2:] == ("value",)):
        return "headline"
    if (len(path) == 1 and name.startswith("body_")) or (
        name == "bodies" and path[-1:] == ("value",)
    ):
        return "body"
    if (len(path) == 1 and _DESCRIPTION.fullmatch(name)) or (
        name == "descriptions" and path[-1:] == ("value",)
    ):
        return "summary"
    is_prose = len(path) == 1 and len(leaf.written) >= PROSE and name not in _NOTES
    return "prose" if is_prose and not OTHER.fullmatch(name) else None


def _passage(path: Path, kind: Kind, leaf: Leaf, content_type: str) -> Passage:
    name = ".".join(path)
    html = path[-1].startswith(("body_", "description_")) and not path[-1].endswith("_text")
    plain = path[-1].endswith("_text") or kind == "headline"
    readings = partial(_readings, leaf.text, html or "html" in content_type.lower(), plain)
    return Passage(name, kind, leaf.written, (mend(leaf.text),) if html else (), readings)


def _readings(text: str, html: bool, plain: bool) -> Iterator[str]:
    if not html:
        yield unwrapped(text)
    if not plain and ("<" in text or "&" in text):
        yield projection(mend(text))
    elif html:
        yield unwrapped(text)
