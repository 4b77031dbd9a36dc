"""From an item as found to a version as kept: one model for every wire, nothing invented.

Rules for what feeds leave open:

* An item without a title keeps the headline ``""``; no words of ours stand in its place.
* An item with neither headline nor body nor media is refused (``item-empty``).
* A summary that says what the body says is no summary.
* The headline is plain text on one line; the body is HTML exactly as received, and plain text is
  turned into paragraphs.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic_core import PydanticSerializationError, to_json
from selectolax.lexbor import LexborNode

from ingest import agencies, dates
from ingest.decide import headline, is_tracking
from ingest.item import MEDIA_TOPICS, SUBJECT_CODES, Channel, Item, ItemMedia, ItemSignals, Subject
from stories.config import Wire
from stories.errors import ParseError
from stories.models import INTAKE_RULE, Category, Media, Signals, Status, Version
from stories.styles import meaning
from wirecopy.encoding import well_formed
from wirecopy.html import body
from wirecopy.statement import Credit
from wirecopy.text import (
    Projection,
    one_line,
    plain,
    plain_to_html,
    project,
    project_tree,
    projection,
    shows,
    spoken,
    unfolded,
)
from wirecopy.urls import resolve, without_signature

_Medium = Literal["image", "video", "audio", "document"]
_MEDIUMS: frozenset[str] = frozenset(get_args(_Medium))
_SUFFIXES: dict[str, _Medium] = {
    "mp4": "video",
    "m4v": "video",
    "webm": "video",
    "mov": "video",
    "m3u8": "video",
    "mp3": "audio",
    "m4a": "audio",
    "ogg": "audio",
    "wav": "audio",
    "pdf": "document",
}
_SUFFIXES_2: dict[str, _Medium] = {
    **dict.fromkeys(("avif", "gif", "jpeg", "jpg", "png", "svg", "webp"), "image"),
    **dict.fromkeys(("aac", "flac", "oga", "opus"), "audio"),
    **dict.fromkeys(("mpd", "mpeg", "mpg", "ogv"), "video"),
}
"""Read since rule 2, also of a type that names none: application/octet-stream, x-mpegurl."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,5}", re.ASCII)
_LANGUAGE_1 = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}", re.ASCII)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUMBER = re.compile(r"\s*([0-9]{1,10})\s*", re.ASCII)
_WEB = re.compile(r'(https://[a-z0-9.-]+/[!"$->@-~]*)(?:\?([!"$-~]*))?(?:#([!-~]*))?')
_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")
_BUSTER_1 = re.compile(
    r"(?:_|cb|cache|cachebust(?:er)?|nocache|rnd|rand|random|ts|timestamp|time)=[^&]*"
    r"|(?:v|ver)=[0-9.]*|t=[0-9]{9,}",
    re.IGNORECASE | re.ASCII,
)
_BUSTER = re.compile(
    r"(?:_|cb|cache|cachebust(?:er)?|nocache|rnd|rand|random|ts|timestamp)=[^&]*"
    r"|(?:t|time)=1[0-9]{9}(?:\.?[0-9]{3,6})?",
    re.IGNORECASE | re.ASCII,
)
_OF_FILE = re.compile(r"(?:v|ver)=[0-9.]*", re.IGNORECASE | re.ASCII)
"""Of a picture or script what has it loaded anew; of a page perhaps which one it is."""
_FILE = re.compile(
    r".*\.(?!php|aspx?|jspx?|[sx]?html?|cgi|cfm|do$)[a-z][a-z0-9]{1,4}", re.IGNORECASE | re.ASCII
)
_MARKED = re.compile(
    r"<(?:del|s|strike|su[bp])[\s/>]|\b(?:hidden|style|srcset)\b", re.IGNORECASE | re.ASCII
)
_MARKS = {"del": "s", "strike": "s", "s": "s", "sub": "sub", "sup": "sup"}
_UNMARKED = re.compile("\ue000[a-z]*\ue001\ue002")


def normalize(
    item: Item,
    channel: Channel,
    wire: Wire,
    projected: Projection | None = None,
    rule: int = INTAKE_RULE,
) -> Version:
    """*item*, found on *wire* in the feed *channel*, as a version, by the rules of version *rule*.

    Its ``agency_id`` is empty where the item states none. *projected* is what :func:`project_body`
    gives for it; it is made where it is not given, here and in the other two.

    :raises ParseError: ``item-empty`` when it has neither headline nor body nor media,
        ``item-unreadable`` when that is because it could not be read, ``item-elsewhere`` when its
        text must be had from another address; ``tangled`` when its body is
        built to burst a parser (:class:`wirecopy.html.TangleError`).
    """
    line = headline(item, rule)
    found = projected or project_body(item)
    text = "\n".join(found.paragraphs)
    media = _media(item, rule)
    zone = ZoneInfo(wire.timezone)
    signals = _signals(item.signals, zone, rule) if item.signals is not None else None
    empty = not (line or found.media or (shows(text) or media if rule >= 2 else text))
    hidden = signals is not None and signals.status != "usable"  # which needs no copy
    empty = empty and not hidden
    if empty and item.unreadable:
        raise ParseError(
            "item-unreadable",
            f"nothing of it could be read: {item.unreadable}; its bytes are"
            " in the capture; ask the agency for one that is smaller, or whole",
        )
    if empty:
        raise ParseError(
            "item-empty",
            "has neither headline nor body nor media; look at its bytes in"
            " the capture, and ask the agency if that is what they meant to send",
        )
    if item.elsewhere and not hidden:
        raise ParseError(
            "item-elsewhere",
            f"its text is not in it, but at {item.elsewhere}; write links ="
            " true, and texts are fetched with their items, or ask the agency for a feed with them",
        )
    own = wire.agency or plain(channel.title) or wire.name
    origin = item.provenance or Credit("", "", "")
    agency, code, found_in = agencies.recognise(item, text, own, wire.code)
    return Version(
        wire=wire.name,
        agency=plain(agency),
        agency_code=code,
        agency_from=found_in,
        agency_id=plain(origin.agency_id or item.guid) or plain(item.link),
        agency_version=_id(origin.agency_version or item.version),
        headline=line,
        byline=_line(agencies.byline(item, origin.agency or own, rule) or "", rule) or None,
        dateline=_line(item.dateline, rule) or _line(agencies.dateline(text), rule) or None,
        body=_body(item, rule),
        summary=_summary(item, found, rule) or None,
        language=_language(rule, item.language, wire.language or "", channel.language),
        categories=_categories(item, rule),
        keywords=_keywords(item, rule),
        media=media,
        credit=next((c for credit in item.credits if (c := _line(credit, rule))), None),
        rights=_line(item.rights, rule) or _line(channel.rights, rule) or None,
        urgency=int(urgency) if (urgency := item.urgency.strip()) in tuple("123456789") else None,
        link=_web(item.page) or _web(item.link),
        base=well_formed(item.base) or None,
        published=dates.first_date(item.published, zone, rule),
        updated=dates.first_date(item.updated, zone, rule),
        signals=signals,
    )


def project_body(item: Item) -> Projection:
    """The words and references of *item*'s body.

    :raises wirecopy.html.TangleError: for a body built to burst a parser.
    """
    return project(_body(item, INTAKE_RULE), item.base or None)


def unread_dates(item: Item, version: Version, wire: Wire) -> dict[str, str]:
    """What *item* states as dates of which *version*, made of it, has none, by what they are of."""
    zone = ZoneInfo(wire.timezone)
    stated = {
        "published": item.published if version.published is None else (),
        "updated": item.updated if version.updated is None else (),
    }
    return {n: text for n, texts in stated.items() if (text := dates.unread(texts, zone))}


def content_digest(
    version: Version, projected: Projection | None = None, rule: int = INTAKE_RULE
) -> str:
    """A digest of what of *version* is content: two versions that share it say the same.

    Left out are dates, version numbers, the story's own link, tracking pixels, other sizes of
    pictures, parameters of addresses that only count readers, defeat caches or sign until they
    expire, and the year of a copyright line.
    """
    found = projected or project(version.body, version.base)
    beside = [[_quiet(m.url, rule), m.caption or "", m.credit or ""] for m in version.media]
    content = [
        rule,
        version.headline,
        found.paragraphs,
        *(_refers(version, found, rule) if rule >= 5 else _refers_4(found, rule)),
        beside if rule >= 5 else sorted(beside),
        version.summary,
        version.byline,
        version.dateline,
        sorted([c.label, c.scheme or ""] for c in version.categories),
        sorted(version.keywords),
        version.credit,
        _YEAR.sub("", version.rights or ""),
        version.language,
        version.urgency,
    ]
    if version.signals is not None:
        content += _told(version.signals, rule)
    try:
        text = to_json(content).decode()  # a tenth of the time that the json module takes
    except PydanticSerializationError:  # a lone surrogate
        text = _COMPACT(content)
    if rule >= 2:  # spaces and forms of letters are no content; nor is there any in JSON's marks
        text = plain(text)
    return f"{rule}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _refers(version: Version, found: Projection, rule: int) -> Iterator[Any]:
    """What a body refers to, *found*, in its order, each with its words, as it is measured; and its
    words with what they are marked as, where any are."""
    yield [[_quiet(link.url, rule), link.words] for link in found.links]
    marks = ""
    if _MARKED.search(version.body):
        found, marks = _marked(version)
    yield list(dict.fromkeys((_quiet(medium.url, rule), medium.words) for medium in found.media))
    yield marks


def _refers_4(found: Projection, rule: int) -> Iterator[Any]:
    """The same up to rule 4: addresses alone."""
    yield sorted({_quiet(link.url, rule) for link in found.links})
    yield sorted({_quiet(medium.url, rule) for medium in found.media})


def _marked(version: Version) -> tuple[Projection, str]:
    """The body without other sizes of its pictures; and its words, without spaces, between marks
    where they are struck, raised, lowered or hidden, ``""`` where none are.

    :raises wirecopy.html.TangleError: for a body built to burst a parser.
    """
    top = body(well_formed(version.body))
    for shown in top.css("img[src]"):
        sized: LexborNode | None = shown
        while sized is not None and (sized is shown or sized.tag in ("source", "-text")):
            if "srcset" in sized.attributes:
                del sized.attrs["srcset"]
            sized = sized.prev
    for element in [*top.traverse()]:
        stated = element.attributes
        means = {_MARKS.get(element.tag or "", ""), "hide" if "hidden" in stated else ""}
        means.update(meaning(stated.get("style") or "").split())
        if said := "".join(sorted(means)):
            element.insert_before(f"\ue000{said}\ue001")
            element.insert_after("\ue002")
    found = project_tree(top, version.base)
    marks = _UNMARKED.sub("", found.unspaced)  # as around what counts readers
    return found, marks if "\ue000" in marks else ""


def _told(said: Signals, rule: int) -> Iterator[Any]:
    """What of *said* is content: when it is published, until when, and that it corrects."""
    if said.embargo is not None:
        yield said.embargo.isoformat()  # moved or lifted, it is another one
    if rule >= 3 and said.expires is not None:
        yield ["expires", said.expires.isoformat()]
    if rule >= 3 and said.correction:
        yield ["correction", said.corrected or ""]


def made_by(rule: int, digest: str) -> bool:
    """Whether a content digest was made by *rule*, and so may be compared with others of it."""
    return digest.startswith(f"{rule}:")


def _body(item: Item, rule: int) -> str:
    # JSON can spell lone surrogates, which no encoding can hold; they become U+FFFD.
    if item.body_html:
        return well_formed(item.body)
    return plain_to_html(item.body, unfolded if rule >= 2 else plain)


def _summary(item: Item, body: Projection, rule: int) -> str:
    """The summary as plain text; ``""`` where it says what the body says."""
    if not item.summary:
        return ""
    if item.summary_html:
        summary = spoken(item.summary) if rule >= 2 else plain(projection(item.summary))
    else:
        summary = _line(item.summary, rule)
    return "" if "".join(plain(summary).split()) == body.unspaced else summary


def _id(text: str) -> str | None:
    """*text*, by which things are told apart, folded; None where it is empty."""
    return (plain(text) if text else "") or None


def _line(text: str, rule: int) -> str:
    """*text* on one line: with the characters it came with, folded by rule 1."""
    if not text:  # as most fields of most items are
        return ""
    return one_line(text) if rule >= 2 else plain(text)


def _language(rule: int, *stated: str) -> str | None:
    """The first of *stated* that is a language tag (RFC 5646 §2.1), language in lower case.

    All languages have codes of two or three letters; rule 1 took ``english`` for one.
    """
    for text in stated:
        tag = text.strip().replace("_", "-")
        if (_LANGUAGE if rule >= 2 else _LANGUAGE_1).fullmatch(tag):
            language, *rest = tag.split("-")
            return "-".join([language.lower(), *(_subtag(r) for r in rest)])
    return None


def _subtag(text: str) -> str:
    """A region in capitals, a script with one, as RFC 5646 §2.1.1 recommends."""
    if text.isalpha() and len(text) in (2, 4):
        return text.upper() if len(text) == 2 else text.title()
    return text.lower()


def _categories(item: Item, rule: int) -> tuple[Category, ...]:
    stated = [*(Subject(*one) for one in item.categories), *item.subjects]
    found = [
        Category(label=label, scheme=_id(one.scheme), code=_id(one.code))
        for one in stated
        if (label := _line(one.name or _named(one.scheme, one.code), rule))
    ]
    return tuple(dict.fromkeys(found))


@cache
def _topics() -> tuple[dict[str, str], dict[str, str]]:
    """IPTC's Media Topics by code, of the date that stands in the file, and by the codes of its
    older subject codes those that took their places."""
    told = json.loads(files("ingest").joinpath("media_topics.json").read_text(encoding="utf-8"))
    return told["names"], told["subject_codes"]


def _named(scheme: str, code: str) -> str:
    """The name of a subject that states none: of a Media Topic as the table has it, else its code.

    The topics of the top level have the numbers that they had as subject codes.
    """
    if scheme not in (MEDIA_TOPICS, SUBJECT_CODES):
        return code
    names, replaced = _topics()
    return names.get(replaced.get(code, code) if scheme == SUBJECT_CODES else code, code)


_TO_EDITORS = re.compile(r"\bed(?:itor)?s?\b\s*[.:]", re.IGNORECASE)

_STATUS: dict[str, Status] = {
    **dict.fromkeys(("", "usable", "published", "publish", "publishable", "final"), "usable"),
    **dict.fromkeys(("canceled", "cancelled", "cancel", "kill", "killed"), "canceled"),
    **dict.fromkeys(("deleted", "delete", "withdrawn", "retracted", "disregard"), "canceled"),
}
"""By what agencies call it; whatever else they say, the story is withheld: nobody can know."""


def _signals(said: ItemSignals, zone: ZoneInfo, rule: int) -> Signals | None:
    """What is *said* beside the copy; None where that is nothing.

    An embargo that cannot be read has no end: then the story is withheld.
    """
    stated = said.status.strip()
    embargo = dates.first_date((said.embargo,), zone, rule)
    word = re.split("[:/]", stated)[-1].strip().lower()
    status = _STATUS.get("" if embargo and word == "embargoed" else word, "withheld")
    why = "" if status == "usable" else said.why or stated
    if status != "canceled" and embargo is None and said.embargo.strip():
        status, why = "withheld", f"embargo: {said.embargo}"
    found = Signals(
        status=status,
        why=_line(why, rule) or None,
        embargo=embargo,
        expires=dates.first_date((said.expires,), zone, rule),
        correction=said.correction,
        corrected=_corrected(said, rule),
        ed_note=_line(said.ed_note, rule) or None,
        slugline=_line(said.slugline, rule) or None,
        usage_terms=_line(said.usage_terms, rule) or None,
    )
    return found if found != Signals() else None


def hides(said: ItemSignals) -> bool:
    """Whether the agency has the story not published, by what is *said* beside the copy."""
    found = _signals(said, ZoneInfo("UTC"), INTAKE_RULE)
    return found is not None and found.status != "usable"


def _corrected(said: ItemSignals, rule: int) -> str | None:
    """The words on a correction that are for readers. Notes to editors are not (ninjs, ``ednote``),
    wherever they stand."""
    if rule < 3 or not said.correction or _TO_EDITORS.search(said.corrected):
        return None
    return _line(said.corrected, rule) or None


def _keywords(item: Item, rule: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(k for word in item.keywords if (k := _line(word, rule))))


def _media(item: Item, rule: int) -> tuple[Media, ...]:
    found: dict[str, Media] = {}
    for medium in item.media:
        if medium.url.strip() and (url := _web(medium.url, item.base)):
            found.setdefault(
                url,
                Media(
                    url=url,
                    medium=_medium(medium, url, rule),
                    type=(_id(medium.type) or "").lower() or None,
                    width=_number(medium.width),
                    height=_number(medium.height),
                    length=_number(medium.length),
                    caption=_line(medium.caption, rule) or None,
                    credit=_line(medium.credit, rule) or None,
                ),
            )
    return tuple(found.values())


def _web(url: str, base: str = "") -> str | None:
    """*url*, resolved against *base*, if that is an address on the web."""
    found = resolve(url, base or None) or ""
    return found if found.startswith(("http://", "https://")) else None


def _medium(medium: ItemMedia, url: str, rule: int) -> _Medium:
    """What *medium* is: as stated, else by its type, else by its address, else a picture. Rule 1
    took every type that is neither of sound nor of pictures for a document's."""
    kind = medium.type.strip().lower().partition("/")[0]
    for said in (medium.medium.strip().lower(), kind):
        if said in _MEDIUMS:
            return cast(_Medium, said)
    ending = url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    named = _SUFFIXES.get(ending) or (_SUFFIXES_2.get(ending) if rule >= 2 else None)
    if kind and (rule < 2 or kind == "text"):  # a page about a picture may be called x.jpg
        return "document"
    return named or ("document" if kind else "image")


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _quiet(url: str, rule: int) -> str:
    """*url* without what changes while the page stays: http for https, counting parameters, those
    that defeat caches and, since rule 2, a signature that expires."""
    if url.startswith("http://"):
        url = f"https{url[4:]}"
    if "?" not in url:
        return url
    if whole := _WEB.fullmatch(url):
        place, query, fragment = whole.groups(default="")
    else:
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        place, query, fragment = urlunsplit(parts._replace(query="", fragment="")), *parts[3:]
    if not query:
        return url
    query = without_signature(query) if rule >= 2 else query
    silent = [_BUSTER if rule >= 5 else _BUSTER_1]
    if rule >= 5 and _FILE.fullmatch(place):
        silent.append(_OF_FILE)
    kept = "&".join(
        p
        for p in query.split("&")
        if not any(s.fullmatch(p) for s in silent) and not is_tracking(p)
    )
    return place + (kept and f"?{kept}") + (fragment and f"#{fragment}")
