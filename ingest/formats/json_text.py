"""JSON of wires, read leniently: where its items stand, what an item holds, and the same twice.

Items are found by a scan of brackets and strings, and each is parsed by itself, so that a broken
one does not touch its neighbours. :func:`leaves` reads an item by a scanner of its own, without the
json module, for the second reading.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.formats import encoding, item_spans
from wirecopy.encoding import well_formed

MOST_LISTED = 200
"""Elements of one list in an item that are read, such as authors; real ones have some ten."""

# Numbers stay as they are written: an id may be one, and must not change (JSON Feed 1.1, "id").
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
# A string that never ends takes the rest, so that no byte is looked at twice.
_STRING = r'"((?>[^"\\]+|\\.)*+)(?:"|\Z)'
_CONTROL = re.compile(r"(?<!\\)\\u00([89][0-9a-fA-F])")
TOKEN = re.compile(rf'{_STRING}(\s*:)?|[{{}}\[\]]|([^\s{{}}\[\],:"]+)', re.DOTALL)
_TOKEN_OF_BYTES = re.compile(rf'{_STRING}|[{{}}\[\]]|[^\s{{}}\[\],:"]+'.encode(), re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

Path = tuple[str, ...]
"""Names of members from the outside in; ``*`` is any element of an array."""


class Leaf(NamedTuple):
    """A string, number or bare word of an item: where it stands, as written, and what it means.

    Elements of arrays have their number in the path.
    """

    path: Path
    written: str
    text: str
    is_string: bool


def spans(body: bytes, place: Path) -> item_spans.Spans:
    """Where each value of the document *body* at *place* stands. Linear in its length."""
    wanted = tuple(name.encode() for name in place)
    found: list[tuple[int, int]] = []
    names: list[bytes] = []  # of what is open, from the outside in; the outermost has none
    arrays: list[bool] = []
    name: bytes | None = None
    start = -1
    # A byte order mark is no value, though it stands where the only one may.
    begin = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    for token in _TOKEN_OF_BYTES.finditer(body, begin):
        mark = token[0][:1]
        if mark in b"}]":
            if arrays:
                arrays.pop()
                names.pop()
            if start >= 0 and len(names) == len(wanted):
                found.append((start, token.end()))
                start = -1
            name = None
            continue
        in_array = bool(arrays) and arrays[-1]
        if arrays and not in_array and name is None and mark not in b"{[":
            name = token[1] if token[1] is not None else token[0]
            continue
        here = b"*" if in_array else name or b""
        is_place = len(names) == len(wanted) and (not wanted or (*names[1:], here) == wanted)
        if mark in b"{[":
            start = token.start() if is_place else start
            names.append(here)
            arrays.append(mark == b"[")
        elif is_place:
            found.append(token.span())
        name = None
    return tuple(found)


def paths(text: str) -> frozenset[Path]:
    """The members that *text*, the beginning of a document, has, down to the sixth level."""
    found: set[Path] = set()
    for leaf in leaves(text, deepest=6):
        path = tuple("*" if name.isdigit() else name for name in leaf.path)
        found.update(path[:length] for length in range(1, min(len(path), 6) + 1))
    return frozenset(found)


def decoded(piece: bytes, charset: encoding.Charset) -> str:
    """*piece* as text, its escapes of windows-1252 controls (``\\u0096``) resolved as meant."""
    text = charset.decode(piece)
    if not charset.mends or "\\u00" not in text:
        return text
    return _CONTROL.sub(lambda m: encoding.as_meant(chr(int(m[1], 16))), text)


def read_object(text: str) -> tuple[dict[str, Any], str]:
    """The object that *text* is, or an empty one and what is wrong."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return {}, f"not readable as JSON: {str(error).partition(': line')[0][:200]}"
    return (value, "") if isinstance(value, dict) else ({}, "not an object of JSON")


def is_document(text: str) -> bool:
    """Whether *text* is JSON as a whole."""
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def is_open(text: str) -> bool:
    """Whether *text* ends within what it began."""
    depth = 0
    for token in TOKEN.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
    return depth > 0


def text_of(members: Any, *names: str) -> str:
    """The first text or number that *members* have under *names*; ``""`` when there is none."""
    for name in names:
        value = members.get(name) if isinstance(members, dict) else None
        if isinstance(value, str) and value.strip():
            return value.replace("\0", "")  # no database holds it, and no browser shows it
    return ""


def listed(members: Any, name: str) -> list[Any]:
    """The elements that *members* have under *name*; one that is no array is its only element."""
    value = members.get(name) if isinstance(members, dict) else None
    return value[:MOST_LISTED] if isinstance(value, list) else [value] if value else []


def leaves(raw: str, deepest: int = 100) -> Iterator[Leaf]:
    """The strings, numbers and bare words of *raw*, in their order, repeated members too; not those
    that stand below the level *deepest*."""
    path: list[str] = []  # of the containers that are open
    counts: list[int] = []  # of elements in each; -1 for an object
    name: str | None = None
    for token in TOKEN.finditer(raw):
        string, is_name, bare = token.groups()
        mark = token[0] if string is None and bare is None else ""
        if mark in ("}", "]"):
            if counts:
                counts.pop()
                path.pop()
            name = None
        elif is_name and counts and counts[-1] < 0:
            name = unescaped(string)
        else:
            here = name or ""
            if counts and counts[-1] >= 0:
                here = str(counts[-1])
                counts[-1] += 1
            if mark:
                path.append(here)
                counts.append(0 if mark == "[" else -1)
            elif len(path) <= deepest:
                written = bare if string is None else string
                place = (*path[1:], here) if path else ()
                yield Leaf(place, written, unescaped(written), string is not None)
            name = None


def unescaped(written: str) -> str:
    """What a string means that is *written* so, with the escapes of JSON (RFC 8259 §7)."""
    text = written
    if "\\" in text:
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), text)
    return well_formed(text.replace("\0", ""))
