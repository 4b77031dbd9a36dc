"""From bytes to characters, where declarations may be wrong.

The order is that of RFC 7303 §3 (byte order mark, HTTP charset, XML declaration, UTF-8), with one
measured fact above it: text that decodes as UTF-8 and is not plain ASCII *is* UTF-8, whatever an
8-bit declaration says. The labels accepted are those of the WHATWG Encoding Standard; nothing a
wire writes can reach Python's other codecs (``zip``, ``punycode`` …).
"""

import codecs
import re
from dataclasses import dataclass, replace

_WINDOWS_1252 = "cp1252"
_REAL: dict[str, str] = {
    # Labels whose bytes are in practice those of a larger sibling (WHATWG Encoding Standard §4.2).
    "ascii": _WINDOWS_1252,
    "iso8859-1": _WINDOWS_1252,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-8-sig": "utf-8",
}
_SINGLE = frozenset(
    [_WINDOWS_1252, "cp1254", "cp874", "koi8-r", "koi8-u", "mac-roman", "cp866"]
    + [f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
    + [f"cp125{n}" for n in (0, 1, 3, 5, 6, 7, 8)]
)
_KNOWN = _SINGLE | {
    "utf-8",
    "gb18030",
    "big5hkscs",
    "cp932",
    "euc_jp",
    "iso2022_jp",
    "cp949",
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
}
_MARKS = (
    # UTF-32's mark begins with UTF-16's: the longer one first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    # Without a mark, the first "<" of XML or "{" of JSON tells (XML 1.0 appendix F, RFC 4627 §3).
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"{\0\0\0", "utf-32-le"),
    (b"\0\0\0{", "utf-32-be"),
    (b"{\0", "utf-16-le"),
    (b"\0{", "utf-16-be"),
)
# Half of a character each, written as if it were UTF-8 (CESU-8).
_HALVES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_PAIR = re.compile(
    r"&(?:amp;)?#(?:(5[56][0-9]{3})|[xX]([dD][89abAB][0-9a-fA-F]{2}));"
    r"&(?:amp;)?#(?:(5[67][0-9]{3})|[xX]([dD][c-fC-F][0-9a-fA-F]{2}));"
)
_CONTROLS = re.compile("[\x80-\x9f]")
_DECLARATION = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """A codec error handler: what is no UTF-8 was typed on a Windows machine."""
    assert isinstance(error, UnicodeDecodeError)
    stray = error.object[error.start : error.end]
    return stray.decode(_WINDOWS_1252, "replace"), error.end


codecs.register_error("wirecopy-windows-1252", _as_windows_1252)


@dataclass(frozen=True, slots=True)
class Charset:
    """How the bytes of one capture are read; ``note`` is what was wrong with their declaration.

    ``guessed`` tells that nobody who could know has named it; ``mends`` whether characters are read
    as they were meant (:func:`as_meant`).
    """

    name: str
    note: str = ""
    mends: bool = True
    guessed: bool = False

    @property
    def wide(self) -> bool:
        """True where ASCII is not one byte a character, so that bytes cannot be scanned as such."""
        return self.name.startswith(("utf-16", "utf-32"))

    def doubt(self, piece: bytes) -> str:
        """Why the words of *piece* may be others than were written; ``""`` where they are sure."""
        if not self.mends or piece.isascii():
            return ""
        if self.guessed:
            return f"its encoding was guessed ({self.name})"
        whole = _HALVES.sub(b"", piece) if self.name == "utf-8" else piece
        return "" if _holds(whole, self.name) else f"some of its bytes are no {self.name}"

    def decode(self, piece: bytes) -> str:
        """*piece* as text; never fails.

        Bytes that are no UTF-8 within UTF-8 are taken as windows-1252; in any other encoding they
        become U+FFFD.
        """
        if self.name != "utf-8":
            text = piece.decode(self.name, "replace")
        else:
            if self.mends and b"\xed" in piece:
                piece = _HALVES.sub(_joined, piece)
            text = piece.decode("utf-8", "wirecopy-windows-1252")
        return as_meant(text) if self.mends else text


def as_meant(text: str) -> str:
    """*text* without what only a fault on the way makes of characters.

    Controls U+0080 to U+009F are windows-1252 that went through Latin-1, as HTML reads
    ``&#150;``. Two references to the halves of a character, a surrogate pair, are that character.
    """
    if not text.isascii():
        text = _CONTROLS.sub(lambda m: m[0].encode("latin-1").decode("cp1252", "replace"), text)
    return _PAIR.sub(_whole, text) if "&" in text else text


def _whole(match: re.Match[str]) -> str:
    halves = [int(d) if d else int(h, 16) for d, h in (match.group(1, 2), match.group(3, 4))]
    if not (0xD800 <= halves[0] < 0xDC00 <= halves[1] < 0xE000):
        return match[0]
    return "".join(map(chr, halves)).encode("utf-16", "surrogatepass").decode("utf-16")


def _joined(match: re.Match[bytes]) -> bytes:
    halves = match[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
    return halves.decode("utf-16").encode()


def known(label: str) -> str:
    """The codec for *label*, or ``""`` for a label that no wire has any business to use."""
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return ""
    name = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name)
    name = _REAL.get(name, name)
    return name if name in _KNOWN else ""


def marked(body: bytes) -> str:
    """The encoding that the first bytes themselves prove, or ``""``."""
    return next((name for mark, name in _MARKS if body.startswith(mark)), "")


def decide(body: bytes, content_type: str = "", *, mends: bool = True) -> Charset:
    """The encoding of *body*, from its bytes and its Content-Type. Linear in its length."""
    return replace(_decide(body, content_type), mends=mends)


def _decide(body: bytes, content_type: str) -> Charset:
    if name := marked(body):
        return Charset(name)
    header = _CHARSET.search(content_type)
    declaration = _DECLARATION.match(body)
    labels = [label for m in (header, declaration) if m and (label := _text(m[1]))]
    # Wide encodings prove themselves by their first bytes, or are not these.
    names = [
        n for label in labels if (n := known(label)) and not n.startswith(("utf-16", "utf-32"))
    ]
    # What is called ASCII and is not was called so by a program that did not look.
    stated = [n for label in labels if (n := known(label)) in names and not _is_ascii(label)]
    if body.isascii() and "iso2022_jp" not in names:
        return Charset("utf-8")
    declared = f"declared as {labels[0]}" if labels else "without a declared encoding"
    if _mostly_utf8(body):
        return _utf8(body, names, declared)
    for name in stated:
        if name != "utf-8" and _holds(body, name):
            return Charset(name)
    for name in stated:
        if name != "utf-8":
            return Charset(name, f"{declared}, but some bytes are not; U+FFFD stands for them")
    note = f"{declared} and no UTF-8; read as windows-1252"
    return Charset(_WINDOWS_1252, note, guessed=True)


def _utf8(body: bytes, names: list[str], declared: str) -> Charset:
    """The encoding of what looks like UTF-8."""
    if not _holds(body, "utf-8"):
        return Charset("utf-8", "some bytes are no UTF-8; they were read as windows-1252")
    if not names or "utf-8" in names:
        return Charset("utf-8")
    # East Asian declarations are believed if they hold: short texts in them can pass for UTF-8 by
    # accident, which those in 8-bit encodings practically cannot.
    wider = next((n for n in names if n not in _SINGLE and _holds(body, n)), "")
    return Charset(wider) if wider else Charset("utf-8", f"{declared}, but the bytes are UTF-8")


def _mostly_utf8(body: bytes) -> bool:
    """Whether what is not ASCII in *body* is UTF-8 but for a few stray bytes."""
    text = _HALVES.sub(b"\xc3\xa9", body).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - broken
    return whole > 4 * broken


def _holds(body: bytes, name: str) -> bool:
    try:
        body.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _is_ascii(label: str) -> bool:
    return codecs.lookup(label.strip()).name == "ascii"


def _text(label: str | bytes) -> str:
    return label if isinstance(label, str) else label.decode("ascii")
