"""Words for readers: labels of edit scopes, dates with their zone, the direction of writing, and
what screen readers say of pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
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
"""Not from the process's locale, which feedgen changes while it writes."""

_TAG = re.compile(r'<([a-z][a-z0-9]*)((?:[^">]|"[^"]*")*)>')
"""A start tag, whole, in HTML as publish.clean writes it: values stand in double quotes, and may
have tags in them."""

PART_NAMES: dict[Part, str] = {
    "headline": "headline",
    "text": "text",
    "links": "links",
    "media": "pictures and other media",
    "packaging": "summary and tags",
}

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LETTERS = re.compile("[A-Z]{2,5}")


@dataclass(frozen=True, slots=True)
class Badge:
    """An edit scope as readers see it: a label, its colour, a sentence."""

    scope: str
    tone: Tone
    label: str
    sentence: str


def badge(scope: str, agency: str, changed: Sequence[Part] = ()) -> Badge:
    """The badge of a story of *scope* by *agency*, of which the parts *changed* differ."""
    known: Scope = next((s for s in LABELS if s == scope), "unknown")
    label = LABELS[known]
    parts = listed([PART_NAMES[p] for p in changed])
    # Isolated (UAX #9 §2.4): a name in Urdu must not reverse the English sentence.
    sentence = label.sentence.format(agency=f"\u2068{agency}\u2069", parts=parts or "nothing")
    return Badge(known, label.tone, label.label, sentence)


def legend() -> list[Badge]:
    """The badges of all scopes, with what each means."""
    return [Badge(scope, of.tone, of.label, of.meaning) for scope, of in LABELS.items()]


def listed(names: Sequence[str]) -> str:
    """*names* as English lists them: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for machines (RFC 3339, UTC) and for people, with its zone."""

    iso: str
    text: str


def moment(instant: datetime, zone: tzinfo | None = UTC, beside: datetime | None = None) -> Moment:
    """*instant* as people in *zone* write it, None for that of this machine:
    ``22 November 2026, 18:30 IST``.

    Without the day if an instant shown *beside* it is of the same day.
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
    """The zone of a story's times: the site's, else its wire's, else that of the date which the
    agency *stated*."""
    if config.site.timezone is not None:
        return ZoneInfo(config.site.timezone)
    return agency_zone(config, wire, stated)


def agency_zone(config: Config, wire: str, stated: datetime | None) -> tzinfo:
    """The zone in which the agency of *wire* tells the time: the wire's as configured, else that of
    the date which it *stated*."""
    configured = config.rules(wire)
    if configured is not None and configured.timezone != "UTC":
        return ZoneInfo(configured.timezone)
    return UTC if stated is None or stated.tzinfo is None else stated.tzinfo


def without_bidi_marks(text: str) -> str:
    """*text* without marks that change the direction of writing (UAX #9): for titles and search
    results, where no markup can keep them from affecting what is around."""
    return _BIDI.sub("", text)


def described(body: str) -> str:
    """*body* with no picture of which a screen reader would read the file's name aloud, as it does
    where the agency gave no text."""

    def spoken(tag: re.Match[str]) -> str:
        name, attributes = tag.groups()
        silent = name == "img" and " alt=" not in attributes
        return f'<img alt=""{attributes}>' if silent else tag[0]

    return _TAG.sub(spoken, body)
