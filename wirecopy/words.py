"""Text as the rule ``wirecopy-text-1`` compares it (docs/text-projection.md §1)."""

import re
import unicodedata

RULE = "wirecopy-text-1"

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space, all 25. Not what any language calls white space by itself."""

_GONE = {
    **dict.fromkeys(range(0x00, 0x09)),
    **dict.fromkeys(range(0x0E, 0x20)),
    **dict.fromkeys(range(0x7F, 0x85)),
    **dict.fromkeys(range(0x86, 0xA0)),
    **dict.fromkeys((0xFEFF, 0xFFFE, 0xFFFF)),
}
_SPACES = re.compile(f"[{SPACE}]+")
_SURROGATES = re.compile("[\ud800-\udfff]+")


def names(text: str) -> frozenset[str]:
    """The names in *text*, which spaces part."""
    return frozenset(text.split(" "))


def well_formed(text: str) -> str:
    """*text* with surrogate pairs joined and every lone surrogate made U+FFFD."""
    return _SURROGATES.sub(_joined, text)


def plain(text: str) -> str:
    """*text* without what cannot be seen or carried, single-spaced, trimmed, in NFC."""
    shown = well_formed(text).translate(_GONE)
    return unicodedata.normalize("NFC", _SPACES.sub(" ", shown).strip(" "))


def trim(text: str) -> str:
    """*text* without white space at its ends."""
    return text.strip(SPACE)


def _joined(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return units.decode("utf-16-be", "replace")
