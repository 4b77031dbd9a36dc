"""From an edition to its words: the invented copy of ``copy.json`` and its variations.

Every story of ``copy.json`` has slots (``{town}``, ``{months}`` …) and what may stand in them.
Variation 0 takes the first choice everywhere; each further number, up to the product of the
choices, is another combination.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from desk.demo.items import CODE, Edition, Picture, WireItem, instant

GUID = "tag:agency.invalid,2026:"
"""Guids are this tag URI (RFC 4151) plus the story's key: valid as an Atom id, and opaque."""

_BLOCK = re.compile(r"<(?:table|ul|ol|blockquote|figure|h3|pre)\b")


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """One story of ``copy.json``, its blocks joined: template and what may fill it."""

    slug: str
    role: str
    language: str
    place: str
    headline: str
    byline: str
    slugline: str
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    urgency: int
    summary: str
    body: str
    picture: str
    later: tuple[str, str, str]
    vary: tuple[tuple[str, tuple[str, ...]], ...]
    variations: int


@lru_cache(maxsize=1)
def _copy() -> dict[str, Any]:
    text = Path(__file__).with_name("copy.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@lru_cache(maxsize=1)
def stories() -> tuple[Story, ...]:
    """The stories of ``copy.json`` in their order."""
    return tuple(_story(entry) for entry in _copy()["stories"])


def _story(entry: dict[str, Any]) -> Story:
    vary = tuple((slot, _choices(given)) for slot, given in entry["vary"].items())
    tail = [entry["tail"]] if "tail" in entry else []
    change = entry.get("update") or entry.get("correction") or {}
    changed = {int(place): block for place, block in change.get("body", {}).items()}
    blocks = entry["body"] + tail
    return Story(
        slug=entry["slug"],
        role=entry.get("role", ""),
        language=entry["language"],
        place=entry["place"],
        headline=entry["headline"],
        byline=entry.get("byline", ""),
        slugline=entry["slugline"],
        keywords=tuple(entry["keywords"]),
        categories=tuple(entry["categories"]),
        urgency=entry["urgency"],
        summary=entry["summary"],
        body=_join(blocks),
        picture=entry.get("picture", ""),
        later=(
            change.get("headline", entry["headline"]),
            change.get("summary", entry["summary"]),
            _join([changed.get(place, block) for place, block in enumerate(blocks)]),
        ),
        vary=vary,
        variations=math.prod(len(choices) for _, choices in vary),
    )


def _choices(given: list[str] | dict[str, int]) -> tuple[str, ...]:
    if isinstance(given, list):
        return tuple(given)
    return tuple(str(number) for number in range(given["from"], given["to"] + 1))


def _join(blocks: list[str]) -> str:
    first, *rest = blocks
    return "\n".join(
        [
            f"<p>{{dateline}} &mdash; {first}</p>",
            *(block if _BLOCK.match(block) else f"<p>{block}</p>" for block in rest),
        ]
    )


def dateline(language: str, place: str, day: date) -> str:
    """Place, day and code as an agency opens a story: ``NEW DELHI, Nov 22 (SIM)``."""
    month = _copy()["months"][language][day.month - 1]
    if language == "en":
        return f"{place.upper()}, {month} {day.day} ({CODE})"
    if language == "ta":
        return f"{place}, {month} {day.day} ({CODE})"
    comma = "،" if language == "ur" else ","
    return f"{place}{comma} {day.day} {month} ({CODE})"


def fill(story: Story, variation: int) -> dict[str, str]:
    """What stands in each slot of *story* in that *variation* (taken modulo their number)."""
    values = {}
    for slot, choices in story.vary:
        variation, place = divmod(variation, len(choices))
        values[slot] = choices[place]
    return values


@dataclass(frozen=True, slots=True)
class _Words:
    headline: str
    dateline: str
    keywords: tuple[str, ...]
    summary: str
    body: str
    caption: str


# The same words stand on several wires; filling slots is most of the cost of an item.
@lru_cache(maxsize=8192)
def _words(story: Story, later: bool, variation: int, site: str, day: date) -> _Words:
    values = fill(story, variation) | {"site": site}
    line = dateline(story.language, story.place.format_map(values), day)
    values |= {"dateline": line, "weekday": _copy()["weekdays"][story.language][day.weekday()]}
    headline, summary, body = story.later if later else (story.headline, story.summary, story.body)
    return _Words(
        headline.format_map(values),
        line,
        tuple(word.format_map(values) for word in story.keywords),
        summary.format_map(values),
        body.format_map(values),
        story.picture.format_map(values),
    )


def write(
    story: Story,
    edition: Edition,
    *,
    key: str,
    guid: str,
    variation: int,
    site: str,
    epoch: datetime,
) -> WireItem:
    """*edition* of *story*, in words.

    The second and later editions carry what ``copy.json`` gives as the story's update or
    correction, if it does. *site* is the agency's own address, without a slash at the end.
    """
    first = instant(epoch, edition.first)
    words = _words(story, edition.number > 1, variation, site, first.date())
    body = words.body
    if edition.reads >= 0:
        pixel = f"{site}/pixel.gif?story={key}&amp;reads={edition.reads}"
        body += f'\n<img src="{pixel}" width="1" height="1" alt="">'
    picture = None
    if story.picture:
        number = 1 + (edition.index + variation) % 999
        picture = Picture(number, f"{site}/pictures/{number}.svg", words.caption)
    return WireItem(
        key=key,
        guid=guid,
        link=f"{site}/stories/{key}",
        edition=edition.number,
        language=story.language,
        headline=words.headline,
        dateline=words.dateline,
        byline=story.byline,
        slugline=story.slugline,
        keywords=words.keywords,
        categories=story.categories,
        urgency=story.urgency,
        summary=words.summary,
        body=body,
        picture=picture,
        first=first,
        dated=instant(epoch, edition.dated),
        reads=edition.reads,
    )
