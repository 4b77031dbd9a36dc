"""The five parts of a copy, their digests, and the scope that follows from two sets of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .encoding import digest
from .text import RULE, Projection, Reference, plain, without
from .urls import resolve

PARTS = ("headline", "text", "links", "media", "packaging")
SCOPES = (
    "verbatim",
    "headline-only",
    "headline-media",
    "packaging",
    "house-style",
    "excerpt",
    "with-inputs",
    "edited",
    "unknown",
)
OF_CHANGED_WORDS = frozenset({"house-style", "excerpt", "with-inputs", "edited"})
"""Which of these it is only the words themselves can tell, and digests have none."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A copy as the rule reads it (docs/text-projection.md §5)."""

    headline: str
    text: tuple[str, ...]
    links: tuple[Reference, ...]
    media: tuple[Reference, ...]
    packaging: tuple[str, tuple[str, ...]]

    def digests(self) -> dict[str, str]:
        """The digest of each part."""
        return {name: part_digest(name, getattr(self, name)) for name in PARTS}


def parts(
    headline: str,
    body: Projection,
    *,
    disclosure: str = "",
    beside: Sequence[str] = (),
    base: str | None = None,
    summary: str = "",
    tags: Sequence[str] = (),
) -> Parts:
    """The parts of a copy whose body was read as *body*.

    :param disclosure: the sentence that is left out where it is the last paragraph.
    :param beside: addresses of media beside the body, resolved against *base*.
    """
    return Parts(
        headline=plain(headline),
        text=without(disclosure, body.paragraphs),
        links=body.links,
        media=_media(body.media, beside, base),
        packaging=(plain(summary), tuple(sorted({t for tag in tags if (t := plain(tag))}))),
    )


def part_digest(name: str, value: object) -> str:
    """The digest of one part's *value*."""
    text = json.dumps([RULE, name, value], ensure_ascii=False, separators=(",", ":"))
    return digest(text.encode())


def changed(received: Mapping[str, str | None], published: Mapping[str, str | None]) -> set[str]:
    """The parts whose digests differ."""
    return {name for name in PARTS if received[name] != published[name]}


def scopes_of(differing: set[str]) -> frozenset[str]:
    """The scopes that parts which differ allow (docs/text-projection.md §6), ``unknown`` apart."""
    if "text" in differing:
        return OF_CHANGED_WORDS
    if differing & {"links", "packaging"}:
        return frozenset({"packaging"})
    if "media" in differing:
        return frozenset({"headline-media"})
    return frozenset({"headline-only" if differing else "verbatim"})


def _media(
    inside: Sequence[Reference], beside: Sequence[str], base: str | None
) -> tuple[Reference, ...]:
    shown = {url for url, _ in inside}
    found = dict.fromkeys(inside)
    for reference in beside:
        url = resolve(reference, base, shown=True)
        if url and url not in shown:
            found[Reference(url, "")] = None
    return tuple(found)
