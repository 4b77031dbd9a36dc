"""NewsML 1 (1.0 to 1.2, https://iptc.org/standards/newsml-1/), with its DOCTYPE or without.

A NewsItem is a story: the texts of all its components, in their order, but for those whose role is
that of a caption. What stands in ``DataContent`` is NITF, XHTML, or characters. Its id is provider,
date and name, as in ``PublicIdentifier``, without the revision.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from ingest.formats import news_xml, nitf
from ingest.formats.bodies import Text, joined
from ingest.formats.news_xml import (
    Element,
    child,
    children,
    first,
    language,
    local,
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

_KINDS = {
    **dict.fromkeys(("photo", "picture", "image", "graphic"), "image"),
    **{"video": "video", "audio": "audio", "animation": "video"},
}
_CAPTION = names("caption legend")


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a document of NewsML 1."""
    return sniffed.root == "newsml"


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where none is whole.
    """
    found = news_xml.read(body, hints, ("newsitem",), "NewsML 1")
    return found.parsed("newsml-1", found.items(_item))


def _item(root: Element, place: Item) -> Item:
    name, managed = child(root, "Identification", "NewsIdentifier"), child(root, "NewsManagement")
    contents = [one for one in within(root, "ContentItem") if not _is_caption(one)]
    texts = [text for one in contents for text in _texts(one)]
    body = joined(texts)
    media = [*_media(root), *(m for one in within(root, "DataContent") for m in nitf.media(one))]
    admin = next(within(root, "AdministrativeMetadata"), None)
    return replace(
        place,
        guid=_guid(name),
        version=words(child(name, "RevisionId")),
        headline=_line(root, "HeadLine") or nitf.headline(root) or _line(root, "NameLabel"),
        body=body.text,
        body_html=body.is_html,
        language=_formal(root, "Language") or language(root),
        authors=told(within(root, "ByLine")),
        sources=tuple(
            p for w in ("Source", "Provider") if (p := _formal(child(admin, w), "Party"))
        ),
        credits=told(within(root, "CreditLine")),
        published=tuple(filter(None, [words(child(managed, "FirstCreated"))])),
        updated=tuple(filter(None, [words(child(managed, "ThisRevisionCreated"))])),
        subjects=tuple(_subjects(root)),
        keywords=told(within(root, "KeywordLine")),
        media=tuple(media),
        rights=_line(root, "CopyrightLine"),
        urgency=stated(child(managed, "Urgency"), "FormalName"),
        dateline=_line(root, "DateLine"),
        signals=ItemSignals(
            status=_status(managed),
            embargo=_lifted(managed),
            correction=any("correct" in w.lower() for w in _instructions(managed)),
            ed_note=" ".join(told(within(root, "EditorialNote", "Comment"))),
            slugline=_line(root, "SlugLine") or _line(root, "NameLabel"),
            usage_terms=" ".join(told(within(root, "RightsLine", "UsageRights"))),
        ),
    )


def _line(root: Element, called: str) -> str:
    return first(within(root, called))


def _formal(root: Element | None, called: str) -> str:
    return next((v for one in within(root, called) if (v := stated(one, "FormalName"))), "")


def _guid(name: Element | None) -> str:
    """The id of all revisions of an item (NewsML 1.2, PublicIdentifier)."""
    parts = [words(child(name, part)) for part in ("ProviderId", "DateId", "NewsItemId")]
    if parts[2]:
        return ":".join(["urn:newsml", *parts])
    revision = words(child(name, "RevisionId"))
    public = words(child(name, "PublicIdentifier"))
    return re.sub(rf":{re.escape(revision)}[AUN]?\Z", "", public) if revision else public


def _status(managed: Element | None) -> str:
    """What is stated; withheld until a moment is an embargo."""
    status = stated(child(managed, "Status"), "FormalName")
    return "embargoed" if _lifted(managed) and status.lower() == "withheld" else status


def _lifted(managed: Element | None) -> str:
    """When what may not be used now may be used."""
    change = child(managed, "StatusWillChange")
    future = stated(child(change, "FutureStatus"), "FormalName").lower()
    now = stated(child(managed, "Status"), "FormalName").lower()
    is_held = now in ("embargoed", "withheld")
    return words(child(change, "DateAndTime")) if is_held and future == "usable" else ""


def _instructions(managed: Element | None) -> Iterator[str]:
    for one in children(managed, "Instruction", "NewsItemType"):
        yield stated(one, "FormalName")


def _is_caption(content: Element) -> bool:
    """Whether *content* stands in a component whose role is that of a caption."""
    return any(
        local(one) == "NewsComponent"
        and stated(child(one, "Role"), "FormalName").lower() in _CAPTION
        for one in content.iterancestors()
    )


def _texts(content: Element) -> list[Text]:
    """The texts of *content*, if it holds any as characters."""
    if stated(child(content, "MediaType"), "FormalName").lower() in _KINDS:
        return []
    kind = stated(child(content, "MimeType"), "FormalName")
    return [text for one in children(content, "DataContent") for text in texts_of(one, kind)]


def _media(root: Element) -> Iterator[ItemMedia]:
    """The best form of each picture, film or sound, which has a component of its own."""
    groups: dict[Element, list[Element]] = {}
    for one in within(root, "ContentItem"):
        if stated(child(one, "MediaType"), "FormalName").lower() in _KINDS and stated(one, "Href"):
            groups.setdefault(_group(one), []).append(one)
    for holder, forms in groups.items():
        chosen = max(forms, key=_size)
        yield ItemMedia(
            url=stated(chosen, "Href"),
            medium=_KINDS[stated(child(chosen, "MediaType"), "FormalName").lower()],
            type=stated(child(chosen, "MimeType"), "FormalName"),
            width=_property(chosen, "width"),
            height=_property(chosen, "height"),
            length=words(child(chosen, "Characteristics", "SizeInBytes")),
            caption=_caption(holder),
            credit=_line(holder, "CreditLine") or _line(holder, "ByLine"),
        )


def _group(content: Element) -> Element:
    """The component that holds all that belongs to the picture *content*: the innermost that has a
    caption or lines of its own, else the one around it."""
    around = [one for one in content.iterancestors() if local(one) == "NewsComponent"]
    for one in around[:-1]:
        if child(one, "NewsLines") is not None or any(map(_is_caption, within(one, "ContentItem"))):
            return one
    return around[0] if around else content


def _caption(holder: Element) -> str:
    captions = (one for one in within(holder, "ContentItem") if _is_caption(one))
    said = " ".join(t for one in captions for t in told(children(one, "DataContent")))
    return said or words(child(holder, "NewsLines", "HeadLine"))


def _property(content: Element, called: str) -> str:
    for one in within(content, "Property"):
        if stated(one, "FormalName").lower() == called:
            return stated(one, "Value")
    return ""


def _size(content: Element) -> tuple[bool, int]:
    role = stated(child(content.getparent(), "Role"), "FormalName")
    return rank(role, _property(content, "width"))


def _subjects(root: Element) -> Iterator[Subject]:
    for one in within(root, "Subject", "SubjectMatter", "SubjectDetail"):
        code = stated(one, "FormalName")
        yield Subject("", SUBJECT_CODES if code.isdecimal() else "", code)


RULES = Rules(
    kinds={"headline": "headline", "subheadline": "headline", "datacontent": "body"},
    titles=("namelabel",),
    silent=names(
        """newsidentifier newsmanagement administrativemetadata rightsmetadata
        descriptivemetadata metadata catalog topicset comment editorialnote byline
        dateline creditline copyrightline rightsline slugline seriesline keywordline
        characteristics"""
    ),
    captions=re.compile(r"^<Role\s[^<>]*FormalName\s*=\s*[\"'](?:caption|legend)", re.IGNORECASE),
)


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    return passages_by(RULES, body, hints)
