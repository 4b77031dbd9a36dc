"""What was measured, told so that a reader who knows nothing of feeds understands it; and the
small matters of language: dates with their zone, and which way a language is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from stories.config import Config
from stories.labels import LABELS, Tone
from wirecopy.scope import Part, Scope

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""Not from the process's locale: feedgen changes that while it writes."""

PART_NAMES: dict[Part, str] = {
    "headline": "headline",
    "text": "text",
    "links": "links",
    "media": "pictures and other media",
    "packaging": "summary and tags",
}

_RTL_LANGUAGES = re.compile(
    "ae|arc?|arz|azb|bal|bcc|bgn|bqi|ckb|dv|fa|glk|he|iw|khw|ks|lrc|mzn|nqo|pes|pnb|prs|ps|sd|skr"
    "|syr|ug|ur|yi"
)
_RTL_SCRIPTS = re.compile("adlm|arab|aran|hebr|mand|mend|nkoo|rohg|samr|syrc|thaa|yezi")

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LETTERS = re.compile("[A-Z]{2,5}")


@dataclass(frozen=True, slots=True)
class Badge:
    """An edit scope for people: a label, its colour, one sentence."""

    scope: str
    tone: Tone
    label: str
    sentence: str


def badge(scope: str, agency: str, changed: Sequence[Part] = ()) -> Badge:
    """How to tell *scope* of a story by *agency* of which the parts *changed* differ."""
    known: Scope = next((s for s in LABELS if s == scope), "unknown")
    told = LABELS[known]
    parts = listed([PART_NAMES[p] for p in changed])
    # Isolated (UAX #9 §2.4): a name in Urdu must not turn the English sentence around.
    named = told.sentence.format(agency=f"\u2068{agency}\u2069", parts=parts or "nothing")
    return Badge(known, told.tone, told.label, named)


def legend() -> list[Badge]:
    """Every label there is, with what it means."""
    return [Badge(s, told.tone, told.label, told.meaning) for s, told in LABELS.items()]


def listed(names: Sequence[str]) -> str:
    """*names* as English lists them: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant twice: for machines (RFC 3339, UTC) and for people, with its zone."""

    iso: str
    text: str


def moment(instant: datetime, zone: tzinfo = UTC, beside: datetime | None = None) -> Moment:
    """*instant* as people in *zone* write it: ``22 November 2026, 18:30 IST``.

    Without the day when it is the same as that of an instant told *beside* it.
    """
    local = instant.astimezone(zone)
    name = local.tzname() or ""
    if not _LETTERS.fullmatch(name):
        name = f"UTC{local:%z}"
        name = "UTC" if name == "UTC+0000" else f"{name[:6]}:{name[6:8]}"
    text = f"{local:%H:%M} {name}"
    if beside is None or beside.astimezone(zone).date() != local.date():
        text = f"{local.day} {MONTHS[local.month - 1]} {local.year}, {text}"
    iso = instant.astimezone(UTC).replace(microsecond=0).isoformat()
    return Moment(iso.replace("+00:00", "Z"), text)


def zone_of(config: Config, wire: str, stated: datetime | None) -> tzinfo:
    """The zone to tell a story's times in: its wire's, else that of the agency's own date."""
    configured = config.wire(wire)
    if configured is not None and configured.timezone != "UTC":
        return ZoneInfo(configured.timezone)
    return UTC if stated is None or stated.tzinfo is None else stated.tzinfo


def direction(language: str | None) -> Literal["ltr", "rtl", "auto"]:
    """Which way text of *language* (RFC 5646) runs; ``auto`` when the language is not known."""
    if not language:
        return "auto"
    first, *rest = language.lower().split("-")
    for part in rest:
        if len(part) == 1:  # what follows is an extension's or private
            break
        if len(part) == 4 and part.isalpha():
            return "rtl" if _RTL_SCRIPTS.fullmatch(part) else "ltr"
    return "rtl" if _RTL_LANGUAGES.fullmatch(first) else "ltr"


def unturned(text: str) -> str:
    """*text* without marks that turn the direction of writing: for titles and search results,
    where no markup can keep them from turning what stands around them."""
    return _BIDI.sub("", text)
