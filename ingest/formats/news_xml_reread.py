"""The second reading of an item of NITF, NewsML 1 or NewsML-G2: what copy its own bytes hold.

A scanner over the item's text, that of :mod:`ingest.formats.rss_atom_reread`, without lxml or any
code of the formats' parsers. Which elements are copy, a format says in its :class:`Rules`; what
stands in any other is prose from :data:`ingest.integrity.PROSE` characters on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from ingest.formats import bodies, encoding
from ingest.formats.html import disclosed, is_token, mend, unwrapped
from ingest.formats.rss_atom_reread import OTHER, Scan, as_html, characters
from ingest.formats.sniff import beginning, sniff_xml
from ingest.integrity import PROSE, Kind, Passage, Reread, UncheckedError, without_last
from ingest.item import Hints
from wirecopy.jose import from_xml
from wirecopy.text import projection

_NOTHING = re.compile(r"(?!)")

DEEPEST = 60
"""Levels of elements around the copy; real documents have some ten."""

_START = re.compile(r"""<([^\s<>/!?&"'=]{1,100})((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>""")
_BESIDE = re.compile(
    r"<(?P<tag>(?:[\w.-]{1,64}:)?(?:media|nitf-table-metadata))(?=[\s/>])", re.ASCII
)
_STATEMENT = re.compile(r"<(?:[\w.-]{1,64}:)?statement>([^<]{1,100000})</", re.ASCII)
_SIGN = re.compile(
    r"(</(?:[\w.-]{1,64}:)?numer\s*>)\s*(?:<((?:[\w.-]{1,64}:)?frac-sep)\s*(?:/>|>\s*</\2\s*>)\s*)?"
    r"(?=<(?:[\w.-]{1,64}:)?denom[\s>])",
    re.ASCII,
)
"""Where the sign of a fraction of NITF stands, if none is written."""
_INSIDE = re.compile(r"<(?:[\w.-]{1,64}:)?(note|body\.content|body\.end)(?=[\s/>])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rules:
    """By their local names in lower case: what *kinds* of copy elements hold; which are ``titles``,
    a headline only where there is no other; which are ``silent``, with all that they hold.
    ``captions`` is found in the first start tag within an element that holds a caption, ``spare``
    in the attributes of a summary that need not come out. ``lists`` hold stories by what these are
    called, all of which is the body."""

    kinds: dict[str, Kind]
    titles: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()
    captions: re.Pattern[str] = _NOTHING
    spare: re.Pattern[str] = _NOTHING
    lists: tuple[str, ...] = ()


_LIST = Rules(
    dict.fromkeys(("title", "headline", "description"), "body"), silent=frozenset(["name"])
)


def passages_by(rules: Rules, body: bytes, hints: Hints) -> Reread:
    """The second reading by *rules* of the items of *body*, a capture."""
    charset = encoding.decide(body, hints.headers.get("content-type", ""), settled=hints.charset)
    entities = dict(sniff_xml(beginning(body, charset)).entities)
    return lambda raw: _passages(charset.decode(raw), rules, entities)


def _passages(raw: str, rules: Rules, entities: dict[str, str]) -> list[Passage]:
    """The copy of *raw*, the text of one item, in the order of its elements.

    :raises UncheckedError: when that is no element of XML, or one nested beyond reason.
    """
    own = _START.match(raw)
    if own is None:
        raise UncheckedError("its bytes are no element of XML")
    found = list(_walk(raw[own.end() : max(own.end(), raw.rfind("</"))], rules, entities, 0))
    titles = [one for one in found if one.kind == "headline" and one.name in rules.titles]
    has_headline = any(one.kind == "headline" and one not in titles for one in found)
    left = [
        # Several headlines, or summaries, are of one name, and not one text.
        replace(one, space=str(at) if one.kind != "body" else "")
        for at, one in enumerate(found)
        if not (has_headline and one in titles)
    ]
    tokens = (_token(one, entities) for one in _STATEMENT.findall(raw))
    if sentence := disclosed(next(filter(is_token, tokens), "")):
        left = [without_last(one, sentence) for one in left]
    return bodies.whole(left)


def _token(inner: str, entities: dict[str, str]) -> str:
    return from_xml(characters(inner, entities).strip())


def _walk(raw: str, rules: Rules, entities: dict[str, str], depth: int) -> Iterator[Passage]:
    """The copy of *raw*, what an element holds. Each level is looked at once."""
    if depth > DEEPEST:
        raise UncheckedError("its elements are nested beyond reason")
    for tag, attributes, start, stop, nested in Scan(raw, len(raw), mends=True).children(0):
        name, inner = tag.rpartition(":")[2].lower(), raw[start:stop]
        if name in rules.silent:
            continue
        if nested and rules.captions.search(_first_child(inner)):
            continue
        if name in rules.lists:
            yield from _walk(inner, _LIST, entities, depth + 1)
            continue
        kind = rules.kinds.get(name) or ("headline" if name in rules.titles else None)
        if kind == "summary" and rules.spare.search(attributes):
            kind = "spare"
        is_story = name.startswith("body.")  # of NITF itself
        if kind == "body" and not is_story and (parts := list(_parts(inner))):
            for one in parts:
                yield _passage(name, kind, one, True, entities)
        elif kind is not None:
            yield _passage(name, kind, inner, nested, entities)
        elif nested:
            yield from _walk(inner, rules, entities, depth + 1)
        elif len(inner) >= PROSE and not OTHER.fullmatch(name):
            if is_token(_token(inner, entities)):
                continue  # the statement of another Wirecopy
            yield _passage(name, "prose", inner, nested, entities)


def _first_child(inner: str) -> str:
    found = _START.search(inner[:500])
    return found[0] if found is not None else ""


def _parts(inner: str) -> Iterator[str]:
    """The story itself, of a NITF document that stands within an element."""
    at = 0
    scan = Scan(inner, len(inner), mends=True)
    while (found := _INSIDE.search(inner, at)) is not None:
        part = next(scan.children(found.start()), None)
        if part is None:
            return
        _, _, begin, end, _ = part
        if found[1] != "note":
            yield inner[begin:end]
        at = max(end, found.end())


def _passage(name: str, kind: Kind, inner: str, nested: bool, entities: dict[str, str]) -> Passage:
    if nested:
        inner = _SIGN.sub(r"\1/", inner)
        readings = partial(_of_markup, _without_media(inner), entities)
    else:
        readings = partial(_of_text, unwrapped(characters(inner, entities)))
    return Passage(name, kind, inner, (), readings)


def _of_markup(inner: str, entities: dict[str, str]) -> Iterator[str]:
    yield projection(mend(as_html(inner, entities)))


def _of_text(text: str) -> Iterator[str]:
    yield text
    if "<" in text or "&" in text:
        yield projection(mend(text))


def _without_media(inner: str) -> str:
    """*inner* without the elements that are beside the text. Linear in its length."""
    pieces: list[str] = []
    at = 0
    while (found := _BESIDE.search(inner, at)) is not None:
        pieces.append(inner[at : found.start()])
        start = _START.match(inner, found.start())
        at = start.end() if start is not None else found.end()
        if start is not None and not start[2].endswith("/"):
            end = re.compile(rf"</{re.escape(found['tag'])}\s*>").search(inner, at)
            if end is None:
                break
            at = end.end()
    pieces.append(inner[at:])
    return "".join(pieces)
