"""The text projection: what of a piece of HTML are words, and what does it refer to."""

import html as _html
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

RULE = "wirecopy-text-1"

BLOCKS: frozenset[str] = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "col",
        "colgroup",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "listing",
        "main",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "plaintext",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "xmp",
    ]
)
SILENT: frozenset[str] = frozenset(
    ["script", "style", "template", "noscript", "iframe", "noembed", "noframes", "head", "title"]
)

_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_NOTHING = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class References:
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


class Projected(NamedTuple):
    paragraphs: tuple[str, ...]
    references: References


def scalar(text: str) -> str:
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def plain(text: str) -> str:
    """*text* as the rule reads it: one line, NFC, single spaces, no controls."""
    text = _NOTHING.sub("", scalar(text))
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip(" "))


def project(html: str, base: str | None = None, *, disclosure: str = "") -> Projected:
    """Paragraphs and references of *html*, from one parse."""
    found: list[str] = []
    run: list[str] = []
    links: list[str] = []
    media: list[str] = []

    def flush() -> None:
        if run:
            if text := plain("".join(run)):
                found.append(text)
            run.clear()

    root = LexborHTMLParser(f"<div>{scalar(html)}", is_fragment=True).root
    node: LexborNode | None = root
    while node is not None:
        tag = node.tag or ""
        down: LexborNode | None = None
        if tag == "-text":
            run.append(node.text_lexbor())
        elif not tag.startswith("-"):
            tag = tag.lower()
            if tag in BLOCKS:
                flush()
            _refer(node, tag, base, links, media)
            if tag not in SILENT:
                down = node.first_child
        if down is not None:
            node = down
            continue
        while node is not None:
            if (node.tag or "").lower() in BLOCKS:
                flush()
            if node.next is not None:
                node = node.next
                break
            node = node.parent
    flush()
    last = plain(disclosure)
    if last and found and found[-1] == last:
        found.pop()
    return Projected(tuple(found), References(tuple(links), tuple(media)))


def _refer(
    node: LexborNode, tag: str, base: str | None, links: list[str], media: list[str]
) -> None:
    from urllib.parse import urljoin

    def add(where: list[str], url: str | None) -> None:
        if url is None:
            return
        url = url.strip()
        try:
            whole = urljoin(base or "", url) if not url.startswith("#") else url
        except ValueError:
            whole = url
        where.append(whole)

    if tag in ("a", "area"):
        add(links, node.attributes.get("href"))
    elif tag in ("img", "video", "audio", "source", "iframe", "embed", "object"):
        at = node.attributes
        if tag == "img" and (at.get("width") in ("0", "1") or at.get("height") in ("0", "1")):
            return
        for name in ("src", "poster", "data"):
            add(media, at.get(name))


def paragraphs(html: str, *, disclosure: str = "") -> tuple[str, ...]:
    """The paragraphs of *html*, each plain text, empty ones dropped."""
    return project(html, disclosure=disclosure).paragraphs


def projection(html: str, *, disclosure: str = "") -> str:
    """The paragraphs of *html* joined by line feeds."""
    return "\n".join(paragraphs(html, disclosure=disclosure))


def references(html: str, base: str | None = None) -> References:
    """What *html* links to and shows, resolved against *base*, in document order."""
    return project(html, base).references


def plain_to_html(text: str) -> str:
    """Plain text as HTML: blank lines part ``<p>``, single line breaks are ``<br>``."""
    lines = [
        _html.escape(plain(line), quote=False)
        for line in re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    ]
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return "".join(f"<p>{'<br>'.join(b)}</p>" for b in blocks if b)
