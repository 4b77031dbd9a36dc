"""The style sheets that stand in a page, as far as they hide words or put words in.

Rules of tags, classes, ids and attributes, one within another, are followed as the cascade has
them (importance, specificity, order). What else a selector or an ``@media`` may ask for is not
worked out: such a rule *may* hold, and what it would hide is doubtful. What is for print alone, or
for a state that a page at rest is not in, does not count. Style sheets in other files are not read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from desk.article.style import DOUBTFUL, HIDING, declared, names, unescaped

LARGEST = 2_000_000
"""Characters of a page's style sheets that are read."""
MOST_RULES = 20_000
PATIENCE = 3_000_000
"""Selectors held against elements; a page that takes more has its style sheets not followed."""

_DEEPEST = 6
_LONGEST = 4_000
"""Characters of one rule's selectors that are read."""
_MOST_NESTED = 100
"""Selectors that one rule within another may come to."""
_TOKEN = re.compile(
    r"/\*.*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[{};]|[^{};\"'/]+|/", re.DOTALL
)
_PASSED_OVER = re.compile(
    r"@(?:-\w+-)?(?:keyframes|font-face|page|counter-style|property|starting-style)\b", re.I
)
_PLAIN_MEDIA = re.compile(r"@(?:media\s+(?:only\s+)?(?:all|screen)\s*|layer\b.*)", re.I)
_PRINT = re.compile(
    r"(?:@media)?\s*(?:only\s+)?(?:print|speech|aural|braille|projection)\b[^,]*", re.I
)
_NAME = r"(?:[\w-]|[^\x00-\x7f]|\\[0-9a-fA-F]{1,6}\s?|\\.)+"
_SIMPLE = re.compile(
    rf"(?P<tag>\*|{_NAME})|\.(?P<class>{_NAME})|\#(?P<id>{_NAME})"
    rf"|\[\s*(?P<attribute>{_NAME})\s*(?:(?P<how>[~|^$*]?=)\s*(?P<value>\"[^\"]*\"|'[^']*'|{_NAME})"
    rf"\s*[is]?\s*)?\]"
    rf"|::?(?P<pseudo>{_NAME})(?P<inside>\((?:[^()]|\([^()]*\))*\))?"
    rf"|(?P<join>\s*[>+~]\s*|\s+)"
)
_STATES = names(
    "active checked default disabled empty enabled focus focus-visible focus-within fullscreen"
    " hover in-range indeterminate invalid link modal optional out-of-range placeholder-shown"
    " popover-open read-only read-write required target user-invalid valid visited"
)
"""Of a page at rest that nobody has touched, no paragraph is in one of these."""
_STAND_INS = frozenset(("before", "after"))
_WORDS = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|attr\(")
_LETTERS = re.compile(r"[^\W\d_]{3}")


_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "": lambda value, wanted: True,
    "=": lambda value, wanted: value == wanted,
    "~=": lambda value, wanted: wanted in value.split(),
    "|=": lambda value, wanted: value == wanted or value.startswith(f"{wanted}-"),
    "^=": lambda value, wanted: bool(wanted) and value.startswith(wanted),
    "$=": lambda value, wanted: bool(wanted) and value.endswith(wanted),
    "*=": lambda value, wanted: bool(wanted) and wanted in value,
}


class Node(NamedTuple):
    """An element, as selectors see it."""

    tag: str
    id: str
    classes: frozenset[str]
    attributes: Mapping[str, str | None]


@dataclass(slots=True)
class _Compound:
    """What one element must be. ``child`` tells that the next one to the left is its parent."""

    tag: str = ""
    id: str = ""
    classes: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    child: bool = False

    def fits(self, node: Node) -> bool:
        if (self.tag and self.tag != node.tag) or (self.id and self.id != node.id):
            return False
        if self.classes and not self.classes <= node.classes:
            return False
        return all(
            name in node.attributes and _COMPARED[how](node.attributes[name] or "", wanted)
            for name, how, wanted in self.attributes
        )


class _Rule(NamedTuple):
    parts: tuple[_Compound, ...]
    weight: tuple[int, int, int]
    order: int
    may: bool
    values: Mapping[str, tuple[str, bool]]
    words: str


class Followed(NamedTuple):
    """What the style sheets declare for one element: what holds, and what may besides.

    Each value with what decides between it and others (importance, specificity, order). ``words``
    are those that a sheet puts in before or after it.
    """

    sure: Mapping[str, tuple[tuple[int, ...], str]]
    maybe: Mapping[str, tuple[tuple[int, ...], str]]
    words: str


NOTHING = Followed({}, {}, "")


class Sheets:
    """The style sheets of one page. ``tired`` once they asked for more than is worked out."""

    def __init__(self, texts: Sequence[tuple[str, str]]) -> None:
        """*texts*: of each its ``media`` attribute and what it says."""
        self._by: dict[str, list[_Rule]] = {}
        self._count = 0
        self._left = PATIENCE
        room = LARGEST
        self.tired = False
        for media, text in texts:
            if _PRINT.fullmatch(media.strip()):
                continue
            self.tired |= len(text) > room
            plain = media.strip().lower() in ("", "all", "screen")
            for selector, body, may in _rules(text[:room], may=not plain):
                self._add(selector, body, may=may)
            room -= min(room, len(text))

    def follow(self, path: Sequence[Node]) -> Followed:
        """What they declare for the last of *path*, the elements that hold one another."""
        if not self._by or self.tired:
            return NOTHING
        node = path[-1]
        keys = [
            "*",
            node.tag,
            *(f".{one}" for one in node.classes),
            *([f"#{node.id}"] * bool(node.id)),
        ]
        sure: dict[str, tuple[tuple[int, ...], str]] = {}
        maybe: dict[str, tuple[tuple[int, ...], str]] = {}
        words = ""
        for rule in (rule for key in keys for rule in self._by.get(key, ())):
            self._left -= 1
            if not rule.parts[-1].fits(node) or not self._stands(rule.parts, path, len(path) - 1):
                continue
            words = words or rule.words
            if rule.words:
                continue
            for name, (value, important) in rule.values.items():
                rank = (int(important), 0, *rule.weight, rule.order)
                for found in (maybe,) if rule.may else (sure, maybe):
                    if name not in found or found[name][0] < rank:
                        found[name] = (rank, value)
        if self._left < 0:
            self.tired = True
            return NOTHING
        return Followed(sure, maybe, words)

    def _stands(self, parts: Sequence[_Compound], path: Sequence[Node], at: int) -> bool:
        """Whether the elements above ``path[at]`` are as all but the last of *parts* ask."""
        if len(parts) == 1:
            return True
        child = parts[-1].child
        for above in range(at - 1, -1, -1):
            self._left -= 1
            if self._left < 0:
                return False
            if parts[-2].fits(path[above]) and self._stands(parts[:-1], path, above):
                return True
            if child:
                return False
        return False

    def _add(self, selector: str, body: str, *, may: bool) -> None:
        values = declared(body)
        found = {name: one for name, one in values.items() if name in HIDING | DOUBTFUL}
        put_in = _put_in(body) if "content" in values else ""
        if not found and not put_in:
            return
        for one in _split(selector):
            rule = _rule(one, found, put_in, self._count, may=may)
            if rule is None:
                continue
            if self._count >= MOST_RULES:
                self.tired = True
                return
            self._count += 1
            self._by.setdefault(_key(rule.parts[-1]), []).append(rule)


def _rules(text: str, *, may: bool) -> Iterator[tuple[str, str, bool]]:
    """Each rule's selector and declarations, and whether it holds only on some condition."""
    stack: list[tuple[str, bool, bool]] = [("", may, True)]  # selector, on condition, counts
    said: list[str] = []
    bodies: list[list[str]] = [[]]
    for piece in _TOKEN.findall(text):
        if piece == "{":
            head = "".join(said).strip()
            said = []
            above, held, counts = stack[-1]
            if head.startswith("@"):
                counts = counts and not (_PASSED_OVER.match(head) or _PRINT.fullmatch(head))
                stack.append((above, held or not _PLAIN_MEDIA.fullmatch(head), counts))
            else:
                inner = _nested(above, head) if above and len(stack) <= _DEEPEST else head
                stack.append((inner, held, counts and len(stack) <= _DEEPEST))
            bodies.append([])
        elif piece == "}":
            bodies[-1].append("".join(said))
            said = []
            if len(stack) > 1:
                selector, held, counts = stack.pop()
                body = ";".join(bodies.pop())
                if counts and selector and body.strip():
                    yield selector, body, held
        elif piece == ";":
            bodies[-1].append("".join(said))
            bodies[-1] = [one for one in bodies[-1] if one.strip()]
            said = []
        elif not piece.startswith("/*"):
            said.append(piece)


def _nested(above: str, head: str) -> str:
    outer, inner = _split(above), _split(head)
    if len(outer) * len(inner) > _MOST_NESTED or head.count("&") > _MOST_NESTED:
        return ""
    pairs = ((one.strip(), each.strip()) for one in outer for each in inner)
    return ",".join(i.replace("&", o) if "&" in i else f"{o} {i}" for o, i in pairs)


def _split(selector: str) -> list[str]:
    return re.findall(r"(?:[^,(\[]|\([^)]*\)?|\[[^\]]*\]?)+", selector[:_LONGEST])


class _Selector:
    """One selector as it is read. ``never``: it cannot hold in a page at rest, or is not one."""

    def __init__(self, text: str) -> None:
        self.parts = [_Compound()]
        self.ids = self.classes = self.tags = 0
        self.may = self.never = self.beside = False
        at = 0
        text = text.strip()
        while at < len(text) and not self.never:
            found = _SIMPLE.match(text, at)
            if found is None:
                self.never = True
                return
            at = found.end()
            if found["pseudo"]:
                self._pseudo(found["pseudo"].lower(), found[0].startswith("::"))
            elif found["join"]:
                self._join(found["join"])
            else:
                self._simple(found)

    def _join(self, join: str) -> None:
        if "+" in join or "~" in join:  # an element beside: whether it is there is not looked at
            self.may = True
            self.parts[-1] = _Compound(child=self.parts[-1].child)
        else:
            self.parts.append(_Compound(child=">" in join))

    def _simple(self, found: re.Match[str]) -> None:
        part = self.parts[-1]
        if found["tag"]:
            part.tag = "" if found["tag"] == "*" else unescaped(found["tag"]).lower()
            self.tags += bool(part.tag)
        elif found["class"]:
            part.classes.add(unescaped(found["class"]))
            self.classes += 1
        elif found["id"]:
            part.id = unescaped(found["id"])
            self.ids += 1
        else:
            wanted = unescaped((found["value"] or "").strip("\"'"))
            part.attributes.append((found["attribute"].lower(), found["how"] or "", wanted))
            self.classes += 1

    def _pseudo(self, name: str, is_element: bool) -> None:
        if name in _STAND_INS:
            self.beside = True
        elif name in _STATES or is_element or name.startswith("-"):
            self.never = True
        else:
            self.classes += 1
            if name == "root":
                self.parts[-1].tag = "html"
            else:
                self.may = True


def _rule(
    text: str, values: Mapping[str, tuple[str, bool]], put_in: str, order: int, *, may: bool
) -> _Rule | None:
    """The rule of the selector *text*; None when it hides nothing in a page at rest."""
    read = _Selector(text)
    values, put_in = ({}, put_in) if read.beside else (values, "")
    if read.never or not (values or put_in):
        return None
    weight = (read.ids, read.classes, read.tags)
    return _Rule(tuple(read.parts), weight, order, may or read.may, values, put_in)


def _key(part: _Compound) -> str:
    if part.id:
        return f"#{part.id}"
    return f".{min(part.classes)}" if part.classes else part.tag or "*"


def _put_in(body: str) -> str:
    """The words that ``content`` puts in beside an element; ``""`` for a mark or a sign."""
    told = " ".join(one[1] or one[2] or "…" * (one[0] == "attr(") for one in _WORDS.finditer(body))
    told = unescaped(told)
    return told[:100] if _LETTERS.search(told) or "…" in told else ""
