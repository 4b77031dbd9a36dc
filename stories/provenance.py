"""Provenance: what was measured to differ between the copy received and the copy published.

No claim is ever set: digests, scope and ``edited_headline_only`` are computed from the two copies,
by the rule of :mod:`wirecopy.text`, and fall by themselves when a word changes on the way.
"""

import json
from collections.abc import Iterable

from publish.diff import Difference, Words, differences, word_differences
from stories.models import Copy, Digests, Value, digest
from stories.reading import Reading, read
from wirecopy.scope import PARTS, SCOPES, Part, Scope, scope_of, scope_of_words
from wirecopy.text import RULE

__all__ = [
    "PARTS",
    "SCOPES",
    "Difference",
    "Measurement",
    "Part",
    "Scope",
    "Words",
    "changed_parts",
    "differences",
    "digests",
    "measure",
    "scope_of",
    "widest",
    "word_differences",
]


class Measurement(Value):
    """What was measured between two copies.

    ``received`` are the digests of the received copy (those made at receipt, where they were
    given), ``published`` those of the published one; ``changed`` are the parts in which the two
    differ. ``edited_headline_only`` is True exactly when ``scope`` is ``headline-only``: for a
    ``verbatim`` copy it is False, as no headline was edited.
    """

    rule: str
    scope: Scope
    changed: tuple[Part, ...]
    received: Digests | None
    published: Digests
    edited_headline_only: bool


def digests(copy: Copy, *, disclosure: str = "") -> Digests:
    """The digests of *copy*; one final paragraph saying *disclosure* is left out of them.

    Each is taken of a JSON array ``[rule, part, value]`` in UTF-8, without white space and with
    nothing escaped but what JSON must (as in RFC 8785), so that no two inputs read alike.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    return _digests(read(copy, disclosure=disclosure))


def _digests(reading: Reading) -> Digests:
    return Digests(
        rule=RULE,
        headline=_digest("headline", reading.headline),
        text=_digest("text", reading.paragraphs),
        links=_digest("links", reading.links),
        media=_digest("media", reading.media),
        packaging=_digest("packaging", (reading.summary, reading.tags)),
    )


def _digest(part: Part, value: object) -> str:
    text = json.dumps((RULE, part, value), ensure_ascii=False, separators=(",", ":"))
    return digest(text.encode())


def changed_parts(received: Digests, published: Digests) -> tuple[Part, ...]:
    """The parts whose digests differ.

    :raises ValueError: when the two were made by different rules, and so cannot be compared.
    """
    if received.rule != published.rule:
        raise ValueError(
            f"digests by {received.rule!r} and by {published.rule!r} cannot be compared;"
            " make both again by one rule"
        )
    return tuple(part for part in PARTS if getattr(received, part) != getattr(published, part))


def measure(
    received: Copy | None,
    published: Copy,
    *,
    received_digests: Digests | None = None,
    disclosure: str = "",
) -> Measurement:
    """What differs between *received* and *published*; nothing but the copies is believed.

    *received_digests* are those made at receipt. If they were made by this rule and are not those
    of *received*, that copy is not what was received, and the scope is ``unknown``; it is
    ``unknown`` too without a received copy. *disclosure* is the plain sentence that stands as the
    published copy's last paragraph, empty for none.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    new = read(published, disclosure=disclosure)
    after = _digests(new)
    kept = received_digests if received_digests and received_digests.rule == RULE else None
    scope: Scope = "unknown"
    before = kept
    if received is not None:
        old = read(received)
        made = _digests(old)
        before = kept or made
        if before == made:
            scope = scope_of(changed_parts(made, after))
            if scope == "edited":
                scope = scope_of_words(old.paragraphs, new.paragraphs)
    return Measurement(
        rule=RULE,
        scope=scope,
        changed=changed_parts(before, after) if before else (),
        received=before,
        published=after,
        edited_headline_only=scope == "headline-only",
    )


def widest(measurements: Iterable[Measurement]) -> Measurement:
    """The measurement of the most changed scope among several renderings of one story.

    :raises ValueError: when there is none.
    """
    return max(measurements, key=lambda measured: SCOPES.index(measured.scope))
