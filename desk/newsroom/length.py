"""How long a headline is to its readers: its characters, and the lines that it takes on a phone."""

import unicodedata

from wcwidth import iter_graphemes, wcwidth

PHONE = 16.4
"""The width of a line in ems: 328 of a phone's 360 CSS pixels, at 20 pixels a letter."""

_NARROW = frozenset("!'()*,-./:;I[\\]`fijlrt{|} ·‘’“”ıìíîï")
_WIDE = frozenset("%@MWmw—…œæŒÆ")


def characters(text: str) -> list[str]:
    """The characters of *text* as people count them: extended grapheme clusters (UAX #29), so
    that a consonant and its vowel sign, or an emoji made of several, is one."""
    return list(iter_graphemes(text))


def width(character: str) -> float:
    """About how wide one of :func:`characters` is, in ems of a phone's sans serif.

    Four widths for letters, as Helvetica has them to within some percents of a headline; a Chinese
    character is an em, and so is an emoji. A mark that takes room adds half a letter.
    """
    first = character[0]
    if wcwidth(first) == 2:
        return 1.0
    if first in _NARROW:
        return 0.28
    if first in _WIDE:
        return 0.85
    taking = sum(unicodedata.category(c) == "Mc" for c in character[1:])
    # A conjunct has the letters that it is made of, if narrower ones.
    letters = sum(unicodedata.category(c)[0] == "L" for c in character) or 1
    return (0.67 if first.isupper() else 0.54) + 0.28 * (taking + letters - 1)


def lines(text: str, most: float = PHONE) -> int:
    """How many lines of a phone *text* takes, broken between words and beside wide characters."""
    count, used, word = 0, most, 0.0
    for character in [*characters(text), " "]:
        wide = width(character)
        ends = character.isspace() or wide == 1.0
        if not character.isspace():
            word += wide
        if not ends:
            continue
        if word and used + word > most:
            count += max(1, -int(-word // most))
            used = word % most
        else:
            used += word
        used += 0.28 * character.isspace()
        word = 0.0
    return count
