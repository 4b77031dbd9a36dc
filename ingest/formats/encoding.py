"""From bytes to characters, where declarations may be wrong.

The order is that of RFC 7303 §3 (byte order mark, HTTP charset, XML declaration, UTF-8), with one
measured fact above it: text that decodes as UTF-8 and is not plain ASCII *is* UTF-8, whatever an
8-bit declaration says. ISO-8859-1 in the HTTP header is what servers add without looking, as it was
HTTP's default (RFC 2616 §3.7.1), so there the document's own declaration goes first. A label that
the bytes refute does not count; where none is left, the encoding is the one that the wire's
configuration names, if the bytes allow it, else it is guessed, and nothing is claimed of what was
read so. The labels accepted are those of the WHATWG Encoding Standard; nothing a wire
writes can reach Python's other codecs (``zip``, ``punycode`` …).
"""

import codecs
import re
from dataclasses import dataclass, replace
from functools import lru_cache

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
    "euc_jis_2004": "euc_jp",
    "utf-8-sig": "utf-8",
}
_SINGLE = frozenset(
    [_WINDOWS_1252, "cp1254", "cp874", "koi8-r", "koi8-u", "mac-roman", "cp866"]
    + [f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
    + [f"cp125{n}" for n in (0, 1, 3, 5, 6, 7, 8)]
)
_NOT_LATIN = frozenset(
    ["koi8-r", "koi8-u", "cp866", "cp874", "cp1251", "cp1253", "cp1255", "cp1256"]
    + [f"iso8859-{n}" for n in (5, 6, 7, 8)]
)
_GUESSED = (
    # Not the rest of _SINGLE: hardly a wire sends them, and short texts in others look like them.
    *(_NOT_LATIN - {"iso8859-8"}),
    *(_WINDOWS_1252, "cp1250", "cp1254", "cp1257", "iso8859-2"),
    *("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949"),
)
_SAMPLE = 16_384
"""Bytes of text that are looked at where labels are doubted; what costs some 2 ms."""
_TELLING = 20
"""Letters beyond ASCII from which a text shows whether it is in Latin script."""
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
_PADDED = re.compile(r"(&(?:amp;)?#[xX]?)0++(?=[0-9a-fA-F]{1,8};)")
_CONTROLS = re.compile("[\x80-\x9f]")
_CONTROL_BYTES = re.compile(b"\xc2[\x80-\x9f]")
"""The same in UTF-8, where they are found at a tenth of the cost."""
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]++")
_UTF8_RUN = re.compile(
    rb"(?<![\x80-\xff])(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3})++(?![\x80-\xff])"
)
_TAG_EDGE = re.compile(rb"[<>]")
_WORD = re.compile(r"[^\W\d_]+")
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
    Zeros before the number of a reference go: they mean nothing, and hide what it is.
    """
    if not text.isascii() and _CONTROL_BYTES.search(text.encode("utf-8", "ignore")):
        text = _CONTROLS.sub(lambda m: m[0].encode("latin-1").decode("cp1252", "replace"), text)
    if "&#" in text or "&amp;#" in text:
        text = _PAIR.sub(_whole, _PADDED.sub(r"\1", text))
    return text


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


@lru_cache(maxsize=2)  # it is asked of one capture three times in turn
def decide(
    body: bytes,
    content_type: str = "",
    *,
    mends: bool = True,
    utf: bool = False,
    settled: str = "",
) -> Charset:
    """The encoding of *body*, from its bytes and its Content-Type. Linear in its length.

    *utf* where its format knows no other encodings than UTF-8, 16 and 32 (RFC 8259 §8.1). *settled*
    is the one that somebody who knows the wire has named, for bytes that do not tell.
    """
    if name := marked(body):
        found = Charset(name)
    elif utf and mends:
        found = _utf8(body, [], "")
    else:
        found = _decide(body, content_type, mends, settled)
    return replace(found, mends=mends)


def is_sure(body: bytes, content_type: str = "") -> bool:
    """Whether *body* is UTF-8 beyond doubt: so that it is too, and :func:`decide` finds nothing
    else, whatever pieces of such bodies with its beginning and its Content-Type are joined."""
    _, names, _ = _stated(body, content_type, True)
    if marked(body) not in ("", "utf-8") or "iso2022_jp" in names:
        return False
    if body.isascii():
        return True
    return {*names} <= {"utf-8"} and b"\xef\xbf\xbd" not in body and _holds(body, "utf-8")


def _decide(body: bytes, content_type: str, mends: bool, settled: str) -> Charset:
    stated, names, declared = _stated(body, content_type, mends)
    if body.isascii() and "iso2022_jp" not in names:
        return Charset("utf-8")
    if _mostly_utf8(body) or ("utf-8" in names and mends and _partly_utf8(body)):
        return _utf8(body, names, declared)
    sample = _sample(body) if mends else b""
    stated = [n for n in stated if n != "utf-8"]
    held = [n for n in stated if _holds(body, n)]
    if believed := next((n for n in held if not mends or _is_plausible(sample, n)), ""):
        return Charset(believed)
    if nearly := next((n for n in stated if not mends or _nearly_holds(body, n)), ""):
        return Charset(nearly, f"{declared}, but some bytes are not; U+FFFD stands for them")
    settles = bool(settled) and _holds(body, settled) and _is_plausible(sample, settled)
    guess = settled if settles else _guess(sample) if mends else _WINDOWS_1252
    if settles or guess in held:
        return Charset(guess)
    said = guess.replace("cp125", "windows-125")
    return Charset(guess, f"{declared} and no UTF-8; read as {said}", guessed=True)


def _stated(body: bytes, content_type: str, mends: bool) -> tuple[list[str], list[str], str]:
    """The encodings that labels state, to be tried in this order; these and those of labels that
    nobody meant; and how the notes say it."""
    found = [_CHARSET.search(content_type), _DECLARATION.match(body)]
    labels = [label for m in found if m and (label := _text(m[1]))]
    declared = f"declared as {labels[0]}" if labels else "without a declared encoding"
    if mends and len(labels) == 2 and known(labels[0]) == _WINDOWS_1252:
        labels.reverse()
    # Wide encodings prove themselves by their first bytes, or are not these.
    names = [
        n for label in labels if (n := known(label)) and not n.startswith(("utf-16", "utf-32"))
    ]
    # What is called ASCII and is not was called so by a program that did not look.
    stated = [n for label in labels if (n := known(label)) in names and not _is_ascii(label)]
    return stated, names, declared


def _sample(body: bytes) -> bytes:
    """Text of *body* that holds more than ASCII, of bounded length."""
    pieces: list[bytes] = []
    size = at = 0
    while size < _SAMPLE and (high := _HIGH.search(body, at)) is not None:
        first = high.start()
        edge = max(body.rfind(b"<", at, first), body.rfind(b">", at, first)) + 1
        stop = _TAG_EDGE.search(body, first)
        end = min(stop.start() if stop else len(body), first + _SAMPLE)
        pieces.append(body[max(edge, at, first - 200) : end])
        size += len(pieces[-1])
        at = end
    return b"\n".join(pieces)[:_SAMPLE]


def _is_plausible(sample: bytes, name: str) -> bool:
    """Whether *sample* looks like text in the 8-bit encoding *name*; a short one tells nothing.

    Words of Latin script have some letters beyond ASCII, those of others have hardly any other: so
    a label of the wrong kind is refuted ("Ðîññèÿ", "cafй").
    """
    beyond, all_ = _letters(sample, name)
    return beyond < _TELLING or (2 * beyond > all_) == (name in _NOT_LATIN)


def _letters(sample: bytes, name: str) -> tuple[int, int]:
    """How many letters beyond ASCII *sample*, read as *name*, has, and all letters of the words in
    which they stand; none for encodings of several bytes a character."""
    if name not in _SINGLE:
        return 0, 0
    words = [w for w in _WORD.findall(sample.decode(name, "replace")) if not w.isascii()]
    return sum(not c.isascii() for word in words for c in word), sum(map(len, words))


@lru_cache(maxsize=4)
def _guess(sample: bytes) -> str:
    """The encoding that *sample* looks most like."""
    # Late, as it takes 35 MB and 0.2 s: most wires never need it.
    import chardet

    found = chardet.detect_all(
        sample,
        ignore_threshold=True,
        include_encodings=_GUESSED,
        no_match_encoding=_WINDOWS_1252,
        compat_names=False,
        prefer_superset=False,
    )
    for name in (known(one["encoding"] or "") for one in found):
        beyond, all_ = _letters(sample, name)
        # "Йtй": other scripts do not mix with Latin in a word.
        if name and (name not in _NOT_LATIN or 5 * beyond > 4 * all_):
            return name
    return _WINDOWS_1252


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
    if not body.isascii() and b"\xef\xbf\xbd" not in body and _holds(body, "utf-8"):
        return True
    text = _HALVES.sub(b"\xc3\xa9", body).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - broken
    return whole > 4 * broken


def _partly_utf8(body: bytes) -> bool:
    """Whether *body*, labelled as UTF-8, is that in some items, which those in another encoding
    must not spoil. By words: hardly one of another encoding is UTF-8 from end to end by chance."""
    words = sum(1 for _ in _HIGH_RUN.finditer(body))
    whole = sum(1 for _ in _UTF8_RUN.finditer(body))
    return whole > words - whole or (whole >= 3 and 8 * whole > words - whole)


def _holds(body: bytes, name: str) -> bool:
    try:
        body.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _nearly_holds(body: bytes, name: str) -> bool:
    """Whether *body* is in the encoding *name*, of several bytes a character, but for a few."""
    if name in _SINGLE:
        return False
    text = body.decode(name, "replace")
    broken = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) > 10 * broken


def _is_ascii(label: str) -> bool:
    return codecs.lookup(label.strip()).name == "ascii"


def _text(label: str | bytes) -> str:
    return label if isinstance(label, str) else label.decode("ascii")
