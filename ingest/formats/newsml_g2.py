"""NewsML-G2 (https://iptc.org/standards/newsml-g2/): a newsItem, a packageItem, or a newsMessage of
any number of them.

The story is all that stands in ``contentSet``: XHTML, NITF, characters; what is said there twice,
in several forms, counts once. A newsItem that leads only to a picture or film has its
``description`` as the caption. A package whose items are all in the message only arranges them: its
pictures go to its first text. Any other package is a story of its own, the list of what it names.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from ingest.formats import news_xml, nitf, own
from ingest.formats.bodies import Text, joined
from ingest.formats.news_xml import (
    Element,
    Node,
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
from ingest.item import Hints, Item, ItemMedia, ItemSignals, Parsed, Subject, rank
from wirecopy.encoding import names
from wirecopy.feed import OWN
from wirecopy.jose import from_xml
from wirecopy.statement import Credit

_CALLED = ("newsitem", "packageitem")
_ROOTS = ("newsmessage", *_CALLED)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CLAIMS = ("editScope", "statement")
_FOREVER = "until further notice"
_CLASSES = {
    **{"ninat:picture": "image", "ninat:video": "video", "ninat:audio": "audio"},
    "ninat:composite": "composite",
}


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is a document of NewsML-G2; NewsML 1 has another root."""
    return sniffed.root in _ROOTS


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where none is whole.
    """
    found = news_xml.read(body, hints, _CALLED, "NewsML-G2")
    ours = OWN.encode() in body
    items = found.items(partial(_item, ours=ours))
    arranged = _arranged(items, found.nodes)
    left = (one for one in arranged if one is not None)
    return found.parsed("newsml-g2", left, _left_out(arranged))


def _item(root: Element, place: Item, *, ours: bool) -> Item:
    """The item that *root* is; *ours* tells that the document may be another Wirecopy's."""
    about, rights = child(root, "contentMeta"), child(root, "rightsInfo")
    meta, content = child(root, "itemMeta"), child(root, "contentSet")
    spoken = stated(child(about, "language"), "tag") or language(root)
    _leave_translations(about, spoken)
    texts = _package(root) if local(root) == "packageItem" else _texts(content)
    body = joined(texts)
    called = _coded(child(meta, "itemClass"))
    kind, is_text = _CLASSES.get(called, "") if ours else "", called.lower().endswith("text")
    media = [
        *_media(content, about, kind),
        *(m for one in _inline(content) for m in nitf.media(one)),
    ]
    summary = _described(about, "caption" if media and not body.text else "summary")
    item = replace(
        place,
        guid=stated(root, "guid"),
        version=stated(root, "version"),
        headline=_headline(about) or first(_spoken(children(meta, "title"), spoken)),
        body=body.text,
        body_html=body.is_html,
        summary="" if any(m.caption == summary for m in media) else summary,
        summary_html=False,
        language=spoken,
        authors=told(children(about, "by")) or tuple(_named(children(about, "creator"))),
        sources=tuple(_named([*children(about, "infoSource"), *children(meta, "provider")])),
        credits=told(children(about, "creditline")),
        published=told(children(meta, "firstCreated")) or told(children(about, "contentCreated")),
        updated=told(children(meta, "versionCreated")),
        subjects=tuple(_subjects(about)),
        keywords=told(children(about, "keyword")),
        media=tuple(media),
        rights=first(children(rights, "copyrightNotice"))
        or next(_named(children(rights, "copyrightHolder")), ""),
        urgency=first(children(about, "urgency")),
        dateline=first(children(about, "dateline")),
        elsewhere="" if body.text or (media and not is_text) else _elsewhere(content),
        signals=ItemSignals(
            status=_coded(child(meta, "pubStatus")),
            embargo=_embargo(meta),
            expires=first(children(meta, "expires")),
            correction=any("correct" in _coded(s).lower() for s in children(meta, "signal")),
            corrected=first(n for n in children(meta, "edNote") if _is_for_readers(n)),
            ed_note=" ".join(told(children(meta, "edNote"))),
            slugline=first(children(about, "slugline")),
            usage_terms=" ".join(told(children(rights, "usageTerms"))),
        ),
    )
    return _republished(item, root) if ours else item


def _republished(item: Item, root: Element) -> Item:
    """*item* with what another Wirecopy says of its origin, where *root* is its document."""
    about, meta = child(root, "contentMeta"), child(root, "itemMeta")
    said = {one.tag: "".join(map(str, one.itertext())).strip() for one in children(meta, *_CLAIMS)}
    name = next((i for i in children(about, "altId") if _is_called(i, "typeuri", "agencyId")), None)
    if f"{{{OWN}}}editScope" not in said or name is None or not item.sources:
        return item
    pages = {stated(one, "reluri"): stated(one, "href") for one in children(meta, "link")}
    actions = within(child(root, "hopHistory"), "action")
    headline = (i for i in actions if _is_called(i, "targeturi", "headline"))
    return own.republished(
        replace(item, link=pages.get(own.uri("page"), "")),
        Credit(next(iter(item.sources), ""), words(name), stated(name, "version")),
        page=pages.get(own.uri("source"), ""),
        scope=said[f"{{{OWN}}}editScope"],
        wire_headline=words(child(next(headline, None), "name")),
        statement=from_xml(said.get(f"{{{OWN}}}statement", "")),
    )


def _is_called(element: Element, attribute: str, name: str) -> bool:
    return stated(element, attribute) == own.uri(name)


def _coded(element: Element | None) -> str:
    return stated(element, "qcode", "uri", "literal")


def _embargo(meta: Element | None) -> str:
    """The moment of the embargo; one without a moment lasts."""
    embargoed = child(meta, "embargoed")
    return "" if embargoed is None else words(embargoed) or _FOREVER


def _leave_translations(about: Element | None, spoken: str) -> None:
    """Take out of *about*, at any depth, what it says in the language *spoken*, too."""
    for one in list(about.iter()) if about is not None and spoken else ():
        named: dict[str, list[Element]] = {}
        for part in one:
            named.setdefault(local(part), []).append(part)
        for parts in named.values():
            for part in {*parts} - {*_spoken(parts, spoken)}:
                one.remove(part)


def _spoken(elements: Iterable[Element], spoken: str) -> list[Element]:
    """Those of *elements* that are nearest to the language *spoken*: in it, in a kind of it, or in
    none that they state; all where each is in another."""
    found = [(_nearness(one, spoken), one) for one in elements]
    nearest = max((near for near, _ in found), default=0)
    return [one for near, one in found if near == nearest]


def _nearness(element: Element, spoken: str) -> int:
    ways = (language(one) for one in (element, *element.iterancestors()))
    own = next(filter(None, ways), "").lower()
    if not own:
        return 1
    is_kind = own.partition("-")[0] == spoken.lower().partition("-")[0]
    return 3 if own == spoken.lower() else 2 * is_kind


def _headline(about: Element | None) -> str:
    lines = list(children(about, "headline"))
    main = [one for one in lines if _role(one) in ("", "headline", "main", "hl1")]
    return first(main or lines)


def _role(element: Element) -> str:
    """What follows the vocabulary in the role of *element*, in lower case."""
    return stated(element, "role").rpartition(":")[2].lower()


def _is_for_readers(note: Element) -> bool:
    return "correct" in stated(note, "role", "roleuri").lower()


def _described(about: Element | None, role: str) -> str:
    """The description of that *role*, else one without; of a text no caption is its summary."""
    lines = list(children(about, "description"))
    said = [one for one in lines if _role(one) == role] or [one for one in lines if not _role(one)]
    return first(said)


def _inline(content: Element | None) -> Iterator[Element]:
    """What stands in the item itself, and is text."""
    for one in children(content, "inlineXML", "inlineData"):
        kind = stated(one, "contenttype").lower()
        if not stated(one, "encoding") and not kind.startswith(("image/", "video/", "audio/")):
            yield one


def _texts(content: Element | None) -> list[Text]:
    return [text for one in _inline(content) for text in texts_of(one, stated(one, "contenttype"))]


def _package(root: Element) -> list[Text]:
    """A package as the list of what it names."""
    found: list[Text] = []
    for one in within(child(root, "groupSet"), "title", "headline", "description"):
        holder = one.getparent()
        address = stated(holder, "href") if holder is not None else ""
        said = html.escape(words(one), quote=False)
        if said and local(one) != "description" and address.startswith(("http://", "https://")):
            said = f'<a href="{html.escape(address)}">{said}</a>'
        found += [Text(f"<p>{said}</p>", True)] if said else []
    return found


def _named(elements: Iterable[Element]) -> Iterator[str]:
    """The names of *elements*: as written, as a literal, else by the last of a code."""
    for one in elements:
        code = stated(one, "qcode").rpartition(":")[2]
        if name := first(children(one, "name")) or stated(one, "literal") or code:
            yield name


def _subjects(about: Element | None) -> Iterator[Subject]:
    for one in children(about, "subject"):
        name = first(children(one, "name"))
        code = stated(one, "qcode", "uri")
        yield Subject.of(name, "", code) if code else Subject(name or stated(one, "literal"))


def _media(content: Element | None, about: Element | None, of: str) -> Iterator[ItemMedia]:
    """The rendition that is to be shown, of each kind that ``contentSet`` leads to; where a type
    does not tell, it is *of* this one."""
    chosen: dict[str, Element] = {}
    for one in children(content, "remoteContent"):
        kind = stated(one, "contenttype").partition("/")[0].lower()
        kind = kind if kind in ("image", "video", "audio") else of
        if kind and stated(one, "href"):
            chosen[kind] = max(chosen.get(kind, one), one, key=_size)
    for kind, one in chosen.items():
        width, height, size = (stated(one, name) for name in ("width", "height", "size"))
        yield ItemMedia(
            url=stated(one, "href"),
            medium=kind.removeprefix("composite"),
            type=stated(one, "contenttype"),
            width=width,
            height=height,
            length=size,
            caption=_described(about, "caption"),
            credit=first(children(about, "creditline"))
            or next(_named(children(about, "creator")), ""),
        )


def _size(rendition: Element) -> tuple[bool, int]:
    name = stated(rendition, "rendition").rpartition(":")[2]
    return rank(name, stated(rendition, "width"))


def _elsewhere(content: Element | None) -> str:
    """Where the text is to be had that ``contentSet`` only leads to."""
    texts = ("text/", "application/nitf", "application/xhtml")
    return next(
        (
            stated(one, "href")
            for one in children(content, "remoteContent")
            if stated(one, "contenttype").lower().startswith(texts)
        ),
        "",
    )


def _arranged(items: list[Item], nodes: tuple[Node, ...]) -> list[Item | None]:
    """*items*, of packages that only arrange others the pictures put to their first text."""
    found: list[Item | None] = list(items)
    places = {item.guid: at for at, item in enumerate(items) if item.guid}
    for at, node in enumerate(nodes):
        if node.element is None or local(node.element) != "packageItem":
            continue
        refs = within(child(node.element, "groupSet"), "itemRef")
        ids = [stated(one, "residref", "guidref") for one in refs]
        held = [places[name] for name in ids if name in places and places[name] != at]
        if not ids or len(held) < len(ids):
            continue
        found[at] = None
        texts = [n for n in held if items[n].body.strip()]
        pictures = [n for n in held if items[n].media and not items[n].body.strip()]
        text = found[texts[0]] if texts else None
        if text is not None:
            media = (*text.media, *(m for n in pictures for m in items[n].media))
            found[texts[0]] = replace(text, media=tuple(dict.fromkeys(media)), independent=False)
            for n in pictures:
                found[n] = None
    return found


def _left_out(items: list[Item | None]) -> list[str]:
    count = items.count(None)
    what = "packages, and pictures that went to a text, are no stories of their own"
    return [f"{count} of {len(items)} items: {what}"] if count else []


RULES = Rules(
    kinds={
        "headline": "headline",
        "description": "summary",
        "inlinexml": "body",
        "inlinedata": "body",
    },
    titles=("title",),
    lists=("groupset",),
    silent=names(
        """rightsinfo catalog catalogref hophistory pubhistory partmeta assert inlineref
        derivedfrom derivedfromvalue link provider service memberof creator contributor
        infosource subject genre located audience altid ednote by dateline creditline
        slugline keyword signal generator edstatus role profile instanceof rating icon
        remotecontent"""
    ),
    spare=re.compile(r"""\brole\s*=\s*["'](?![^"']*summary)""", re.IGNORECASE),
)


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    return passages_by(RULES, body, hints)
