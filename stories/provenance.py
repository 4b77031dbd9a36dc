"""Provenance: what was measured to differ between the copy received and the copy published."""

import json
import re
from collections.abc import Iterable
from typing import Literal

from stories.story import Copy, Digests, Value, digest
from stories.text import RULE, plain, project

Scope = Literal[
    "verbatim",
    "headline-only",
    "headline-media",
    "packaging",
    "house-style",
    "excerpt",
    "with-inputs",
    "edited",
    "unknown",
]
SCOPES: tuple[Scope, ...] = (
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
Part = Literal["headline", "text", "links", "media", "packaging"]
PARTS: tuple[Part, ...] = ("headline", "text", "links", "media", "packaging")


class Measurement(Value):
    """What was measured. ``edited_headline_only`` is True exactly for ``headline-only``."""

    rule: str
    scope: Scope
    changed: tuple[Part, ...]
    received: Digests | None
    published: Digests
    edited_headline_only: bool


class Difference(Value):
    """One difference a reader can see."""

    part: Part
    kind: Literal["added", "removed", "changed"]
    received: str
    published: str


def _digest(part: Part, value: object) -> str:
    text = json.dumps([RULE, part, value], ensure_ascii=False, separators=(",", ":"))
    return digest(text.encode())


def digests(copy: Copy, *, disclosure: str = "") -> Digests:
    """The five digests of *copy*, from one parse of its body."""
    words, refs = project(copy.body, copy.base, disclosure=disclosure)
    return Digests(
        rule=RULE,
        headline=_digest("headline", plain(copy.headline)),
        text=_digest("text", words),
        links=_digest("links", refs.links),
        media=_digest("media", tuple(dict.fromkeys(refs.media + copy.media))),
        packaging=_digest(
            "packaging", [plain(copy.summary), sorted({plain(t) for t in copy.tags} - {""})]
        ),
    )


def measure(
    received: Copy | None,
    published: Copy,
    *,
    received_digests: Digests | None = None,
    disclosure: str = "",
) -> Measurement:
    """What differs between *received* and *published*, from the copies alone."""
    after = digests(published, disclosure=disclosure)
    before = None if received is None else digests(received)
    scope: Scope
    changed: tuple[Part, ...] = ()
    if received is None or before is None:
        scope = "unknown"
    else:
        changed = tuple(p for p in PARTS if getattr(before, p) != getattr(after, p))
        if received_digests and received_digests.rule == RULE and received_digests != before:
            scope = "unknown"
        elif "text" in changed:
            scope = _worded(
                project(received.body).paragraphs,
                project(published.body, disclosure=disclosure).paragraphs,
            )
        elif not changed:
            scope = "verbatim"
        elif changed == ("headline",):
            scope = "headline-only"
        elif "media" in changed and set(changed) <= {"headline", "media"}:
            scope = "headline-media"
        else:
            scope = "packaging"
    return Measurement(
        rule=RULE,
        scope=scope,
        changed=changed,
        received=before,
        published=after,
        edited_headline_only=scope == "headline-only",
    )


def _fold(text: str) -> str:
    text = re.sub("[‘’‚‛`´]", "'", text)
    text = re.sub("[“”„‟«»]|''", '"', text)
    text = re.sub("[‐‑‒–—―−]|-{2,3}", "-", text)
    return re.sub(" ?- ?", "-", re.sub(r" ?(…|\.\.\.|\. \. \.) ?", "...", text))


def _worded(before: tuple[str, ...], after: tuple[str, ...]) -> Scope:
    if _fold(" ".join(before)) == _fold(" ".join(after)):
        return "house-style"
    rest = iter(before)
    if after and all(p in rest for p in after):
        return "excerpt"
    return "edited"


def widest(measurements: Iterable[Measurement]) -> Measurement:
    """The measurement with the widest scope of several renderings of one story.

    :raises ValueError: when there is none.
    """
    return max(measurements, key=lambda m: SCOPES.index(m.scope))


def differences(received: Copy, published: Copy, disclosure: str = "") -> tuple[Difference, ...]:
    """The differences between two copies, for people."""
    found: list[Difference] = []
    if plain(received.headline) != plain(published.headline):
        found.append(
            Difference(
                part="headline",
                kind="changed",
                received=plain(received.headline),
                published=plain(published.headline),
            )
        )
    return tuple(found)
