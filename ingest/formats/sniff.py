"""What a body is, judged by its beginning: enough to choose a format, or to name what it is."""

import html
import re
from dataclasses import dataclass
from functools import lru_cache

from ingest.formats import encoding, item_spans, json_text

HEAD = 262_144
"""Bytes that are looked at; the root element of a feed stands in the first lines."""

HEAD_OF_JSON = 4 << 20
"""The same of JSON that does not name its format, whose members stand in any order."""

_ROOT = re.compile(
    r"""<((?:[^\s<>/:&"'=!?]{1,64}:)?[A-Za-z_][\w.-]{0,63})"""
    r"""((?>[^<>"']+|"[^"<]*"|'[^'<]*')*+)>"""
)
_ATTRIBUTE = re.compile(r"""\sxmlns(?::([^\s=<>"'/]{1,64}))?\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_FEED_ROOT = re.compile(r"<(?:[\w.-]{1,64}:)?(?:rss|rdf|feed)(?=[\s>])", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_ENTITY = re.compile(
    # Only values that cannot grow: short, no markup, no reference but to a character.
    r"""<!ENTITY\s+([A-Za-z_][\w.-]{0,31})\s+"""
    r"""(?:"((?>[^"<&%]|&\#\w{1,8};){0,32})"|'((?>[^'<&%]|&\#\w{1,8};){0,32})')\s*>"""
)
_OBJECT = re.compile(r"\ufeff?[ \t\r\n]*(?:\[[ \t\r\n]*)?\{[ \t\r\n]*[\"}]")
# As a member: within a string its quotes have backslashes.
_JSON_FEED = re.compile(
    r'(?<!\\)"version"\s*:\s*"https?:(?:\\?/){2}(?:www\.)?jsonfeed\.org\\?/version'
)
_PAGE = "an HTML page"
_HTML = frozenset(
    [
        *("head", "body", "title", "meta", "div", "p", "script", "table", "center"),
        *("h1", "br", "b", "font"),
    ]
)
_MAGIC = (
    (b"\x1f\x8b", "gzip data that was not unpacked"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
)
_NAMED = {
    "opml": "an OPML list of subscriptions",
    "urlset": "a sitemap",
    "sitemapindex": "a sitemap index",
}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the beginning of a body is.

    ``root`` is the local name of the first element in lower case, ``attributes`` the text of its
    tag, ``namespace`` its namespace, ``at`` its offset in the text. ``entities`` are the harmless
    ones that its DOCTYPE declares; ``subset`` is True when it declares any at all. ``other`` names
    what is no XML.
    """

    root: str = ""
    namespace: str = ""
    attributes: str = ""
    at: int = -1
    entities: tuple[tuple[str, str], ...] = ()
    subset: bool = False
    title: str = ""
    other: str = ""
    members: frozenset[json_text.Path] = frozenset()

    @property
    def is_page(self) -> bool:
        """Whether it is an HTML page."""
        by_root = self.root == "html" or (self.root in _HTML and not self.namespace)
        return by_root or self.other == _PAGE

    def __str__(self) -> str:
        if self.other:
            return self.other
        if self.is_page:
            return f"{_PAGE} titled “{self.title}”" if self.title else _PAGE
        if named := _NAMED.get(self.root):
            return named
        inside = f" in the namespace {self.namespace[:100]}" if self.namespace else ""
        return f"XML whose root element is <{self.root}>{inside}"


_FRAMED = (
    # Letters and digits in front of the text, behind SOH; their parity bits are left out.
    (re.compile(rb"\x01\s*[A-Za-z]{1,8}[ -]?[0-9]{2,6}\s+[1-9]\s+[A-Za-z]{1,4}\s"), "IPTC 7901"),
    (re.compile(rb"\x01\s*[A-Za-z][0-9]{4}[^\r\n]{0,40}[\r\n]"), "ANPA 1312"),
)
_LOW = bytes(byte & 0x7F for byte in range(256))


def _framed(start: bytes) -> str:
    """What a message framed by control characters is; ``""`` for anything else."""
    at = start.translate(_LOW).find(b"\x01")
    if at < 0 or start[:at].strip(b"\x16\x96\0 \r\n").translate(_LOW)[:4] not in (b"", b"ZCZC"):
        return ""
    return next((n for one, n in _FRAMED if one.match(start.translate(_LOW), at)), "")


def sniff(body: bytes, content_type: str = "", charset: str = "") -> Sniffed:
    """What *body* is, as received; *charset* is the encoding that its wire names."""
    for magic, name in _MAGIC:
        if body.startswith(magic):
            return Sniffed(other=name)
    if framed := _framed(body[:500]):
        return Sniffed(other=framed)
    read_as = encoding.decide(body[:HEAD], content_type, mends=True, settled=charset)
    text = beginning(body, read_as)
    # JSON whose strings hold HTML is JSON all the same.
    if not _OBJECT.match(text):
        return sniff_xml(text)
    if _JSON_FEED.search(text):  # it names itself
        return Sniffed(other="JSON")
    return Sniffed(other="JSON", members=members_of(body))


@lru_cache(maxsize=1)  # it is asked of one capture twice
def members_of(body: bytes) -> frozenset[json_text.Path]:
    """The names in *body*, JSON: ids may stand behind long texts."""
    return json_text.paths(encoding.decide(body, utf=True).decode(body[:HEAD_OF_JSON]))


@lru_cache(maxsize=1)  # it is asked of one capture three times in turn, and so is this
def beginning(body: bytes, charset: encoding.Charset) -> str:
    """The text of the first :data:`HEAD` bytes of *body*."""
    return charset.decode(body[:HEAD])


@lru_cache(maxsize=1)
def sniff_xml(text: str) -> Sniffed:
    """What *text*, the beginning of a document, is when taken for XML. Linear in its length."""
    at, entities, subset, html_declared = _prolog(text)
    root = _ROOT.match(text, at)
    if root is None or (root[1].lower() in _HTML and not html_declared):
        # Scripts that fail print their warnings in front of a feed that is otherwise whole.
        feed = _FEED_ROOT.search(text, at)
        if feed and (again := _ROOT.match(text, feed.start())):
            root = again
    title = _TITLE.search(text)
    named = " ".join(html.unescape(title[1]).split())[:100] if title else ""
    if root is None:
        return Sniffed(other=_what(text[:200], html_declared), title=named)
    prefix, _, local = root[1].rpartition(":")
    spaces = declared(root[2])
    return Sniffed(
        root=local.lower(),
        namespace=spaces.get(prefix, "").strip(),
        attributes=root[2],
        at=root.start(),
        entities=entities,
        subset=subset,
        title=named,
    )


def declared(text: str) -> dict[str, str]:
    """The namespaces declared in *text*, prefix to name; of two for a prefix the first."""
    spaces: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        spaces.setdefault(match[1] or "", match[2] or match[3] or "")
    return spaces


def _prolog(text: str) -> tuple[int, tuple[tuple[str, str], ...], bool, bool]:
    """Where the prolog ends; harmless entities; whether entities were declared; whether HTML."""
    at = 0
    entities: tuple[tuple[str, str], ...] = ()
    subset = html_declared = doctype_seen = False
    never: set[str] = set()
    while (at := text.find("<", at)) >= 0:
        if text.startswith(("<!--", "<?"), at):
            stop = "-->" if text.startswith("<!--", at) else "?>"
            end = -1 if stop in never else text.find(stop, at + 2)
            if end < 0:
                never.add(stop)
            else:
                end += len(stop)
        elif not doctype_seen and text[at : at + 9].upper() == "<!DOCTYPE":
            doctype_seen = True
            html_declared = text[at + 9 : at + 40].partition(">")[0].strip().lower()[:4] == "html"
            # The rule of item_spans, which reads bytes, so that both see the same DOCTYPE.
            data = text[at:].encode("utf-8", "replace")
            length = item_spans.doctype(data, 0)
            end = at + len(data[:length].decode("utf-8", "replace")) if length >= 0 else -1
            inner = text[at : end if end >= 0 else len(text)]
            if "<!ENTITY" in inner:
                subset = True
                found = _ENTITY.findall(inner[:65_536])[:64]
                entities = tuple((name, one or two) for name, one, two in found)
        elif text[at + 1 : at + 2] in ("!", "/", "") or text[at + 1 : at + 2].isspace():
            end = at + 1
        else:
            break
        at = end if end >= 0 else at + 1
    return (at if at >= 0 else len(text)), entities, subset, html_declared


def _what(start: str, html_declared: bool) -> str:
    if html_declared:
        return _PAGE
    bare = start.lstrip("\ufeff \t\r\n")
    if bare.startswith(("{", "[")):
        return "JSON"
    if "\0" in start or sum(c < " " for c in bare) > len(bare) // 10:
        return "binary data"
    return f"text that begins “{' '.join(bare.split())[:60]}”"
