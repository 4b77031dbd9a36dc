"""Whether one headline states other facts than another: a number, a name, a negation.

Rough on purpose: it only calls somebody to look. Words are compared, not grammar.
"""

import re
import unicodedata
from collections.abc import Iterable

from wirecopy.encoding import names

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_][\w'’\u0900-\u0dff]*")
_COUNTS = names(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    " hundred hundreds thousand thousands lakh crore million billion dozen dozens"
)
_NEGATIONS = names(
    "no not never none nobody nothing neither nor cannot without denies denied deny rejects"
    " rejected reject refuses refused refuse नहीं नही न मत बिना इनकार নয় নেই না இல்லை లేదు नाही نہیں"
    " لا لم لن ليس نه نیست nicht kein keine nie nein ne pas non jamais ni aucun não nunca nem sem"
    " niet geen nooit inte ikke ej ingen aldrig не нет ни нельзя ні δεν μην όχι değil yok hayır"
    " tidak bukan tanpa không לא אין"
)
_NEGATES = re.compile("[不没沒未無无否]|ない|않|못|ไม่")
"""In scripts that set no spaces between words, or negate within them."""


def differing(before: str, after: str) -> str:
    """What of the facts differs between two headlines: ``a number``, ``a negation``, ``a name``;
    ``""`` for nothing that can be seen.

    Names are words in capitals, where a headline does not set most of its words so, and its script
    has capitals.
    """
    if _numbers(before) != _numbers(after):
        return "a number"
    ours, theirs = _WORD.findall(before), _WORD.findall(after)
    if _negated(before, ours) != _negated(after, theirs):
        return "a negation"
    if _names(ours, theirs) or _names(theirs, ours):
        return "a name"
    return ""


def _numbers(text: str) -> list[str]:
    """The numbers of *text* in their order: of whom there are twelve and of whom three counts."""
    digits = "".join(
        str(unicodedata.digit(c)) if c.isdigit() and c.isdecimal() else c for c in text
    )
    words = [word for word in re.findall(r"[a-z]+", text.casefold()) if word in _COUNTS]
    found = _NUMBER.findall(digits)
    return [n.replace(",", "") if _GROUPED.fullmatch(n) else n for n in found] + words


def _negated(text: str, words: Iterable[str]) -> bool:
    folded = {word.casefold().replace("’", "'") for word in words}
    if folded & _NEGATIONS or any(word.endswith("n't") for word in folded):
        return True
    return _NEGATES.search(text) is not None


def _names(words: list[str], others: list[str]) -> set[str]:
    """The names among *words* that are not among *others*; the first word may be any word."""
    rest = words[1:]
    if 2 * sum(word[:1].isupper() for word in rest) > len(rest):
        return set()
    known = {other.casefold().removesuffix("'s").removesuffix("’s") for other in others}
    found = {w.casefold().removesuffix("'s").removesuffix("’s") for w in rest if w[:1].isupper()}
    return found - known
