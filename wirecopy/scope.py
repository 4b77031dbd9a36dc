"""What differs between two copies, measured; and the edit scope it amounts to.

No claim is set by hand: digests, scope and ``edited_headline_only`` are computed from the two
copies by the rule of :mod:`wirecopy.text`. When a word changes on the way, so does the claim.
``docs/text-projection.md`` §5 and §6.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal

from .encoding import digest
from .text import RULE, UNSIGNED, Projection, Reference, plain, project, without
from .urls import resolve, unsigned

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
    "verbatim",  # nothing differs but the container
    "headline-only",  # the headline, and nothing else
    "headline-media",  # pictures and other media, and perhaps the headline
    "packaging",  # links, summary or tags, and perhaps headline and media; every word stands
    "house-style",  # the same words in the same order, set in other marks or other paragraphs
    "excerpt",  # whole paragraphs left out, no word added, changed or moved
    "with-inputs",  # a good part of the words is the agency's and a good part is not
    "edited",  # any other difference in the words
    "unknown",  # no received copy to measure against, or not the one that was received
)
"""From the least to the most changed."""

Part = Literal["headline", "text", "links", "media", "packaging"]
RULES = (RULE, UNSIGNED)
PARTS: tuple[Part, ...] = ("headline", "text", "links", "media", "packaging")
_OF_BODY: tuple[Part, ...] = ("text", "links", "media")

RUN = 5
"""So many words in a row must be in the received copy too to count as the agency's; shorter runs
("the Prime Minister said") could be anybody's."""
SUBSTANTIAL = 0.25
"""The share of the published words that is a good part, both of the agency's and of others'; and
RUN words at least, since in a few lines two words are a quarter and nobody's inputs."""

_PLACES = 8
"""So many are followed at once: paragraphs that repeat each other take no square time."""

# Typography that is folded away before words are compared (§6).
_HIDDEN = re.compile("[\xad\u200b\u2060]")
_MARKS = str.maketrans(
    dict.fromkeys("‘’‚‛′`´‹›", "'") | dict.fromkeys("“”„‟″«»", '"') | dict.fromkeys("‐‑‒–—―−", "-")
)
_DASH = re.compile(" -+ |-{2,}")
_ELLIPSIS = re.compile(r" ?(?:…|\.\.\.|\. \. \.) ?")


@dataclass(frozen=True, slots=True)
class Copy:
    """The words and references of one story in one form, received or published.

    Nothing else is measured. ``body`` is HTML; ``base`` is the URL its relative references are
    resolved against; ``media`` are the URLs beside the body, in order; ``summary`` is plain text.
    """

    headline: str
    body: str
    media: tuple[str, ...] = ()
    summary: str = ""
    tags: tuple[str, ...] = ()
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests of one copy, each ``sha-256=:…:`` as in RFC 9530, by the rule named in ``rule``.

    Stores hold them as JSON objects of these members.
    """

    rule: str
    headline: str
    text: str
    links: str
    media: str
    packaging: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What differs between two copies.

    ``received`` are the digests of the received copy (those made on receipt, where they were
    given), ``published`` those of the published one; ``changed`` are the parts in which the two
    differ. ``edited_headline_only`` is True exactly when ``scope`` is ``headline-only``; so it is
    False for a ``verbatim`` copy, whose headline was not edited.
    """

    rule: str
    scope: Scope
    changed: tuple[Part, ...]
    received: Digests | None
    published: Digests
    edited_headline_only: bool

    def to_json(self) -> dict[str, Any]:
        """The measurement as a store holds it, equal to what is read back from JSON."""
        received = None if self.received is None else _members(self.received)
        published = _members(self.published)
        found = {**_members(self), "received": received, "published": published}
        return {**found, "changed": list(self.changed)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Measurement":
        """The measurement that a store holds.

        :raises TypeError: when a member is missing or unknown.
        """
        received = stored["received"]
        parsed = {
            "changed": tuple(stored["changed"]),
            "received": Digests(**received) if received is not None else None,
            "published": Digests(**stored["published"]),
        }
        return cls(**{**stored, **parsed})


@dataclass(frozen=True, slots=True)
class Parts:
    """The five parts of a copy as the *rule* reads them. ``packaging`` is summary and tags,
    ``signed`` the addresses that carry a signature which expires."""

    headline: str
    text: tuple[str, ...]
    links: tuple[Reference, ...]
    media: tuple[Reference, ...]
    packaging: tuple[str, tuple[str, ...]]
    rule: str = RULE
    signed: tuple[str, ...] = ()

    def digests(self) -> Digests:
        """The digest of each part.

        It is taken of the JSON array ``[rule, part, value]`` in UTF-8, written as RFC 8785 says, so
        that no two values give the same bytes.
        """
        rule = self.rule
        return Digests(rule, *(digest_of(rule, part, getattr(self, part)) for part in PARTS))


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def digest_of(rule: str, part: str, value: object) -> str:
    """The digest of one part, whose *value* is as :class:`Parts` has it."""
    return digest(_JSON((rule, part, value)).encode()) if value else _of_nothing(rule, part, value)


@lru_cache(maxsize=64)  # most copies have no links, or no media
def _of_nothing(rule: str, part: str, nothing: object) -> str:
    return digest(_JSON((rule, part, nothing)).encode())


def parts(
    copy: Copy, *, disclosure: str = "", body: Projection | None = None, rule: str | None = RULE
) -> Parts:
    """The parts of *copy*. *body* is the projection of its body, where it is known already.

    A last paragraph that says *disclosure* is left out. Without a *rule* it is UNSIGNED where an
    address carries a signature that expires, else RULE.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    if body is None:
        body = project(copy.body, copy.base)
    links, shown = body.links, body.media
    beside = [found for url in copy.media if (found := resolve(url, copy.base, shown=True))]
    urls = dict.fromkeys([*(each.url for each in (*links, *shown)), *beside])
    signed = tuple(url for url in urls if rule != RULE and "?" in url and unsigned(url) != url)
    rule = rule or (UNSIGNED if signed else RULE)
    if signed:
        links, shown = (
            tuple(each._replace(url=unsigned(each.url)) for each in refs) for refs in (links, shown)
        )
        beside = [unsigned(url) for url in beside]
    return Parts(
        headline=plain(copy.headline),
        text=without(disclosure, body.paragraphs),
        links=links,
        media=_media(shown, beside),
        packaging=_packaging(copy),
        rule=rule,
        signed=signed,
    )


def _packaging(copy: Copy) -> tuple[str, tuple[str, ...]]:
    return plain(copy.summary), tuple(sorted({plain(tag) for tag in copy.tags} - {""}))


def _media(shown: Sequence[Reference], beside: Sequence[str]) -> tuple[Reference, ...]:
    """The media *shown* in the body, then those *beside* it that it does not show, none twice.

    So the wire's picture beside the story is the same picture when it is published in the body.
    """
    inside = {medium.url for medium in shown}
    others = (Reference(url, "") for url in beside if url not in inside)
    return tuple(dict.fromkeys((*shown, *others)))


def _members(value: Digests | Measurement) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def digests(copy: Copy, *, disclosure: str = "") -> Digests:
    """The digests of *copy*. See :func:`parts`."""
    return parts(copy, disclosure=disclosure).digests()


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
    stored: bool = False,
) -> Measurement:
    """What differs between *received* and *published*.

    *received_digests* are those made on receipt, whose rule then is that of all. If they were made
    by a rule known here and are not those of *received*, that copy is not what was received, and
    the scope is ``unknown``, as it is without a received copy. *disclosure* is the plain sentence
    in the last paragraph of the published copy, empty for none.

    *stored* says that *received* and *received_digests* were stored together when both were made.
    Then the body received is not read where the one published has its digests: they prove that it
    was published as received.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    kept = received_digests if received_digests and received_digests.rule in RULES else None
    new = parts(published, disclosure=disclosure, rule=kept.rule if kept else None)
    after = new.digests()
    scope: Scope = "unknown"
    before = kept
    if received is not None:
        old: Parts | None = None
        if stored and kept and all(getattr(kept, p) == getattr(after, p) for p in _OF_BODY):
            made = replace(
                after,
                headline=digest_of(new.rule, "headline", plain(received.headline)),
                packaging=digest_of(new.rule, "packaging", _packaging(received)),
            )
        else:
            old = parts(received, rule=new.rule)
            made = old.digests()
        before = kept or made
        if before == made:
            scope = scope_of(changed_parts(made, after))
            if scope == "edited" and old is not None:
                scope = scope_of_words(old.text, new.text)
    return Measurement(
        rule=new.rule,
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


def scope_of(changed: Iterable[Part]) -> Scope:
    """The scope that follows from the parts that differ, without looking at the words.

    Where the text differs that is ``edited``; :func:`scope_of_words` may find a lesser one.
    """
    parts = frozenset(changed)
    if not parts:
        return "verbatim"
    if "text" in parts:
        return "edited"
    if parts == {"headline"}:
        return "headline-only"
    if parts <= {"headline", "media"}:
        return "headline-media"
    return "packaging"


def scope_of_words(received: Sequence[str], published: Sequence[str]) -> Scope:
    """The scope of a text whose paragraphs differ. Linear in both."""
    before, after = folded(received), folded(published)
    if before == after:
        return "house-style"
    if after and _left_out(received, published):
        return "excerpt"
    if min(_known(before, after), _foreign(before, after)) >= max(RUN, SUBSTANTIAL * len(after)):
        return "with-inputs"
    return "edited"


def folded(paragraphs: Sequence[str]) -> list[str]:
    """The words with typography folded: kinds of quotes, dashes and ellipses, spaces around dashes
    and ellipses, soft hyphens and zero-width spaces. Case, digits, joiners and bidirectional
    controls stay."""
    text = _HIDDEN.sub("", " ".join(paragraphs)).translate(_MARKS).replace("''", '"')
    return _ELLIPSIS.sub("... ", _DASH.sub("-", text)).split()


def _left_out(received: Sequence[str], published: Sequence[str]) -> bool:
    """Whether the words of *published* are those of whole *received* paragraphs, some left out."""
    words = [word for text in published for word in folded([text])]
    reached = [0]  # numbers of words that the paragraphs so far can make
    for text in received:
        said = folded([text])
        longer = (at + len(said) for at in reached if words[at : at + len(said)] == said)
        reached = sorted({*reached, *longer})[-_PLACES:]
    return reached[-1] == len(words)


def _known(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words of *after* are in a run of at least RUN words that *before* has too."""
    runs = {tuple(before[i : i + RUN]) for i in range(len(before) - RUN + 1)}
    known = reach = 0
    for i in range(len(after) - RUN + 1):
        if tuple(after[i : i + RUN]) in runs:
            known += i + RUN - max(reach, i)
            reach = i + RUN
    return known


def _foreign(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words of *after* are not among those of *before*, each counted once."""
    return (Counter(after) - Counter(before)).total()
