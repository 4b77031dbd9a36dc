"""The style sheets in a page, as far as they hide words or put words in.

tinycss2 parses them, the page's own tree finds the elements of their selectors, the cascade
(importance, specificity, order) decides between them. A rule in an ``@media`` or another condition
*may* hold, and what it would hide is doubtful. What is for print alone does not count. Style
sheets in other files are not read.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import tinycss2
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError
from tinycss2.ast import AtRule, FunctionBlock, Node, QualifiedRule

from desk.article.style import DOUBTFUL, HIDING, declared

LARGEST = 2_000_000
"""Characters of a page's style sheets that are read; parsing takes some 2 µs each."""
MOST_RULES = 20_000
PATIENCE = 30_000_000
"""Elements held against selectors; a page that takes more has its style sheets not followed."""

_DEEPEST = 6
"""Rules within rules that are followed."""
_LONGEST = 4_000
"""Characters of one selector that are read."""
_CONDITIONS = ("media", "supports", "container", "scope", "document", "-moz-document")
_ALWAYS = re.compile(r"(?:only )?(?:all|screen)?", re.I)
_PRINT = re.compile(r"(?:only )?(?:print|speech|aural|braille|projection)\b[^,]*", re.I)
_STAND_IN = re.compile(r"(.*?)::?(?:before|after)", re.I | re.S)
_LETTERS = re.compile(r"[^\W\d_]{3}")

Specificity = tuple[int, int, int]
"""Ids; classes, attributes and states; tags."""

Rank = tuple[int, int, Specificity, int]
"""What decides between two declarations: importance, a style attribute, specificity, order."""


class _Rule(NamedTuple):
    selector: Sequence[Node]
    content: Sequence[Node]
    may: bool


class Followed(NamedTuple):
    """What style sheets declare for one element: surely, and perhaps besides; ``words`` are those
    that a sheet puts in before or after it."""

    sure: dict[str, tuple[Rank, str]]
    maybe: dict[str, tuple[Rank, str]]
    words: str


class Sheets:
    """The style sheets of one page. ``tired`` once they asked for more than is worked out."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self._tree = tree
        self._size = sum(1 for _ in tree.root.traverse()) if tree.root else 0
        self._spent = self._order = 0
        self._sure: dict[int, dict[str, tuple[Rank, str]]] = defaultdict(dict)
        self._maybe: dict[int, dict[str, tuple[Rank, str]]] = defaultdict(dict)
        self._words: dict[int, str] = {}
        self.tired = False
        room = LARGEST
        for media, text in _texts(tree):
            self.tired |= len(text) > room
            room -= len(text)
            if self.tired or _PRINT.fullmatch(media):
                continue
            try:
                for rule in _rules(
                    tinycss2.parse_stylesheet(text), may=not _ALWAYS.fullmatch(media)
                ):
                    self._apply(rule)
            except RecursionError:  # thousands of brackets within brackets
                self.tired = True

    def follow(self, node: LexborNode) -> Followed:
        """What they declare for *node*."""
        if self.tired:
            return Followed({}, {}, "")
        key = node.mem_id
        return Followed(self._sure.get(key, {}), self._maybe.get(key, {}), self._words.get(key, ""))

    def _apply(self, rule: _Rule) -> None:
        values = declared(rule.content)
        found = {name: one for name, one in values.items() if name in HIDING | DOUBTFUL}
        words = _words(rule.content) if "content" in values else ""
        if not found and not words:
            return
        for tokens in _split(rule.selector):
            selector = tinycss2.serialize(tokens).strip()[:_LONGEST]
            beside = _STAND_IN.fullmatch(selector)
            self._order += 1
            self._spent += self._size
            self.tired |= self._order > MOST_RULES or self._spent > PATIENCE
            if self.tired:
                return
            for node in self._select((beside[1] or "*") if beside else selector):
                if beside:
                    self._words.setdefault(node.mem_id, words)
                else:
                    self._declare(node.mem_id, found, _specificity(tokens), may=rule.may)

    def _select(self, selector: str) -> list[LexborNode]:
        """The elements of *selector*; none for one that is none, or that the tree does not know."""
        try:
            return self._tree.css(selector) if selector else []
        except SelectolaxError:
            return []

    def _declare(
        self,
        key: int,
        values: Mapping[str, tuple[str, bool]],
        specificity: Specificity,
        *,
        may: bool,
    ) -> None:
        for name, (value, important) in values.items():
            rank = (int(important), 0, specificity, self._order)
            for found in (self._maybe[key],) if may else (self._sure[key], self._maybe[key]):
                if name not in found or found[name][0] < rank:
                    found[name] = (rank, value)


def _texts(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """The ``media`` and the text of each style sheet."""
    for node in tree.css("style"):
        if (node.attributes.get("type") or "text/css").strip().lower() == "text/css":
            yield " ".join((node.attributes.get("media") or "").split()), node.text()


def _rules(
    nodes: Sequence[Node], above: Sequence[Node] = (), *, may: bool, depth: int = 0
) -> Iterator[_Rule]:
    """The rules in *nodes*, in their order, those within others and within conditions too.

    *above* is the selector of the rule around them.
    """
    own = [node for node in nodes if node.type == "declaration"]
    if own and above:
        yield _Rule(above, own, may)
    for node in nodes if depth < _DEEPEST else ():
        if isinstance(node, QualifiedRule):
            selector = _nested(above, node.prelude) if above else node.prelude
            inner = tinycss2.parse_blocks_contents(node.content)
            yield from _rules(inner, selector, may=may, depth=depth + 1)
        elif isinstance(node, AtRule) and node.content is not None:
            name = node.lower_at_keyword
            condition = " ".join(tinycss2.serialize(node.prelude).split())
            if name == "layer" or (name in _CONDITIONS and not _PRINT.fullmatch(condition)):
                always = name == "layer" or (name == "media" and _ALWAYS.fullmatch(condition))
                inner = tinycss2.parse_blocks_contents(node.content)
                yield from _rules(inner, above, may=may or not always, depth=depth + 1)


def _nested(above: Sequence[Node], selector: Sequence[Node]) -> Sequence[Node]:
    """*selector* as it stands within the rule of the selector *above* (CSS Nesting §3.1)."""
    parent = f":is({tinycss2.serialize(above)})"
    inner = [tinycss2.serialize(one).strip() for one in _split(selector)]
    if sum(map(len, inner)) + len(parent) * len(inner) > _LONGEST:
        return ()
    whole = ",".join(i.replace("&", parent) if "&" in i else f"{parent} {i}" for i in inner)
    return list(tinycss2.parse_component_value_list(whole[:_LONGEST]))


def _split(selector: Sequence[Node]) -> list[list[Node]]:
    """The selectors of a list, parted by commas."""
    found: list[list[Node]] = [[]]
    for one in selector:
        if one == ",":
            found.append([])
        else:
            found[-1].append(one)
    return found


def _specificity(tokens: Sequence[Node]) -> Specificity:
    """The specificity of one selector (Selectors 4 §17)."""
    ids = classes = tags = 0
    before = ""
    for token in tokens:
        if token.type == "hash":
            ids += 1
        elif token.type == "[] block" or (token.type == "ident" and before in (".", ":")):
            classes += 1
        elif token.type == "ident":
            tags += 1
        elif isinstance(token, FunctionBlock) and before == ":":
            inner = max(map(_specificity, _split(token.arguments)))
            if token.lower_name in ("is", "not", "has"):
                ids, classes, tags = ids + inner[0], classes + inner[1], tags + inner[2]
            else:
                classes += token.lower_name != "where"
        before = token.value if token.type == "literal" else ""
    return ids, classes, tags


def _words(content: Sequence[Node]) -> str:
    """The words that ``content`` puts in beside an element; ``""`` for a mark or a sign."""
    put = [
        "…" if isinstance(token, FunctionBlock) else token.value
        for one in content
        if one.type == "declaration" and one.lower_name == "content"
        for token in one.value
        if token.type == "string"
        or (isinstance(token, FunctionBlock) and token.lower_name == "attr")
    ]
    words = " ".join(put)
    return words[:100] if _LETTERS.search(words) or "…" in words else ""
