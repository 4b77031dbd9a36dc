"""Feeds read into entries: RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1.

``docs/statement.md`` §4 says what is an entry's headline, body, media and so on. The publisher
measures its own entries through this module too, so what is signed is what a verifier reads.

XML is read by expat: no entity is expanded, nothing is fetched, a DOCTYPE is refused.

Lenient readers accept more, and show it: feedparser, and whoever matches prefixes or ignores case.
So an entry holds what Wirecopy writes (``form.json``), and beside it only what no reader knows.
"""

import codecs
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple
from xml.parsers import expat

from .encoding import LARGEST_DOCUMENT, SPACE, names, parse_json, unpacked
from .errors import Refused
from .form import ADDRESS, FORM, unwritten
from .html import TangleError
from .jose import as_text, from_xml
from .scope import Copy
from .statement import Details, captioned
from .text import paragraphs, plain

OWN: str = FORM["names"]["wirecopy"]
"""The namespace of Wirecopy's elements."""
_OWN = f"{{{OWN}}}"
_ATOM = f"{{{FORM['names']['atom']}}}"
_DC = f"{{{FORM['names']['dc']}}}"
_DCTERMS = f"{{{FORM['names']['dcterms']}}}"
_MEDIA = f"{{{FORM['names']['media']}}}"
_CONTENT = f"{_MEDIA}content"
_BODY = f"{{{FORM['names']['content']}}}encoded"
_MOST_FAULTS = 5
_DEEPEST_JSON = 64
_BRACKETS = re.compile("%(5B|5D|23|25)")

DEEPEST_XML = 256
"""How deep elements may nest (libxml2's limit)."""

_BETWEEN = "\x1f"  # between the parts of a name: no XML can hold it
_DECLARED = re.compile(
    rb"<\?xml[^>]*?\sencoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']"
)
# Python's own codecs, which no other reader of XML has.
_NO_ENCODING = {"idna", "punycode", "raw-unicode-escape", "unicode-escape"}

# What lenient readers recognize.
_NAMESPACES = frozenset(["", *(uri.lower() for uri in FORM["readers"]["namespaces"])])
_PREFIXES = names(FORM["readers"]["prefixes"])


class Element:
    """An element as ``{namespace}name``, and what it holds.

    ``attributes`` are those that readers may know, by the name as written, with its prefix;
    ``content`` is text and elements in order, ``children`` the elements alone. ``known`` is the
    local name in lower case if readers may know it, else empty.
    """

    __slots__ = ("attributes", "children", "content", "known", "tag")

    def __init__(self, written: str, attributes: dict[str, str]) -> None:
        self.tag, self.known, _ = _name_parts(written)
        if attributes and _BETWEEN in "".join(attributes):
            attributes = {
                name: value
                for spelt, value in attributes.items()
                if (name := _name_parts(spelt)[2]) is not None
            }
        self.attributes = attributes
        self.content: list[str | Element] = []
        self.children: list[Element] = []

    def descend(self) -> list["Element"]:
        """The element itself and all elements in it, in document order."""
        found: list[Element] = []
        self._descend(found)
        return found

    def _descend(self, found: list["Element"]) -> None:
        found.append(self)
        for child in self.children:
            if child.children:
                child._descend(found)  # not deeper than DEEPEST_XML
            else:
                found.append(child)

    def text(self) -> str:
        """The text in it, but for that of its children."""
        if not self.children:
            return "".join(map(str, self.content))
        return "".join(one for one in self.content if isinstance(one, str))


class _Rule:
    """What an element of the table may have: attributes, and children if any; whether several."""

    def __init__(self, stated: str, *, several: bool, hollow: bool) -> None:
        self.several = several
        self.hollow = hollow
        """Whether it holds nothing."""
        self.inside: dict[str, _Rule] = {}
        self.needed: list[str] = []
        self.attributes: dict[str, frozenset[str] | None] = {}
        """By name the values it may have; None for an address that something is loaded from, and
        an empty set for any value."""
        for each in stated.split():
            name, _, values = each.partition("=")
            spelt = name.removesuffix("@")
            self.attributes[spelt] = None if spelt != name else names(values.replace("|", " "))
            if values or spelt != name:
                self.needed.append(spelt)

    def faults(self, element: Element) -> Iterator[str]:
        """What is wrong with *element*, as clauses."""
        name = _local(element)
        for attribute, value in element.attributes.items():
            allowed = self.attributes.get(attribute, _NEVER)
            fits = ADDRESS.match(value) if allowed is None else not allowed or value in allowed
            if not fits:
                yield f"the attribute {attribute[:20]!r} of <{name}>, {value[:60]!r}"
        for attribute in self.needed:
            if attribute not in element.attributes:
                yield f"<{name}> lacks its {attribute!r}"
        if (self.inside or self.hollow) and element.text().strip(SPACE):
            yield f"words in <{name}>"
        if not self.inside and element.children:
            yield f"an element in <{name}>"


_NEVER = frozenset([_BETWEEN])


def _rules(table: Mapping[str, str]) -> dict[str, _Rule]:
    """The rules of a *table*, by tag."""
    top: dict[str, _Rule] = {}
    hollow = {_tag(name) for name in FORM["hollow"].split()}
    for path, stated in table.items():
        *above, last = (_tag(each) for each in path.rstrip("*").split("/"))
        rules = top
        for each in above:
            rules = rules[each].inside
        rules[last] = _Rule(stated, several=path.endswith("*"), hollow=last in hollow)
    return top


def _tag(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{FORM['names'][prefix]}}}{local}" if prefix else local


_RSS = _rules(FORM["rss"])
_ATOM_ENTRY = _rules(FORM["atom"])
_RSS_NOTICE = _rules(FORM["notice"]["rss"])
_STATEMENT = f"{_OWN}statement"
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_ATOM_NOTICE = {_STATEMENT: _RSS_NOTICE[_STATEMENT]}
_NOTICE_WORDS: list[list[str]] = [*FORM["notice"]["words"].values()]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a reader gets it. ``None`` is for what the entry does not have.

    ``media`` are the addresses beside the body that are digested, ``pictures`` others that readers
    show. ``agencies`` are who else is named as the agency: the last author, the source. ``updated``
    is when the entry says it changed, each time, ``published`` when it was first published,
    ``received`` when the copy came: to the second, in UTC. ``captions`` are caption and credit in
    one line, of each of the ``media``; None where it is said in two ways. ``log`` is the proof, in
    the feed that the entry stands in, for statements that have none of their own. ``faults`` are
    what is wrong with the entry by itself.

    With ``withdrawn``, the time when its story was, it is a notice of that and has no copy.
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
    agencies: tuple[str, ...] = ()
    edit_scope: str | None = None
    edited_headline_only: bool | None = None
    wire_headline: str | None = None
    updated: tuple[str, ...] = ()
    published: str | None = None
    received: str | None = None
    byline: str | None = None
    captions: tuple[str | None, ...] = ()
    correction: str | None = None
    statement: str | None = None
    log: str | None = None
    withdrawn: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def details(self) -> Details:
        """What of the rest is digested."""
        said = self.byline or "", self.published or ""
        return Details(*said, self.captions, self.correction or "")

    @property
    def copy(self) -> Copy:
        """The part of it that is digested."""
        return Copy(self.headline, self.body, self.media, self.summary, self.tags)


def read_feed(document: bytes) -> list[Entry]:
    """The entries of a feed, in their order, and in their places notices of stories withdrawn; of
    an Atom Entry Document (RFC 4287 §2) that entry.

    :raises Refused: for what is no feed, is too large, or cannot be read safely.
    """
    encoding, document = _opened(document)
    if encoding is not None:
        feed = _json_feed(document, encoding)
        ours = feed.get("_wirecopy")
        log = ours.get("log") if isinstance(ours, dict) else None
        shown = log if isinstance(log, str) else None
        read = [_json_notice(item) or _json_entry(item, shown) for item in feed["items"]]
    else:
        root = parse_xml(document)
        log = _log_of(root)
        read = [
            _foreign_entry(element) if of is None else of.read(element, based=based, log=log)
            for element, of, based in _entries(root)
        ]
    # Readers show one of the two.
    beside = "a notice that it is withdrawn stands beside it"
    withdrawn = {entry.guid for entry in read if entry.withdrawn is not None}
    return [
        entry
        if entry.withdrawn is not None or entry.guid not in withdrawn
        else replace(entry, faults=_faults([beside, *entry.faults]))
        for entry in read
    ]


def read_copies(document: bytes) -> list[Copy]:
    """The copies of the entries that :func:`read_feed` reads, without looking for their faults.

    Raises as it does.
    """
    encoding, document = _opened(document)
    if encoding is not None:
        items = _json_feed(document, encoding)["items"]
        return [_json_copy(item) for item in items if _json_notice(item) is None]
    return [
        _foreign_entry(element).copy if of is None else of.copy(element, _by_tag(element))
        for element, of, based in _entries(parse_xml(document))
        if element.tag != _TOMBSTONE and _rss_notice(element, based=based) is None
    ]


def _opened(document: bytes) -> tuple[str | None, bytes]:
    """The document without gzip, and if it is JSON, in which encoding."""
    document = unpacked(document, LARGEST_DOCUMENT)
    encoding = json.detect_encoding(document[:4])
    start = document[:400].decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    return encoding if start.startswith("{") else None, document


def _faults(found: Iterable[str]) -> tuple[str, ...]:
    """The first few of those *found*, each once."""
    return tuple(dict.fromkeys(found))[:_MOST_FAULTS]


def _instant(text: str, faults: list[str]) -> str | None:
    """The instant in *text*, of RFC 3339 or RFC 822, to the second in UTC."""
    said = text.strip(SPACE)
    try:
        read = datetime.fromisoformat if said[:4].isdigit() else parsedate_to_datetime
        moment = read(said)
        if moment.tzinfo is None:
            raise ValueError
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    except (ValueError, OverflowError):
        faults.append(f"{said[:40]!r} is no date")
        return None


def _named(
    authors: Sequence[str], faults: list[str], *, apart: Iterable[str]
) -> tuple[list[str], str | None]:
    """The agency among the *authors*: the last, behind who wrote the story, if that is said.

    *apart* is where who wrote it is said by itself: that says the same, or it alone.
    """
    if len(authors) > 2:
        faults.append(f"it has {len(authors)} authors")
    byline = authors[0] if len(authors) == 2 else None
    for name in apart:
        if byline not in (None, name):
            faults.append("it has two bylines")
        byline = name
    return list(authors[-1:]), byline


# JSON Feed


def _json_feed(document: bytes, encoding: str) -> dict[str, Any]:
    try:
        text = document.decode(encoding)  # without a byte order mark, if there is one
    except UnicodeDecodeError:
        raise Refused(f"is not {encoding}") from None
    feed = parse_json(text, deepest=_DEEPEST_JSON, fractions=True)
    if other := next((name for name in feed if name != "items" and name.lower() == "items"), ""):
        raise Refused(f"holds {other!r} too, which some readers take for 'items'")
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused("is no JSON Feed: it has no list of 'items', all objects")
    return dict(feed)


def _json_notice(item: Mapping[str, Any]) -> Entry | None:
    """The notice that *item* is, where it says that a story is withdrawn, in words of ours, and
    nothing else; else None."""
    own = item.get("_wirecopy")
    if not isinstance(own, dict) or "withdrawn" not in own:
        return None
    faults: list[str] = []
    shape = FORM["notice"]["json"]
    value = _shaped(item, shape, "a notice", faults)
    if faults or value.keys() != shape.keys() or not value["id"]:
        return None
    said = value["_wirecopy"]
    if said.keys() | {"statement"} != shape["_wirecopy"].keys():
        return None
    dates = (said["withdrawn"], value["date_published"], value["date_modified"])
    at, *updated = (_instant(each, faults) for each in dates)
    if faults or [value["title"], value["content_text"]] not in _NOTICE_WORDS:
        return None
    return Entry(
        guid=value["id"],
        headline=value["title"],
        body="",
        updated=tuple(filter(None, updated)),
        statement=as_text(said["statement"]) if "statement" in said else None,
        withdrawn=at,
    )


def _json_copy(item: Mapping[str, Any]) -> Copy:
    value = {
        name: made
        for name, shape in _COPIED.items()
        if item.get(name) is not None and (made := _shaped(item[name], shape, name, [])) is not None
    }
    return Copy(
        headline=value.get("title", ""),
        body=value.get("content_html", ""),
        media=tuple([each["url"] for each in value.get("attachments", []) if each.get("url")]),
        summary=value.get("summary", ""),
        tags=tuple(value.get("tags", [])),
    )


_COPIED = {
    name: FORM["json"][name] for name in names("title content_html attachments summary tags")
}


def _json_entry(item: Mapping[str, Any], log: str | None) -> Entry:
    kept: list[str] = []
    value = _shaped(item, FORM["json"], "an item", kept)
    own = value.get("_wirecopy", {})
    attached = [each for each in value.get("attachments", []) if each.get("url")]
    authors = [each["name"] for each in value.get("authors", []) if "name" in each]
    if (first := value.get("author", {}).get("name")) is not None:
        if authors and authors[0] != first:
            kept.append("'author' is not the first of 'authors'")
        authors = authors or [first]
    if len(attached) < len(value.get("attachments", [])):
        kept.append("an attachment without an address")
    agencies, byline = _named(authors, kept, apart=[own["byline"]] if "byline" in own else [])
    updated, published = (
        _instant(value[name], kept) if name in value else None
        for name in ("date_modified", "date_published")
    )
    return Entry(
        guid=value.get("id", ""),
        headline=value.get("title", ""),
        body=value.get("content_html", ""),
        media=tuple(each["url"] for each in attached),
        pictures=tuple(filter(None, [value.get("image")])),
        summary=value.get("summary", ""),
        tags=tuple(value.get("tags", [])),
        agency=own.get("agency"),
        agency_id=own.get("agency_id"),
        agency_version=own.get("agency_version"),
        agencies=tuple(agencies),
        edit_scope=own.get("edit_scope"),
        edited_headline_only=own.get("edited_headline_only"),
        wire_headline=own.get("wire_headline"),
        updated=(updated,) if updated else (),
        published=published,
        byline=byline,
        captions=tuple(map(_json_caption, attached)),
        correction=own.get("correction"),
        statement=as_text(own["statement"]) if "statement" in own else None,
        log=log,
        faults=_faults(kept) if item.get("_wirecopy") is not None else (),
    )


def _json_caption(attached: Mapping[str, Any]) -> str | None:
    own = attached.get("_wirecopy", {})
    said = captioned(own.get("caption", ""), own.get("credit", ""))
    return said if plain(attached.get("title", "")) == said else None


_SHAPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "address": str,
    "number": int,
    "flag": bool,
    "statement": (str, dict),
}


def _shaped(value: Any, shape: Any, name: str, faults: list[str]) -> Any:
    """What of *value*, the member *name*, is of the *shape* that Wirecopy writes."""
    if isinstance(shape, str):
        fits = isinstance(value, _SHAPES[shape]) and (shape == "flag") == isinstance(value, bool)
        if fits and (shape != "address" or ADDRESS.match(value)):
            return value
    elif isinstance(shape, list):
        if isinstance(value, list):
            kept = (_shaped(each, shape[0], f"one of {name}", faults) for each in value)
            return [each for each in kept if each is not None]
    elif isinstance(value, dict):
        for other in value.keys() - shape.keys():
            # What begins so is somebody's own, but to readers that ignore case.
            if not other.startswith("_") or other.lower() in shape:
                faults.append(f"the member {other[:20]!r}")
        return {
            member: made
            for member, inside in shape.items()
            if value.get(member) is not None
            and (made := _shaped(value[member], inside, repr(member), faults)) is not None
        }
    faults.append(f"{name} is no {_kind(shape)}")
    return None


def _kind(shape: Any) -> str:
    return shape if isinstance(shape, str) else "list" if isinstance(shape, list) else "object"


# RSS and Atom


class _Format(NamedTuple):
    """How the entries of a format are read: as a copy, of what stands in them by tag, and whole."""

    copy: Callable[[Element, "_ByTag"], Copy]
    read: Callable[..., Entry]


_ByTag = Mapping[str, Sequence[Element]]


def _log_of(root: Element) -> str | None:
    """The proof that stands in the head of a feed."""
    heads = (
        [each for each in root.children if each.tag == "channel"] if root.tag == "rss" else [root]
    )
    logs = (each for head in heads for each in head.children if each.tag == f"{_OWN}log")
    return next((each.text() for each in logs), None)


def _entries(root: Element) -> Iterator[tuple[Element, _Format | None, bool]]:
    """Each entry of a document, and each notice; its format, None for another than the document's;
    and whether an ``xml:base`` stands around it."""
    tag = {f"{_ATOM}feed": f"{_ATOM}entry", f"{_ATOM}entry": f"{_ATOM}entry", "rss": "item"}.get(
        root.tag
    )
    if tag is None:
        raise Refused("is no feed: neither RSS 2.0 nor Atom")
    of = _Format(_rss_copy, _rss_entry) if tag == "item" else _Format(_atom_copy, _atom_entry)
    stack = [(root, False)]
    while stack:
        element, based = stack.pop()
        if tag != "item" and element.tag == _TOMBSTONE:
            yield element, _Format(_atom_copy, _tombstone), based
        elif element.tag == tag:
            yield element, of, based
        elif element.known in ("item", "entry"):
            yield element, None, based
        based = based or "xml:base" in element.attributes
        stack.extend([(child, based) for child in reversed(element.children)])


def _foreign_entry(element: Element) -> Entry:
    fault = f"it is an {element.known!r} of another format, which some readers show"
    return Entry(guid="", headline=element.text()[:80], body="", faults=(fault,))


def _by_tag(parent: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for child in parent.children:
        found.setdefault(child.tag, []).append(child)
    return found


def _text(found: _ByTag, tag: str) -> str:
    """The text of the first element of that *tag*; empty when there is none."""
    return found[tag][0].text() if tag in found else ""


def _has_first_words(found: _ByTag) -> bool:
    return _text(found, f"{_OWN}firstWords").strip(SPACE) == "true"


def _rss_copy(_: Element, found: _ByTag) -> Copy:
    summary = "" if _has_first_words(found) else html.unescape(_text(found, "description"))
    return Copy(
        headline=_text(found, "title"),
        body=_text(found, _BODY),
        media=_addresses(found.get(_CONTENT, ()), "url"),
        summary=summary,
        tags=tuple([category.text() for category in found.get("category", ())]),
    )


def _atom_copy(entry: Element, found: _ByTag) -> Copy:
    return Copy(
        headline=_text(found, f"{_ATOM}title"),
        body=_text(found, f"{_ATOM}content"),
        media=tuple([url for _, url in _enclosed(entry)]),
        summary="" if _has_first_words(found) else _text(found, f"{_ATOM}summary"),
        tags=tuple([c.attributes.get("term", "") for c in found.get(f"{_ATOM}category", ())]),
    )


class _Reader:
    """One RSS item or Atom entry, held against the *rules* of its format, and the attributes that
    may be *stated* of it."""

    def __init__(
        self,
        entry: Element,
        rules: Mapping[str, _Rule],
        *,
        based: bool,
        log: str | None = None,
        stated: Sequence[str] = (),
    ) -> None:
        self._log = log
        self.faults = ["an 'xml:base' around it"] if based else []
        odd = (name for name in entry.attributes if name not in stated)
        self.faults.extend(f"the attribute {name[:20]!r} of the entry" for name in odd)
        self.found = self._hold(entry, rules)
        self.ours = any(child.tag.startswith(_OWN) for child in entry.children)

    def _hold(self, parent: Element, rules: Mapping[str, _Rule]) -> dict[str, list[Element]]:
        found: dict[str, list[Element]] = {}
        for child in parent.children:
            rule = rules.get(child.tag)
            if rule is None:
                known = next((each.known for each in child.descend() if each.known), "")
                if known:
                    self.faults.append(f"<{known[:20]}> in <{_local(parent)}>")
                continue
            if child.attributes or child.children or rule.needed or rule.inside or rule.hollow:
                self.faults.extend(rule.faults(child))
            others = found.setdefault(child.tag, [])
            if others and not rule.several:
                self.faults.append(f"{_local(child)!r} stands more than once in it")
            others.append(child)
            if rule.inside:
                self._hold(child, rule.inside)
        return found

    def hold_titles(self, captioned: Sequence[Element]) -> None:
        """Links have no title but as a caption, which is signed, or of what the agency embedded."""
        for link in self.all(f"{_ATOM}link"):
            due = link in captioned or link.attributes.get("rel") == "related"
            if "title" in link.attributes and not due:
                self.faults.append("a 'title' of a link that has none")

    def all(self, tag: str) -> Sequence[Element]:
        """The entry's elements of that *tag*."""
        return self.found.get(tag, ())

    def inside(self, *tags: str) -> list[str]:
        """The texts of the elements *tags* lead to, one inside the other."""
        found = list(self.all(tags[0]))
        for tag in tags[1:]:
            found = [child for each in found for child in each.children if child.tag == tag]
        return [each.text() for each in found]

    def claim(self, name: str) -> str | None:
        """What the element of our own of that *name* says."""
        found = self.all(f"{_OWN}{name}")
        return found[0].text().strip(SPACE) if found else None

    def statement(self) -> str | None:
        """The statement that stands in it; None without one."""
        said = self.claim("statement")
        return None if said is None else from_xml(said)

    def instants(self, *texts: str) -> tuple[str, ...]:
        """The instants in *texts*."""
        return tuple(filter(None, (_instant(text, self.faults) for text in texts)))

    def instant(self, *tags: str) -> str | None:
        """The instant in the first of the elements that *tags* lead to; None without one."""
        found = self.instants(*self.inside(*tags)[:1])
        return found[0] if found else None

    def entry(self, copy: Copy, *, guid: str, summary: str, **values: Any) -> Entry:
        """The entry of *copy* and these *values*, and what of it RSS and Atom have alike.

        :param summary: what stands in its place, perhaps the first words.
        """
        if _has_first_words(self.found):
            if not _words(copy.body).startswith(_squeezed(summary).removesuffix("…")):
                self.faults.append("its summary is not the beginning of its text")
            self.faults.extend(filter(None, [unwritten([summary])]))
        flag = self.claim("editedHeadlineOnly")
        if flag not in (None, "true", "false"):
            self.faults.append("'editedHeadlineOnly' is neither true nor false")
        return Entry(
            guid=_text(self.found, guid).strip(SPACE),
            headline=copy.headline,
            body=copy.body,
            media=copy.media,
            summary=copy.summary,
            tags=copy.tags,
            agency=self.claim("agency"),
            agency_id=self.claim("agencyId"),
            agency_version=self.claim("agencyVersion"),
            edit_scope=self.claim("editScope"),
            edited_headline_only=None if flag is None else flag == "true",
            correction=self.claim("correction"),
            statement=self.statement(),
            log=self._log,
            # Who makes no claim of ours may write what they like.
            faults=_faults(self.faults) if self.ours else (),
            **values,
        )


def _rss_entry(item: Element, *, based: bool, log: str | None) -> Entry:
    if (notice := _rss_notice(item, based=based)) is not None:
        return notice
    read = _Reader(item, _RSS, based=based, log=log)
    summary = _text(read.found, "description")
    if "<" in summary:
        read.faults.append("markup in its 'description'")
    beside = [*read.all("enclosure"), *read.all(f"{_MEDIA}thumbnail")]
    authors, apart = read.inside(f"{_DC}creator"), read.inside(f"{_DC}contributor")
    agencies, byline = _named(authors, read.faults, apart=apart)
    read.hold_titles(())
    return read.entry(
        _rss_copy(item, read.found),
        guid="guid",
        summary=html.unescape(summary),
        pictures=_addresses(beside, "url"),
        agencies=(*agencies, *read.inside("source")),
        byline=byline,
        captions=tuple(_caption(each) for each in read.all(_CONTENT) if _addresses([each], "url")),
        updated=read.instants(
            *read.inside(f"{_ATOM}updated")[:1], *read.inside(f"{_DCTERMS}modified")[:1]
        ),
        published=read.instant("pubDate"),
    )


def _rss_notice(item: Element, *, based: bool) -> Entry | None:
    """The notice that *item* is, where it says that a story is withdrawn, in words of ours, and
    nothing else; else None."""
    if not any(child.tag == f"{_OWN}withdrawn" for child in item.children):
        return None
    read = _Reader(item, _RSS_NOTICE, based=based)
    if read.found.keys() | {_STATEMENT} != _RSS_NOTICE.keys():
        return None
    said = {tag: found[0].text() for tag, found in read.found.items()}
    dates = [said[f"{_OWN}withdrawn"], said["pubDate"]]
    dates += [said[f"{_ATOM}updated"], said[f"{_DCTERMS}modified"]]
    at, *updated = read.instants(*dates) or ("",)
    guid, words = said["guid"].strip(SPACE), [said["title"], said["description"]]
    if read.faults or not guid or words not in _NOTICE_WORDS:
        return None
    return Entry(
        guid=guid,
        headline=said["title"],
        body="",
        updated=tuple(updated),
        statement=read.statement(),
        withdrawn=at,
    )


def _tombstone(element: Element, *, based: bool, log: str | None = None) -> Entry:
    """The notice that a ``deleted-entry`` of Atom (RFC 6721) is."""
    stated = {"ref": "", "when": ""} | element.attributes
    read = _Reader(element, _ATOM_NOTICE, based=based, stated=("ref", "when"))
    at = read.instants(stated["when"])
    return Entry(
        guid=stated["ref"].strip(SPACE),
        headline=_NOTICE_WORDS[0][0],
        body="",
        statement=read.statement(),
        withdrawn="".join(at),
        faults=_faults(read.faults) if read.ours else (),
    )


def _atom_entry(entry: Element, *, based: bool, log: str | None) -> Entry:
    read = _Reader(entry, _ATOM_ENTRY, based=based, log=log)
    for named in (category.attributes for category in read.all(f"{_ATOM}category")):
        if plain(named.get("label", named.get("term", ""))) != plain(named.get("term", "")):
            read.faults.append("a 'category' of two names")
    enclosed = [e for e in read.all(f"{_ATOM}link") if e.attributes.get("rel") == "enclosure"]
    authors = read.inside(f"{_ATOM}author", f"{_ATOM}name")
    apart = read.inside(f"{_ATOM}contributor", f"{_ATOM}name")
    agencies, byline = _named(authors, read.faults, apart=apart)
    media = [element for element, _ in _enclosed(entry)]
    read.hold_titles(media)
    return read.entry(
        _atom_copy(entry, read.found),
        guid=f"{_ATOM}id",
        summary=_text(read.found, f"{_ATOM}summary"),
        pictures=_addresses(enclosed, "href"),
        agencies=(*agencies, *read.inside(f"{_ATOM}source", f"{_ATOM}title")),
        byline=byline,
        captions=tuple(map(_caption, media)),
        updated=read.instants(*read.inside(f"{_ATOM}updated")[:1]),
        published=read.instant(f"{_ATOM}published"),
        received=read.instant(f"{_ATOM}source", f"{_ATOM}updated"),
    )


def _addresses(elements: Iterable[Element], attribute: str) -> tuple[str, ...]:
    found = (each.attributes.get(attribute, "") for each in elements)
    return tuple(url for url in found if ADDRESS.match(url))


def _caption(element: Element) -> str:
    """What a ``media:content``, or an enclosure of Atom, says of its medium."""
    if element.tag != _CONTENT:
        return plain(element.attributes.get("title", ""))
    found = _by_tag(element)
    return captioned(_text(found, f"{_MEDIA}description"), _text(found, f"{_MEDIA}credit"))


def _enclosed(entry: Element) -> list[tuple[Element, str]]:
    """The media of an Atom *entry* and their addresses, in order: each ``media:content``, and each
    enclosure that is none of these."""
    content, link = _CONTENT, f"{_ATOM}link"
    named = {
        unbracketed(url)
        for url in _addresses((e for e in entry.children if e.tag == content), "url")
    }
    found: list[tuple[Element, str]] = []
    for element in entry.children:
        if element.tag == content:
            found.extend((element, url) for url in _addresses([element], "url"))
        elif element.tag == link and element.attributes.get("rel") == "enclosure":
            urls = _addresses([element], "href")
            found.extend((element, url) for url in urls if unbracketed(url) not in named)
    return found


def unbracketed(url: str) -> str:
    """*url* as it was before it was made an IRI (RFC 3987), which has to escape these."""
    return _BRACKETS.sub(lambda found: chr(int(found[1], 16)), url)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2][:20]


def _words(markup: str) -> str:
    try:
        return _squeezed("".join(paragraphs(markup)))
    except TangleError:
        return "\0"


def _squeezed(text: str) -> str:
    return "".join(plain(text).split())


def parse_xml(document: bytes) -> Element:
    """The root element of an XML document.

    :raises Refused: when it is not well-formed, nests deeper than :data:`DEEPEST_XML`, has a
        DOCTYPE, or is in no known encoding.
    """
    parser = expat.ParserCreate("utf-8", _BETWEEN)
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    top = Element("", {})
    path = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > DEEPEST_XML:
            raise Refused(f"nests deeper than {DEEPEST_XML}")
        element = Element(name, attributes)
        path[-1].content.append(element)
        path[-1].children.append(element)
        path.append(element)

    def text(data: str) -> None:
        path[-1].content.append(data)

    def doctype(*declared: object) -> None:
        raise Refused("has a DOCTYPE, which can put other words in for those that stand there")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: path.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(_in_utf8(document), True)
    except expat.ExpatError as error:
        raise Refused(f"is neither XML nor JSON ({error})") from None
    (root,) = top.children
    return root


@lru_cache(maxsize=1024)  # a feed has few names, each many times
def _name_parts(name: str) -> tuple[str, str, str | None]:
    """Of a name as expat gives it: ``{namespace}name``; the local name in lower case if lenient
    readers may know it, else empty; and as an attribute's the name as written, if they do."""
    pieces = name.split(_BETWEEN)
    if len(pieces) == 1:
        return name, name.lower(), name
    namespace, local = pieces[:2]
    prefix = pieces[2] if len(pieces) > 2 else None
    # To feedparser an unknown default namespace is none at all.
    known = prefix is None or prefix.lower() in _PREFIXES or namespace.lower() in _NAMESPACES
    written = local if prefix is None else f"{prefix}:{local}"
    return f"{{{namespace}}}{local}", local.lower() if known else "", written if known else None


def _in_utf8(document: bytes) -> bytes:
    """*document* in UTF-8. Byte order mark and first bytes decide, then its declaration."""
    encoding: str = json.detect_encoding(document[:4])
    if encoding == "utf-8" and (declared := _DECLARED.match(document)):
        encoding = declared[1].decode()
    try:
        known = codecs.lookup(encoding).name.replace("_", "-")
        if known == "utf-8":
            return document
        if known in _NO_ENCODING:
            raise LookupError(f"unknown encoding: {encoding}")
        text = document.decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise Refused(f"is neither XML nor JSON ({error})") from None
    if text.startswith("\ufeff"):
        raise Refused("is neither XML nor JSON (begins with two byte order marks)")
    return text.encode("utf-8", "surrogatepass")
