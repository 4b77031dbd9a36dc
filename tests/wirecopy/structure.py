"""Feeds altered without a plan: elements, members and markup moved, renamed, doubled, cut, mixed.

Nobody can say beforehand whether such a change is form or meaning. What readers make of the feed
says so afterwards: :mod:`tests.wirecopy.readers`.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

from lxml import etree

from tests.wirecopy.mutations import (
    ATOM,
    CONTENT,
    DC,
    ITUNES,
    MEDIA,
    OWN,
    RSS2,
    XHTML,
    Document,
    XmlItem,
)
from wirecopy.form import FORM

FALSE = "Government falls"
EVIL = "https://evil.example/x.jpg"
OTHER = "urn:x-other"
SPACES = ("", ATOM, CONTENT, DC, ITUNES, MEDIA, OWN, RSS2, XHTML, OTHER, "http://purl.org/rss/1.0/")
_PATHS = "/".join((*FORM["rss"], *FORM["atom"]))
LOCALS = (
    *dict.fromkeys(part.rpartition(":")[2].rstrip("*") for part in _PATHS.split("/")),
    *("comments", "subtitle", "body", "image", "subject", "date", "script", "b", "div", "x"),
)
ATTRIBUTES = {
    "type": ("html", "text", "xhtml", "text/html", "plain", "TEXT", ""),
    "href": (EVIL, "", "javascript:x", " "),
    "url": (EVIL, "", "x.jpg"),
    "src": (EVIL,),
    "rel": ("enclosure", "alternate", "self", "Enclosure", "via"),
    "isPermaLink": ("true", "false", "False"),
    "term": (FALSE,),
    "label": (FALSE, ""),
    "scheme": ("urn:x",),
    "medium": ("image",),
    "{http://www.w3.org/XML/1998/namespace}base": ("https://evil.example/",),
    "{http://www.w3.org/XML/1998/namespace}lang": ("ur", ""),
    f"{{{OTHER}}}seen": ("1",),
    f"{{{ATOM}}}type": ("text",),
    f"{{{OWN}}}key": ("x",),
}


# Elements

Change = Callable[[etree._Element, Random], None]


def elements(data: bytes, random: Random) -> bytes | None:
    """A few changes to the elements of one entry or, rarely, of the feed."""
    document = Document(data)
    if not document.xml:
        return None
    item = random.choice(document.items)
    assert isinstance(item, XmlItem)
    top = item.element if random.random() < 0.9 else document.root
    for _ in range(random.choice((1, 1, 2, 3))):
        random.choice(_CHANGES)(top, random)
    return document.bytes()


def _some(top: etree._Element, random: Random) -> etree._Element:
    return random.choice(list(top.iter(etree.Element)))


def _parent(element: etree._Element, top: etree._Element) -> etree._Element:
    """The parent of *element*, which stays below *top*."""
    found = element.getparent()
    return top if element is top or found is None else found


def _put(element: etree._Element, into: etree._Element, random: Random) -> None:
    if into not in element.iter():
        into.insert(random.randint(0, len(into)), element)


def _name(random: Random) -> str:
    space, local = random.choice(SPACES), random.choice(LOCALS)
    local = random.choice((local, local, local.capitalize(), local.upper()))
    return f"{{{space}}}{local}" if space else local


def _cut(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    if element is not top:
        _parent(element, top).remove(element)


def _doubled(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    again = deepcopy(element)
    if random.random() < 0.7:
        _attribute(again, random)
    if random.random() < 0.7:
        again.text = FALSE
    _put(again, _parent(element, top), random)


def _renamed(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    if element is not top:
        element.tag = _name(random)


def _wrapped(top: etree._Element, random: Random) -> None:
    element, around = _some(top, random), etree.Element(_name(random))
    if element is not top:
        _parent(element, top).replace(element, around)
        around.append(element)


def _unwrapped(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    for child in list(element):
        _put(child, _parent(element, top), random)


def _moved(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    if element is not top:
        _put(element, _some(top, random), random)


def _attribute(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    if element.attrib and random.random() < 0.4:
        name = str(random.choice(list(element.attrib)))
        if random.random() < 0.5:
            del element.attrib[name]
        else:
            element.set(name, random.choice((FALSE, EVIL, "", f"{element.get(name)}1")))
    else:
        name = random.choice(list(ATTRIBUTES))
        element.set(name, random.choice(ATTRIBUTES[name]))


def _words(top: etree._Element, random: Random) -> None:
    element = _some(top, random)
    text = element.text or ""
    at = random.randint(0, len(text))
    put = random.choice((FALSE, "x", "", "\xad", "\u200b", "&", "<b>", "\n", " "))
    element.text = text[:at] + put + text[at + random.choice((0, 0, 1, 9)) :]


def _within(top: etree._Element, random: Random) -> None:
    """An element, a comment or an instruction in the midst of words."""
    element = _some(top, random)
    text = element.text or ""
    start = random.randint(0, len(text))
    end = random.choice((start, min(start + 5, len(text))))
    put: Any = random.choice(
        (etree.Element(_name(random)), etree.Comment("x"), etree.ProcessingInstruction("x", "y"))
    )
    if isinstance(put.tag, str):
        put.text = text[start:end]
        put.tail = text[end:]
    else:
        put.tail = text[start:]
    element.text = text[:start]
    element.insert(0, put)


def _added(top: etree._Element, random: Random) -> None:
    added = etree.Element(_name(random))
    added.text = random.choice((FALSE, EVIL, "true", None))
    if random.random() < 0.5:
        etree.SubElement(added, _name(random)).text = FALSE
    if random.random() < 0.5:
        _attribute(added, random)
    _put(added, _some(top, random) if random.random() < 0.4 else top, random)


def _exchanged(top: etree._Element, random: Random) -> None:
    """The words of an element for those of another of its name in the whole feed."""
    element = _some(top, random)
    root = top.getroottree().getroot()
    element.text = random.choice(list(root.iter(element.tag))).text


_CHANGES: tuple[Change, ...] = (
    *(_cut, _doubled, _renamed, _wrapped, _unwrapped, _moved, _attribute, _words, _within),
    *(_added, _added, _exchanged),
)


# Members


class _Object(list[tuple[str, Any]]):
    """An object of JSON as its members stand, some perhaps twice."""


MEMBERS = (
    *FORM["json"],
    *FORM["json"]["_wirecopy"],
    *("content_text", "banner_image", "icon", "hubs", "_other", "Items", "version"),
)
VALUES: tuple[Any, ...] = (
    None,
    FALSE,
    EVIL,
    "",
    7,
    0.5,
    True,
    [],
    [None],
    [FALSE],
    _Object(),
    [[FALSE]],
)


def members(data: bytes, random: Random) -> bytes | None:
    """A few changes to the members of one item or, rarely, of the feed."""
    if Document(data).xml:
        return None
    feed = json.loads(data, object_pairs_hook=_Object)
    listed = next(value for name, value in feed if name == "items")
    top = random.choice(listed) if random.random() < 0.9 else feed
    for _ in range(random.choice((1, 1, 2, 3))):
        _member(random.choice(list(_objects(top))), random)
    return _json(feed).encode("utf-8", "surrogatepass")


def json_document(document: bytes, random: Random) -> bytes:
    """A chain of statements or a key set with a few changes: to members, to order, to letters."""
    found = json.loads(document, object_pairs_hook=_Object)
    for _ in range(random.choice((1, 1, 2))):
        listed = [each for each in _lists(found) if each]
        how = random.randrange(6) if listed else random.choice((0, 5))
        objects = list(_objects(found))
        if how == 0 and objects:
            _member(random.choice(objects), random)
        elif how in (0, 5):
            text = _json(found)
            place = random.randrange(len(text))
            with suppress(ValueError):  # JSON no more
                letter = random.choice("Aaz09-_ .")
                found = json.loads(
                    f"{text[:place]}{letter}{text[place + 1 :]}", object_pairs_hook=_Object
                )
        else:
            inside = random.choice(listed)
            at, other = (random.randrange(len(inside)) for _ in range(2))
            if how == 1:
                inside.insert(at, inside[other])
            elif how == 2:
                del inside[at]
            elif how == 3:
                inside[at], inside[other] = inside[other], inside[at]
            else:
                inside[at] = _value(random)
    return _json(found).encode("utf-8", "surrogatepass")


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, _Object):
        for _, each in value:
            yield from _lists(each)
    elif isinstance(value, list):
        yield value
        for each in value:
            yield from _lists(each)


def _objects(value: Any) -> Iterator[_Object]:
    if isinstance(value, _Object):
        yield value
        for _, each in value:
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _member(found: _Object, random: Random) -> None:
    how = random.randrange(6)
    at = random.randrange(len(found)) if found else None
    if how == 0 or at is None:
        found.insert(random.randint(0, len(found)), (random.choice(MEMBERS), _value(random)))
        return
    name, value = found[at]
    if how == 1:
        del found[at]
    elif how == 2:
        found.insert(random.randint(0, len(found)), (name, _value(random)))
    elif how == 3:
        cases = (name.upper(), name.capitalize(), f"_{name}", name.lstrip("_"))
        found[at] = random.choice((*cases, random.choice(MEMBERS))), value
    elif how == 4:
        found[at] = name, random.choice((_value(random), [value], f"{value} "))
    elif isinstance(value, list) and not isinstance(value, _Object):
        value.insert(random.randint(0, len(value)), _value(random))
    else:
        found[at] = name, random.choice(found)[1]


def _value(random: Random) -> Any:
    return deepcopy(random.choice(VALUES))


def _json(value: Any) -> str:
    if isinstance(value, _Object):
        return f"{{{','.join(f'{json.dumps(name)}:{_json(each)}' for name, each in value)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    return json.dumps(value)


# Markup

_PIECES = re.compile(r"(<[^<>]*>|&#?\w+;)")
TAGS = (
    *(tag for tags in FORM["body"]["elements"] for tag in tags.split()),
    *("script", "style", "iframe", "svg", "math", "details", "summary", "dialog", "template"),
    *("noscript", "textarea", "select", "option", "button", "form", "input", "body", "html"),
    *("font", "bdo", "marquee", "plaintext", "title", "object", "embed", "legend", "rp", "x-y"),
)
OWN_ATTRIBUTES = (
    *('dir="rtl"', 'dir="ltr"', "dir=auto", 'lang="ur"', 'title="x"', "hidden", 'style="x"'),
    *('class="x"', "onclick=x()", 'href="https://evil.example/"', f'src="{EVIL}"', 'alt="x"'),
    *('width="1"', 'height="0"', 'colspan="2"', 'rowspan="0"', "reversed", 'start="9"', "open"),
    *(
        'srcset="https://evil.example/ 2x"',
        'cite="#"',
        'align="right"',
        'aria-label="x"',
        "controls",
    ),
)


def markup(data: bytes, random: Random) -> bytes | None:
    """A few changes to the markup of one entry's body, piece by piece."""
    document = Document(data)
    item = random.choice(document.items)
    body = item.get("body")
    if not body:
        return None
    pieces = _PIECES.split(body)
    for _ in range(random.choice((1, 1, 2, 4))):
        _piece(pieces, random)
    item.set("body", "".join(pieces))
    return document.bytes()


def _piece(pieces: list[str], random: Random) -> None:
    at, other = (random.randrange(len(pieces)) for _ in range(2))
    attribute = f" {random.choice(OWN_ATTRIBUTES)}" if random.random() < 0.5 else ""
    tag = random.choice(TAGS)
    tags = [n for n, piece in enumerate(pieces) if piece.startswith("<")]
    tagged = random.choice(tags) if tags else at
    how = random.randrange(8)
    if how == 0:
        pieces.insert(at, f"<{tag}{attribute}></{tag}>")
    elif how == 1:
        first, last = sorted((at, other))
        pieces.insert(last, f"</{tag}>")
        pieces.insert(first, f"<{tag}{attribute}>")
    elif how == 2:
        pieces.insert(
            at, random.choice((f"<{tag}{attribute}>", f"</{tag}>", "<!-- x -->", "<", "&"))
        )
    elif how == 3:
        del pieces[tagged]
    elif how == 4:
        pieces[tagged] = re.sub(r"^(</?)\w+", rf"\g<1>{tag}", pieces[tagged])
    elif how == 5:
        pieces[tagged] = re.sub(r"/?>$", f" {random.choice(OWN_ATTRIBUTES)}>", pieces[tagged])
    elif how == 6:
        pieces[tagged] = re.sub(r'="[^"]*"', '="7"', pieces[tagged], count=1)
    else:
        pieces[at], pieces[other] = pieces[other], pieces[at]
