"""The sentences that publishers print under agency copy, and what each of them claims.

They stand in ``wordings.toml``, one pattern a line, and are found in text as it is printed: in
brackets or not, with "Disclaimer:" before it or not, alone or at either end of a paragraph.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from wirecopy.scope import SCOPES, Part, Scope

Standing = Literal["agrees", "claims-more", "claims-less", "unchecked"]

_REACH = 800
"""Characters at either end of a paragraph in which a sentence is looked for."""
_HOLE = r"(?:[^.()\[\]|।۔]|\.(?=\w)){1,70}?"
_HOLES = re.compile(r"\{(?:staff|agency|publisher)\}")
_END = r"(?=[\s\"'”’*_]*(?:[.।۔!;]?[\s\"'”’*_]*(?:[)\]]|$)|[.।۔](?=\s)))"
_BEFORE = re.compile(
    r"(?:[\s(\[*_\"“'‘—–-]|(?:disclaimer|note|editor['’]?s note|नोट|डिस्क्लेमर|نوٹ)\s*[:—–-])+$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[\s)\]*_\"”'’.।۔!;]*")
_SENTENCE_END = tuple(".!?।۔:)]\"”'’")
_BRACKETS = {"(": ")", "[": "]"}
_TRAILER = 12
"""Words that may follow a sentence which opens its paragraph and still belong to it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording. It is true of copy whose scope is among ``scopes``, least changed first."""

    id: str
    used_by: str
    language: str
    scopes: tuple[Scope, ...]
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class Printed:
    """A wording found in a paragraph: ``paragraph[start:end]`` is what was printed.

    That part opens or closes the paragraph or is all of it, unless ``within`` is True.
    """

    wording: Wording
    text: str
    start: int
    end: int
    within: bool = False


@cache
def known() -> tuple[Wording, ...]:
    """All wordings, in the order in which they are tried.

    :raises ValueError: for a line of the file that is no pattern, or a scope that is none.
    """
    table = tomllib.loads(
        files("desk.article").joinpath("wordings.toml").read_text(encoding="utf-8")
    )
    return tuple(_wording(row) for row in table["wording"])


def _wording(row: dict[str, object]) -> Wording:
    scopes = cast(list[str], row["scopes"])
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"wordings.toml: {row['id']}: no such scope: {', '.join(unknown)}")
    return Wording(
        id=str(row["id"]),
        used_by=str(row["used_by"]),
        language=str(row["language"]),
        scopes=tuple(sorted(cast(list[Scope], scopes), key=SCOPES.index)),
        patterns=tuple(compiled(line) for line in cast(list[str], row["printed"])),
    )


def compiled(line: str) -> re.Pattern[str]:
    """The pattern that *line* writes: words, ``{holes}``, ``[optional]``, ``(one|other)``.

    :raises ValueError: when its brackets do not match.
    """
    made = ""
    open_ = []
    for mark in re.findall(r"\{\w+\}|[\[\](){}|]|\s+|[^\s\[\](){}|]+", line):
        if _HOLES.fullmatch(mark):
            made += _HOLE
        elif mark in ("(", "["):
            open_.append(mark)
            made += "(?:"
        elif mark in (")", "]"):
            if not open_ or _BRACKETS[open_.pop()] != mark:
                raise ValueError(f"{line!r}: {mark!r} closes nothing; mend its brackets")
            made += ")" if mark == ")" else ")?"
        elif mark == "|":
            made += "|"
        elif mark.isspace():
            # Where a word may be missing, one of the two spaces about it is. Plain text has no
            # two in a row, and "*" here would let many that are take for ever.
            made += " ?"
        elif mark.startswith(("{", "}")):
            raise ValueError(
                f"{line!r}: no such hole; they are {{staff}}, {{agency}}, {{publisher}}"
            )
        else:
            made += re.sub(r"[-‐‑–—]", "[-‐‑–— ]?", re.sub(r"['’]", "['’]", _escaped(mark)))
    if open_:
        raise ValueError(f"{line!r}: {open_[-1]!r} is not closed; mend its brackets")
    return re.compile(made + _END, re.IGNORECASE)


def _escaped(token: str) -> str:
    return "".join(c if c in "-‐‑–—'’" or c.isalnum() else re.escape(c) for c in token)


def printed(paragraph: str) -> Printed | None:
    """The first wording that *paragraph* prints, as all of it or at either end.

    *paragraph* is as :func:`wirecopy.text.plain` gives it.
    """
    tail = max(0, len(paragraph) - _REACH)
    pieces = [(0, paragraph)] if not tail else [(tail, paragraph[tail:]), (0, paragraph[:_REACH])]
    for wording in known():
        for pattern in wording.patterns:
            for offset, piece in pieces:
                for match in pattern.finditer(piece):
                    if found := _placed(
                        wording, paragraph, match.start() + offset, match.end() + offset
                    ):
                        return found
    return None


def _placed(wording: Wording, paragraph: str, start: int, end: int) -> Printed | None:
    """The sentence at these places with its brackets, or None if it is part of a longer one."""
    before = paragraph[:start]
    if led := _BEFORE.search(before[-80:]):
        start -= len(led[0])
    kept = paragraph[:start].rstrip()
    opened = paragraph[start:end].lstrip()[:1] in _BRACKETS
    if kept and not opened and not kept.endswith(_SENTENCE_END):
        return None
    trailing = _AFTER.match(paragraph, end)
    end = trailing.end() if trailing else end
    rest = paragraph[end:]
    within = bool(rest.strip())
    if within and (not kept or opened) and len(rest.split()) <= _TRAILER:
        # "This report is from a feed. The paper holds no responsibility." is one disclaimer.
        end, within = len(paragraph), False
    elif within and not kept:
        within = False
    return Printed(wording, paragraph[start:end].strip(), start, end, within)


def standing(wording: Wording, scope: Scope, changed: Iterable[Part] = ()) -> Standing:
    """How what *wording* claims stands to the measured *scope* and the parts that *changed*.

    ``claims-more``: less is said to be changed than was measured to be. ``claims-less``: the copy
    is less changed than the wording lets think; nothing untrue is claimed by that.
    """
    if scope == "unknown":
        return "unchecked"
    places = [SCOPES.index(one) for one in wording.scopes]
    place = SCOPES.index(scope)
    if place in places:
        # "Auto-generated" lets links be other, and no headline.
        keeps_headline = scope == "packaging" and not {"headline-only", "headline-media"} & set(
            wording.scopes
        )
        return "claims-more" if keeps_headline and "headline" in set(changed) else "agrees"
    return "claims-less" if place < places[0] else "claims-more"
