"""NITF 2 and 3 (https://iptc.org/standards/nitf/), the agencies' older XML for texts: one story a
document, with its DOCTYPE or without.

The story is ``body.content`` and what follows it in ``body.end``. Pictures and films are beside it,
with their captions. ``doc-id`` names the story; ``du-key`` does where there is none, or where each
version has an id that begins with it. ``date.release`` is its embargo.
"""

from collections.abc import Iterator
from dataclasses import replace

from ingest.formats import news_xml
from ingest.formats.bodies import joined
from ingest.formats.news_xml import (
    Element,
    child,
    children,
    first,
    language,
    markup,
    of_nitf,
    stated,
    texts_of,
    told,
    within,
    words,
)
from ingest.formats.news_xml_reread import Rules, passages_by
from ingest.formats.sniff import Sniffed
from ingest.integrity import Reread
from ingest.item import SUBJECT_CODES, Hints, Item, ItemMedia, ItemSignals, Parsed, Subject, rank
from wirecopy.encoding import names


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a NITF document."""
    return sniffed.root == "nitf"


def parse(body: bytes, hints: Hints) -> Parsed:
    """The stories of *body*, mostly one. Linear in its length.

    :raises ParseError: ``malformed`` where none is whole.
    """
    found = news_xml.read(body, hints, ("nitf",), "NITF")
    return found.parsed("nitf", found.items(_item))


def _item(root: Element, place: Item) -> Item:
    data = next(within(root, "docdata"), None)
    head = next(within(root, "body.head"), None)
    key, correction = child(data, "du-key"), child(data, "correction")
    body = joined(texts_of(root))
    deck = next((one for one in within(child(head, "hedline"), "hl2") if words(one)), None)
    abstract = child(head, "abstract")
    summary = deck if abstract is None or not words(abstract) else abstract
    meta = {stated(m, "name").lower(): stated(m, "content") for m in within(root, "meta")}
    holder = child(data, "doc.copyright")
    dated = (stated(child(data, name), "norm") for name in ("date.issue", "date.release"))
    return replace(
        place,
        guid=_id(stated(child(data, "doc-id"), "id-string"), stated(key, "key")),
        version=stated(key, "version", "generation"),
        headline=headline(root),
        body=body.text,
        body_html=body.is_html,
        summary=markup(summary, of_nitf) if summary is not None else "",
        language=stated(root, "baselang") or language(root),
        authors=tuple(_authors(head)),
        sources=told(children(head, "distributor")),
        published=tuple(filter(None, dated))[:1],
        subjects=tuple(_subjects(root)),
        keywords=tuple(k for one in within(data, "keyword") if (k := stated(one, "key"))),
        media=tuple(media(root)),
        rights=first(within(head, "copyrite"))
        or " ".join(filter(None, (stated(holder, "year"), stated(holder, "holder")))),
        urgency=stated(child(data, "urgency"), "ed-urg"),
        dateline=words(child(head, "dateline")),
        signals=ItemSignals(
            status=stated(data, "management-status"),
            embargo=stated(child(data, "date.release"), "norm"),
            expires=stated(child(data, "date.expire"), "norm"),
            correction=correction is not None,
            corrected=stated(correction, "info"),
            ed_note=" ".join(filter(None, [*_messages(data), *told(children(head, "note"))])),
            slugline=meta.get("slug", "") or meta.get("slugline", "") or stated(key, "key"),
            usage_terms=" ".join(told(children(head, "rights"))),
        ),
    )


def _id(document: str, story: str) -> str:
    """The id of a story, of which each version may be a document that is called after it."""
    return story if not document or (story and document.startswith(story)) else document


def headline(root: Element) -> str:
    """The headline of the NITF document *root*."""
    hedline = next(within(root, "hedline"), root)
    return first(within(hedline, "hl1")) or first(within(child(root, "head"), "title"))


def _messages(data: Element | None) -> Iterator[str]:
    return (stated(one, "info") for one in children(data, "ed-msg"))


def _authors(head: Element | None) -> Iterator[str]:
    """Bylines without the titles of those who are named in them."""
    for byline in children(head, "byline"):
        titles = {*within(byline, "byttl")}
        said = [byline.text or ""]
        for one in byline:
            said += ["" if one in titles else words(one), one.tail or ""]
        if text := " ".join(" ".join(said).split()):
            yield text


def _subjects(root: Element) -> Iterator[Subject]:
    for one in within(root, "tobject.subject"):
        parts = (f"tobject.subject.{part}" for part in ("detail", "matter", "type"))
        code = stated(one, "tobject.subject.refnum", "tobject.subject.code")
        yield Subject(stated(one, *parts), SUBJECT_CODES if code else "", code)


def media(root: Element) -> Iterator[ItemMedia]:
    """Pictures, films and sounds that stand in the NITF document *root*."""
    for one in within(root, "media"):
        references = [
            r for r in children(one, "media-reference") if stated(r, "source", "data-location")
        ]
        if not references:
            continue
        chosen = max(references, key=_size)
        yield ItemMedia(
            url=stated(chosen, "source", "data-location"),
            medium={"photo": "image", "graphic": "image"}.get(k := stated(one, "media-type"), k),
            type=stated(chosen, "mime-type"),
            width=stated(chosen, "width"),
            height=stated(chosen, "height"),
            length="",
            caption=" ".join(told(children(one, "media-caption"))),
            credit=" ".join(told(children(one, "media-producer")))
            or stated(chosen, "source-credit", "copyright"),
        )


def _size(reference: Element) -> tuple[bool, int]:
    return rank(stated(reference, "name", "id"), stated(reference, "width"))


RULES = Rules(
    kinds={
        "hl1": "headline",
        "hl2": "summary",
        "abstract": "summary",
        "body.content": "body",
        "body.end": "body",
    },
    titles=("title",),
    silent=names(
        """docdata media pubdata revision-history tobject rights note byline dateline
        distributor copyrite series"""
    ),
)


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the stories of *body*, a capture. Linear in its length."""
    return passages_by(RULES, body, hints)
